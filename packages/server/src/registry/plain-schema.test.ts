import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import type { JsonObject } from '@countersign/contract'
import { plainSchema } from './plain-schema.ts'

/** JSON that only the story knows. */
// oxlint-disable-next-line typescript/no-explicit-any
type Wire = any

const ROOT = ['anyOf', 'oneOf', 'allOf', 'if', 'then', 'else', 'not']
const names = fc.constantFrom('a', 'b', 'c', '__proto__')
const property = fc.constantFrom<JsonObject>({ type: 'string' }, { type: 'integer' }, {})
const branch = fc
  .record(
    {
      properties: fc.dictionary(names, property, { maxKeys: 3 }),
      required: fc.uniqueArray(names, { maxLength: 2 }),
      $ref: fc.constantFrom('#/$defs/one', '#/$defs/none', 'https://example.com/x', '#'),
    },
    { requiredKeys: [] },
  )
  .map((one) => ({ ...one }))
const schemas = fc
  .record(
    {
      type: fc.constant('object'),
      properties: fc.dictionary(names, property, { maxKeys: 3 }),
      required: fc.uniqueArray(names, { maxLength: 2 }),
      description: fc.string(),
      additionalProperties: fc.boolean(),
      anyOf: fc.array(branch, { maxLength: 3 }),
      oneOf: fc.array(branch, { maxLength: 3 }),
      allOf: fc.array(branch, { maxLength: 3 }),
      if: branch,
      not: branch,
      $defs: fc.constant({
        one: { properties: { fromRef: { type: 'string' } }, required: ['fromRef'] },
      }),
    },
    { requiredKeys: ['type'] },
  )
  .map((one) => ({ ...one }))

test('no schema keeps at its root what clients die of, and all that it names is still named', () => {
  // F-008
  fc.assert(
    fc.property(schemas, (schema: Wire) => {
      const { schema: said, rule } = plainSchema(schema)
      const plain: Wire = said
      for (const key of ROOT) assert.ok(!Object.hasOwn(plain, key), key)
      assert.equal(plain.type, 'object')
      const named = (one: Wire): readonly string[] => Object.keys(one?.properties ?? {})
      const all = [schema, ...ROOT.slice(0, 3).flatMap((key) => schema[key] ?? [])].flatMap(named)
      for (const name of all) assert.ok(Object.hasOwn(plain.properties ?? {}, name), name)
      for (const name of schema.required ?? []) assert.ok(plain.required.includes(name))
      assert.equal(plain.description, schema.description)
      if (rule !== undefined) assert.match(rule, /^Provide at least one of: .+\.$/)
    }),
    { numRuns: 500 },
  )
})

test('a plain schema is left as it is, to the letter', () => {
  const schema = {
    type: 'object',
    properties: { a: { anyOf: [{ type: 'string' }, { type: 'null' }] } },
    $defs: { x: {} },
  }
  assert.equal(plainSchema(schema).schema, schema)
  assert.equal(plainSchema(schema).rule, undefined)
})

test('what the server’s own schema accepts, the plain one accepts too', () => {
  const schema = {
    type: 'object',
    properties: { x: { type: 'string' } },
    anyOf: [{ properties: { n: { type: 'integer' } }, required: ['n'] }, { $ref: '#/$defs/named' }],
    allOf: [{ required: ['x'] }],
    $defs: { named: { properties: { name: { type: 'string' } }, required: ['name'] } },
  }
  const { schema: plain, rule } = plainSchema(schema)
  const ajv = new Ajv2020()
  const [strict, loose] = [ajv.compile(schema), ajv.compile(plain)]
  for (const value of [
    { x: 'a', n: 1 },
    { x: 'a', name: 'b' },
    { x: 'a', n: 1, name: 'b', more: 1 },
  ]) {
    assert.ok(strict(value) && loose(value))
  }
  assert.ok(!loose({ n: 1 }), 'what every branch requires is still required')
  assert.equal(rule, 'Provide at least one of: n; name.')
})
