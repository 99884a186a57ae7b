import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fault, type JsonObject } from '@countersign/contract'
import { makeSeal, systemWorld, type World } from '#base'
import type { View } from '#registry'
import { openState, sealState, STATE_MS, type Carried, type StateScope } from './request-state.ts'

let now = 1_000_000
const world: World = { ...systemWorld, now: () => now }
const rooms = { world, seal: makeSeal(world, [Buffer.alloc(32, 7)]) }

const scopeOf = (who: string, view: string, method: string, params: JsonObject): StateScope => ({
  who: { id: who, proof: 'local' },
  // Only the name of a view binds.
  view: { id: view } as View,
  method,
  params,
})

const words = fc.string({ unit: 'grapheme', maxLength: 6 })
const params = fc.dictionary(words, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
const carried: fc.Arbitrary<Carried> = fc
  .oneof(
    fc.record({
      kind: fc.constant('parked' as const),
      id: words,
      call: fc.string(),
      round: fc.nat(),
    }),
    fc.record({ kind: fc.constant('redo' as const), call: words, round: fc.nat() }),
    fc.record(
      {
        kind: fc.constant('relay' as const),
        call: words,
        server: words,
        round: fc.nat(),
        inner: words,
      },
      { requiredKeys: ['kind', 'call', 'server', 'round'] },
    ),
  )
  .map((one) => ({ ...one }))

const isRefused = (run: () => unknown): void => {
  assert.throws(run, (thrown) => thrown instanceof Fault && thrown.code === 'call/bad-state')
}

test('a state opens for the request it was given for, whatever else of it changes', () => {
  // I-005, I-006, I-021, I-024, I-028, BR-042: absent stays absent, empty stays empty.
  fc.assert(
    fc.property(
      fc.tuple(words, words, words),
      params,
      carried,
      params,
      ([who, view, method], own, held, other) => {
        const scope = scopeOf(who, view, method, own)
        const state = sealState(rooms, scope, held)
        assert.deepEqual(openState(rooms, scope, state), held)
        const retry = {
          ...own,
          _meta: other,
          inputResponses: other,
          requestState: state,
        } as JsonObject
        assert.deepEqual(openState(rooms, scopeOf(who, view, method, retry), state), held)
      },
    ),
  )
})

test('it opens for no other principal, view, method or parameters', () => {
  // RS23
  // I-021, I-022, I-026
  const own = { name: 'tool', arguments: { a: 1, b: [2] } }
  const held: Carried = { kind: 'parked', id: 'p', call: 'call_1', round: 1 }
  const state = sealState(rooms, scopeOf('ada', 'files', 'tools/call', own), held)
  for (const scope of [
    scopeOf('bob', 'files', 'tools/call', own),
    scopeOf('ada', '', 'tools/call', own),
    scopeOf('ada', 'files', 'prompts/get', own),
    scopeOf('ada', 'files', 'tools/call', { ...own, name: 'other' }),
    scopeOf('ada', 'files', 'tools/call', { ...own, arguments: { a: 1, b: [3] } }),
    scopeOf('ada', 'files', 'tools/call', { name: 'tool' }),
    scopeOf('ada', 'files', 'tools/call', { ...own, more: null }),
  ]) {
    isRefused(() => openState(rooms, scope, state))
  }
  const reordered = { arguments: { b: [2], a: 1 }, name: 'tool' }
  assert.deepEqual(openState(rooms, scopeOf('ada', 'files', 'tools/call', reordered), state), held)
})

test('it opens until it expires, and then says so', () => {
  // RS23
  // AM-29, I-027
  const scope = scopeOf('ada', 'files', 'tools/call', {})
  const state = sealState(rooms, scope, { kind: 'parked', id: 'p', call: 'call_1', round: 1 })
  now += STATE_MS
  openState(rooms, scope, state)
  now += 1
  assert.throws(() => openState(rooms, scope, state), /expired/)
})

test('nothing that was not sealed here opens, nor what was sealed for something else', () => {
  // I-020
  const scope = scopeOf('ada', 'files', 'tools/call', {})
  isRefused(() => openState(rooms, scope, rooms.seal.seal('session', '{}')))
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String()), (made) => {
      isRefused(() => openState(rooms, scope, made))
    }),
  )
})

test('a number beyond JSON in the parameters is a fault of the request, not of ours', () => {
  const scope = scopeOf('ada', 'files', 'tools/call', { a: Infinity })
  assert.throws(
    () => sealState(rooms, scope, { kind: 'parked', id: 'p', call: 'call_1', round: 1 }),
    (thrown) => thrown instanceof Fault && thrown.code === 'rpc/bad-params',
  )
})
