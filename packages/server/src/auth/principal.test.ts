import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { principalId } from './principal.ts'

const issuer = fc.webUrl({ withQueryParameters: false, withFragments: false })
const subject = fc.string({ minLength: 1, maxLength: 60, unit: 'binary' })

test('two who differ have ids that differ, and no id has a blank', () => {
  fc.assert(
    fc.property(issuer, subject, issuer, subject, (issuerA, subjectA, issuerB, subjectB) => {
      const [a, b] = [principalId(issuerA, subjectA), principalId(issuerB, subjectB)]
      if (a === undefined || b === undefined) return
      assert.equal(a === b, issuerA === issuerB && subjectA === subjectB)
      assert.doesNotMatch(a, /[\s]/)
    }),
  )
})

test('what cannot be an id is none', () => {
  for (const bad of ['', '\uD800', 'x'.repeat(500), 'ä'.repeat(100)]) {
    assert.equal(principalId('https://idp.example', bad), undefined)
  }
  assert.equal(
    principalId('https://i.example', 'auth0|1 2#3'),
    'https://i.example#auth0%7C1%202%233',
  )
})
