import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseExactly } from './exact-json.ts'

test('numbers that a double cannot hold are written again with the digits they came with', () => {
  for (const number of ['9007199254740993', '-12345678901234567890', '0.1234567890123456789']) {
    const text = `{"n":${number},"list":[${number}],"text":"${number}"}`
    assert.equal(JSON.stringify(parseExactly(text)), text)
  }
})

test('everything else is what JSON.parse makes of it', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      assert.deepEqual(JSON.stringify(parseExactly(text)), JSON.stringify(JSON.parse(text)))
    }),
  )
  assert.equal(parseExactly('9007199254740991'), 9_007_199_254_740_991)
  assert.throws(() => parseExactly('{'), SyntaxError)
})
