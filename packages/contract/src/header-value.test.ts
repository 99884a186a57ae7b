import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeHeaderValue, encodeHeaderValue } from './header-value.ts'

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
  fc.string({ unit: 'grapheme' }),
  fc.stringMatching(/^=\?base64\?[A-Za-z0-9+/=]{0,8}\?=$/),
)

test('whatever text is encoded is decoded to the same text', () => {
  // H-032, H-033, H-034
  fc.assert(
    fc.property(anyText, (text) => {
      const header = encodeHeaderValue(text)
      assert.match(header, /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/)
      assert.equal(decodeHeaderValue(header), text)
      assert.equal(decodeHeaderValue(`  ${header}\t`), text) // H-031
    }),
    { numRuns: 1_000 },
  )
})

test('a header from anybody is decoded or refused, never thrown at', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, tail) => {
      for (const header of [text, `=?base64?${text}?=`, `=?base64?${tail}`, `${tail}?=`]) {
        const decoded = decodeHeaderValue(header)
        assert.ok(decoded === undefined || typeof decoded === 'string')
      }
    }),
  )
})

test('only the exact sentinel is one: other case, no end, or both markers in one are plain text', () => {
  // H-033
  for (const plain of ['=?BASE64?ZWNobw==?=', '=?base64?ZWNobw==', 'ZWNobw==?=', '=?base64?=']) {
    assert.equal(decodeHeaderValue(plain), plain)
  }
  for (const bad of [
    '=?base64?ZWNobw?=',
    '=?base64?Z?=',
    '=?base64?_-_-?=',
    '=?base64?/w==?=',
    '=?base64? ?=',
  ]) {
    assert.equal(decodeHeaderValue(bad), undefined)
  }
  assert.equal(decodeHeaderValue('=?base64??='), '')
  assert.equal(decodeHeaderValue(''), '')
})
