import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ADMIN, EFFECTS } from '@countersign/contract'
import fc from 'fast-check'
import { html, type Html } from './html.ts'
import { page, type Seen } from './index.ts'

/** Text as an attacker would choose it, and any other. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc
    .array(fc.constantFrom('<script>', '</td>', '"', "'", '&', '&amp;', '<!--', 'x'))
    .map((all) => all.join('')),
)
const count = fc.nat()
const seen: fc.Arbitrary<Seen> = fc.record({
  servers: fc.array(
    fc.record({
      id: text,
      state: text,
      revision: text,
      restarts: count,
      inFlight: count,
      tools: count,
      problem: text,
      problems: fc.array(text),
    }),
  ),
  tools: fc.array(
    fc.record({
      name: text,
      server: text,
      original: text,
      kind: fc.constant('tool' as const),
      effect: fc.constantFrom(...EFFECTS),
      digest: text,
    }),
  ),
  entries: fc.array(
    fc.record({
      seq: count,
      at: fc.integer({ min: 0, max: 4e12 }),
      kind: fc.constantFrom('call.opened', 'call.closed', 'other'),
      call: text,
      body: fc.record({ server: text, name: text, effect: text, outcome: text }),
    }),
  ),
})

const tagsOf = (document: string): readonly string[] =>
  [...document.matchAll(/<[^>]*>/g)].map(([tag]) => tag)

test('whatever the API says, a page has the tags of its own tables and no others', () => {
  const ours = new Set(
    tagsOf(page({ servers: [], tools: [], entries: [] })).concat(
      '<tr>',
      '<td>',
      '</td>',
      '<th scope="row">',
    ),
  )
  fc.assert(
    fc.property(seen, (answers) => {
      const document = page(answers)
      assert.deepEqual(
        tagsOf(document).filter((tag) => !ours.has(tag)),
        [],
      )
      const rows = answers.servers.length + answers.tools.length
      const calls = answers.entries.filter(({ kind }) => kind === 'call.opened').length
      assert.equal(document.split('<th scope="row">').length - 1, rows + calls)
    }),
  )
})

test('what is escaped reads as it was written', () => {
  const decode = (written: string): string =>
    written
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&#39;', "'")
      .replaceAll('&amp;', '&')
  fc.assert(
    fc.property(text, (any) => {
      const written = String(html`${any}`)
      assert.doesNotMatch(written, /[<>"']/)
      assert.equal(decode(written), any)
    }),
  )
})

test('HTML inside of HTML is not escaped twice', () => {
  const inner: Html = html`<b>${'<'}</b>`
  assert.equal(String(html`<p>${[inner, inner]}</p>`), '<p><b>&lt;</b><b>&lt;</b></p>')
})

test('a call stands with its outcome, the newest first, and an open one says so', () => {
  const opened = (call: string, seq: number) => ({
    seq,
    at: 0,
    kind: 'call.opened',
    call,
    body: { server: 's', name: `tool-${call}`, effect: 'read' },
  })
  const entries = ADMIN.listEntries.output.parse([
    opened('one', 1),
    { seq: 2, at: 1, kind: 'call.closed', call: 'one', body: { outcome: 'answered' } },
    opened('two', 3),
  ])
  const document = page({ servers: [], tools: [], entries })
  assert.match(document, /tool-two.*<td>open<\/td>[^]*tool-one.*<td>answered<\/td>/)
})
