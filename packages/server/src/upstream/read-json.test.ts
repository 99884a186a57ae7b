import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { idOfDeep, readJson } from './read-json.ts'

test('JSON is read, other text is not, and what nests too deep is not even parsed', () => {
  assert.deepEqual(readJson('{"a":[1]}'), { kind: 'value', value: { a: [1] } })
  assert.deepEqual(readJson('{"a":'), { kind: 'not-json' })
  assert.deepEqual(readJson('['.repeat(129)), { kind: 'too-deep' })
  assert.equal(readJson('['.repeat(128) + ']'.repeat(128)).kind, 'value')
})

test('the id of a message is found wherever it stands in the outermost object', () => {
  const value = fc.json()
  fc.assert(
    fc.property(fc.nat(), value, value, fc.nat(2), (id, before, after, spaces) => {
      const space = ' '.repeat(spaces)
      const text = `{"a":${before},${space}"id"${space}:${space}${id},"result":{"id":-1,"x":${after}}}`
      assert.equal(idOfDeep(text), id)
    }),
  )
})

test('an id that is text, nested or missing is not taken for one', () => {
  for (const text of ['{"id":"7"}', '{"a":{"id":7}}', '["id",7]', '{"x":"\\"id\\":7"}', '{']) {
    assert.equal(idOfDeep(text), undefined)
  }
})
