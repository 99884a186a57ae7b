import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject } from '@countersign/contract'
import { readParamHeaders, stripParamHeaders } from './param-headers.ts'

/** JSON that only the story knows. */
// oxlint-disable-next-line typescript/no-explicit-any
type Wire = any

const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: 'object',
  properties,
  ...more,
})
const mirrored = (header: unknown, type: unknown = 'string') =>
  ({ type, 'x-mcp-header': header }) as JsonObject

test('annotations on properties, nested ones too, name their header and their path', () => {
  // F-020, AM-10
  const schema = object({
    region: mirrored('Region'),
    deep: object({ er: object({ count: mirrored('Count', 'integer') }) }),
    flag: mirrored('Flag', 'boolean'),
    plain: { type: 'number' },
  })
  assert.deepEqual(readParamHeaders(schema), [
    { header: 'Mcp-Param-Region', path: ['region'], type: 'string' },
    { header: 'Mcp-Param-Count', path: ['deep', 'er', 'count'], type: 'integer' },
    { header: 'Mcp-Param-Flag', path: ['flag'], type: 'boolean' },
  ])
})

for (const [why, schema] of [
  ['an empty name', object({ a: mirrored('') })],
  ['a name that is no token', object({ a: mirrored('a b') })],
  ['a name with a line break', object({ a: mirrored('a\nb') })],
  ['a name that is no text', object({ a: mirrored(7) })],
  ['a number', object({ a: mirrored('A', 'number') })],
  ['an object', object({ a: mirrored('A', 'object') })],
  ['several types', object({ a: mirrored('A', ['string', 'null']) })],
  ['no type', object({ a: { 'x-mcp-header': 'A' } })],
  ['the same name twice, in another case', object({ a: mirrored('A'), b: mirrored('a') })],
  ['items', object({ a: { type: 'array', items: mirrored('A') } })],
  ['a composition', object({}, { anyOf: [object({ a: mirrored('A') })] })],
  ['a condition', object({}, { if: object({ a: mirrored('A') }) })],
  ['$defs', object({}, { $defs: { a: mirrored('A') } })],
  ['additionalProperties', object({}, { additionalProperties: mirrored('A') })],
  ['the root', { ...object({}), 'x-mcp-header': 'A' }],
] as const) {
  test(`an annotation on or under ${why} breaks the rules`, () => {
    // F-020, F-021
    assert.equal(readParamHeaders(schema), undefined)
  })
}

test('whatever a schema is, stripping it leaves no annotation and everything else', () => {
  // F-027
  const sprinkled = fc.jsonValue({ maxDepth: 4 })
  fc.assert(
    fc.property(sprinkled, fc.jsonValue({ maxDepth: 1 }), (value, header) => {
      const add = (one: Wire): Wire =>
        Array.isArray(one)
          ? one.map(add)
          : typeof one === 'object' && one !== null
            ? {
                ...Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, add(inner)])),
                'x-mcp-header': header,
              }
            : one
      const clean = JSON.parse(JSON.stringify(value))
      if (JSON.stringify(clean).includes('x-mcp-header')) return
      assert.deepEqual(stripParamHeaders(add(clean)), clean)
      if (typeof clean === 'object') assert.deepEqual(readParamHeaders(clean) ?? [], [])
    }),
  )
})
