import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeExchange } from '../../test/upstream/fakes/exchange.ts'
import { makeHop, type FakeHop } from '../../test/upstream/fakes/hop.ts'
import type { Ask } from './flight.ts'
import { upstreamFault } from './upstream-fault.ts'

const ask = (hop: FakeHop, more: Partial<Ask> = {}): Ask => ({
  id: hop.rpc.nextId(),
  method: 'tools/call',
  params: {},
  revision: '2025-11-25',
  timeoutMs: 1_000,
  signal: undefined,
  cancellable: true,
  ...more,
})

// P-014, V-053
test('requests are numbered from 1, and answers find whoever waits', async () => {
  const hop = makeHop()
  const [first, second] = [hop.rpc.request(ask(hop)), hop.rpc.request(ask(hop))]
  assert.deepEqual(
    hop.sent.map(({ id }) => id),
    [1, 2],
  )
  hop.bring({ id: 2, result: { two: true } })
  hop.bring({ id: 1, error: { code: -5, message: 'no' } })
  hop.bring({ id: 1, result: { late: true } })
  const answer = await second
  assert.deepEqual(answer.kind === 'result' && answer.result, { two: true })
  assert.deepEqual(await first, { kind: 'error', error: { code: -5, message: 'no' } })
})

// BR-001, BR-003
test('a stream answers its own request only', async () => {
  const hop = makeHop('http')
  const asked = hop.rpc.request(ask(hop))
  hop.bring({ id: 1, result: { from: 'stranger' } }, 2)
  hop.bring({ id: '1', result: { from: 'text' } }, 1)
  hop.bring({ id: 1, result: { from: 'itself' } }, 1)
  const answer = await asked
  assert.deepEqual(answer.kind === 'result' && answer.result, { from: 'itself' })
})

for (const [kind, revision, told] of [
  ['stdio', '2025-11-25', true],
  ['stdio', '2026-07-28', true],
  ['http', '2025-11-25', true],
  ['http', '2026-07-28', false],
] as const) {
  // P-010, P-011, S-007, H-050
  test(`giving up on ${revision} over ${kind} ${told ? 'is said' : 'closes the stream'}`, async () => {
    const hop = makeHop(kind)
    const gone = new AbortController()
    const asked = hop.rpc.request(ask(hop, { revision, signal: gone.signal }))
    gone.abort()
    const answer = await asked
    assert.equal(answer.kind === 'lost' && answer.fault.code, 'call/abandoned')
    const { method, params } = hop.last()
    assert.equal(method === 'notifications/cancelled', told)
    if (told)
      assert.deepEqual(params, {
        requestId: 1,
        reason: answer.kind === 'lost' && answer.fault.message,
      })
    assert.deepEqual(hop.forgotten, [1])
  })
}

// P-010, P-012
test('a handshake that takes too long is dropped without a word', async () => {
  const hop = makeHop()
  const asked = hop.rpc.request(ask(hop, { method: 'initialize', cancellable: false }))
  hop.world.pass(1_000)
  const answer = await asked
  assert.equal(answer.kind === 'lost' && answer.fault.code, 'upstream/timeout')
  assert.equal(hop.sent.length, 1)
})

test('the end of the wire is the end of all requests, and of those to come', async () => {
  const hop = makeHop()
  const asked = hop.rpc.request(ask(hop))
  hop.rpc.ended(upstreamFault('upstream/broken', 'peer', 'exited.'))
  const answer = await asked
  assert.equal(answer.kind === 'lost' && answer.fault.message, 'Server peer exited.')
  const exchange = makeExchange()
  const later = await hop.rpc.request(ask(hop, { exchange }))
  assert.equal(later.kind === 'lost' && later.fault.code, 'upstream/unavailable')
  assert.equal(exchange.heard.dispatched, 0)
})

test('a client that is gone already sends nothing', async () => {
  const hop = makeHop()
  const answer = await hop.rpc.request(ask(hop, { signal: AbortSignal.abort() }))
  assert.equal(answer.kind === 'lost' && answer.fault.code, 'call/cancelled')
  assert.deepEqual(hop.sent, [])
})
