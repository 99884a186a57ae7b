import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Json } from '@countersign/contract'
import { argumentsOf, pathProblem } from './followup.ts'

const FROM = {
  arguments: { repo: 'acme/site', tags: ['a', 'b'] },
  result: { structuredContent: { id: 7, items: [{ id: 1 }, { id: 2 }] } },
}
const filled = (template: Json): unknown => argumentsOf({ arguments: template }, FROM)

test('arguments are taken from the call and its result, wherever a JSONPath says', () => {
  assert.deepEqual(
    filled({
      id: '$.result.structuredContent.id',
      nested: { repo: '$.arguments.repo', list: ['$.arguments.tags[1]', 'plain'] },
    }),
    { id: 7, nested: { repo: 'acme/site', list: ['b', 'plain'] } },
  )
})

test('nothing found leaves a member out, and several finds are a list', () => {
  assert.deepEqual(filled({ gone: '$.result.no.such', ids: '$.result..items[*].id' }), {
    ids: [1, 2],
  })
})

test('a doubled dollar is a dollar', () => {
  assert.deepEqual(filled({ price: '$$5' }), { price: '$5' })
})

test('a path that is none is said before anything is called', () => {
  assert.equal(pathProblem({ id: '$.result.id' }), undefined)
  assert.match(pathProblem({ id: '$.result[' }) ?? '', /./)
  assert.match(pathProblem({ deep: [{ id: '$..' }] }) ?? '', /./)
})

test('a template without paths is its own arguments', () => {
  const plain = fc.dictionary(
    fc.string().filter((key) => key !== '__proto__'),
    fc.jsonValue().filter((value) => !JSON.stringify(value).includes('$')),
  )
  fc.assert(
    fc.property(plain, (template) => {
      const json: Json = JSON.parse(JSON.stringify(template))
      assert.deepEqual(filled(json), json)
    }),
  )
})
