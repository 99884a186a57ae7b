import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@countersign/contract'
import { readRound } from './input-round.ts'

const FORM = { elicitation: { form: {} } }
const elicit = { method: 'elicitation/create', params: { message: 'Who?' } }
const round = (result: JsonObject, method: 'tools/call' | 'completion/complete' = 'tools/call') =>
  readRound(method, { resultType: 'input_required', ...result }, FORM)

// I-006
test('questions and state are taken as they came; no state stays no state', () => {
  assert.deepEqual(round({ inputRequests: { a: elicit }, requestState: '' }), {
    kind: 'input',
    inputRequests: { a: elicit },
    requestState: '',
  })
  assert.deepEqual(round({ inputRequests: { a: elicit } }), {
    kind: 'input',
    inputRequests: { a: elicit },
    requestState: undefined,
  })
  assert.equal(round({ requestState: 'only' }).kind, 'input')
})

// V-046
test('the metadata of the hop does not come along', () => {
  const params = { message: 'x', _meta: { 'io.modelcontextprotocol/x': 1, mine: 2 } }
  const read = round({ inputRequests: { a: { ...elicit, params } } })
  assert.ok(read.kind === 'input')
  assert.deepEqual(read.inputRequests['a']?.params, { message: 'x', _meta: { mine: 2 } })
})

const VIOLATIONS: readonly [string, () => ReturnType<typeof round>][] = [
  ['nothing is asked', () => round({})],
  ['an empty set is asked', () => round({ inputRequests: {} })],
  ['the method may not ask', () => round({ inputRequests: { a: elicit } }, 'completion/complete')],
  ['the state is no text', () => round({ requestState: 7 })],
  ['the questions are a list', () => round({ inputRequests: [elicit] })],
  ['a question is no object', () => round({ inputRequests: { a: null } })],
  ['a question is of another method', () => round({ inputRequests: { a: { method: 'ping' } } })],
  ['parameters are no object', () => round({ inputRequests: { a: { ...elicit, params: [] } } })],
  [
    'the client did not declare the mode',
    () => round({ inputRequests: { a: { ...elicit, params: { mode: 'url' } } } }),
  ],
  [
    'there are too many',
    () =>
      round({
        inputRequests: Object.fromEntries(Array.from({ length: 33 }, (_, at) => [at, elicit])),
      }),
  ],
]

for (const [what, read] of VIOLATIONS) {
  // I-001, I-002, I-003, I-004, BR-044
  test(`a round is a violation when ${what}`, () => assert.equal(read().kind, 'violation'))
}
