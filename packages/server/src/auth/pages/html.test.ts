import assert from 'node:assert/strict'
import { test } from 'node:test'
import { html } from './html.ts'

test('whatever comes into a page is text there, unless a template made it', () => {
  const evil = `"><script>alert('1')</script>&`
  assert.equal(
    String(html`<p title="${evil}">${evil}</p>`),
    '<p title="&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;">&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;</p>',
  )
  assert.equal(String(html`<p>${html`<b>${'<'}</b>`}</p>`), '<p><b>&lt;</b></p>')
})

test('lists follow each other, and nothing is nothing', () => {
  assert.equal(String(html`${[1, 'a', html`<i></i>`]}${undefined}${false}.`), '1a<i></i>.')
})

test('marks that turn or hide text are shown as what they are: strange', () => {
  assert.equal(String(html`${'a\u202Eb\u200Bc\u0000'}`), 'a\uFFFDb\uFFFDc\uFFFD')
})
