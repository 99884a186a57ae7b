import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { elementsAt } from './json-slices.ts'

test('each element is found where it stands, whatever it is and however it is spaced', () => {
  const indent = fc.constantFrom(undefined, 1, '\t')
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), fc.jsonValue(), indent, (items, other, space) => {
      const text = JSON.stringify({ x: other, result: { y: other, tools: items } }, null, space)
      const slices = elementsAt(text, ['result', 'tools'])
      assert.deepEqual(
        slices?.map(({ start, end }) => JSON.parse(text.slice(start, end))),
        JSON.parse(JSON.stringify(items)),
      )
    }),
  )
})

test('where there is no array there is nothing', () => {
  assert.equal(elementsAt('{"result":{}}', ['result', 'tools']), undefined)
  assert.equal(elementsAt('{"result":{"tools":{}}}', ['result', 'tools']), undefined)
  assert.equal(elementsAt('[1]', ['result', 'tools']), undefined)
})
