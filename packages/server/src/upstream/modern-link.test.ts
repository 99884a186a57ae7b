import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@countersign/contract'
import { callTool, makeExchange } from '../../test/upstream/fakes/exchange.ts'
import { introduction, makeHop, settle, type FakeHop } from '../../test/upstream/fakes/hop.ts'
import { makeModernLink } from './modern-link.ts'
import { upstreamFault } from './upstream-fault.ts'

const P = 'io.modelcontextprotocol/'
const ALL = { tools: { listChanged: true }, resources: { subscribe: true } }

const open = (kind: 'stdio' | 'http' = 'stdio', capabilities: JsonObject = ALL) => {
  const hop = makeHop(kind)
  return { hop, link: makeModernLink(hop, introduction('modern', capabilities)) }
}

// S-006, V-026, V-040, V-051, P-021
test('a request carries exactly what this client can do, our name, and its level', () => {
  const { hop, link } = open()
  const capabilities = { elicitation: { form: {} } }
  void link.call(
    { method: 'tools/call', params: { name: 'x', _meta: { traceparent: 't' } } },
    makeExchange({ capabilities, logLevel: 'error', wantsProgress: true }),
  )
  assert.deepEqual(hop.last()['params'], {
    name: 'x',
    _meta: {
      traceparent: 't',
      [`${P}protocolVersion`]: '2026-07-28',
      [`${P}clientCapabilities`]: capabilities,
      [`${P}clientInfo`]: { name: 'countersign', version: '0.1.0' },
      [`${P}logLevel`]: 'error',
      progressToken: 1,
    },
  })
})

// I-005, I-006, I-012
test('a later round carries its answers and the state, byte by byte, or neither', () => {
  const { hop, link } = open()
  const inputResponses = { a: { action: 'accept' } }
  void link.call({ ...callTool('x'), inputResponses, requestState: '' }, makeExchange())
  const params = hop.last()['params'] as JsonObject
  assert.deepEqual([params['inputResponses'], params['requestState']], [inputResponses, ''])
  void link.call(callTool('x'), makeExchange())
  assert.deepEqual(Object.keys(hop.last()['params'] as JsonObject), ['name', 'arguments', '_meta'])
})

const reply = (result: JsonObject) => {
  const { hop, link } = open()
  const call = link.call(callTool('x'), makeExchange())
  hop.bring({ id: 1, result })
  return call
}

// V-030, AM-05
test('a result without type is complete, and one of an unknown type is none', async () => {
  assert.deepEqual(await reply({ content: [] }), { kind: 'result', result: { content: [] } })
  await assert.rejects(reply({ resultType: 'task' }), { code: 'upstream/broken' })
  await assert.rejects(reply({ resultType: 'input_required' }), { code: 'upstream/broken' })
})

const failing = (error: JsonObject) => {
  const { hop, link } = open()
  const call = link.call(callTool('x'), makeExchange())
  hop.bring({ id: 1, error })
  return call
}

// H-092, V-049
test('a missing capability is for the client to hear of', async () => {
  const missing = { code: -32021, message: 'm', data: { requiredCapabilities: {} } }
  assert.deepEqual(await failing(missing), { kind: 'error', error: missing })
})

// H-091, H-092, F-025
test('words about the hop count only where HTTP says 400: then nothing was executed', async () => {
  const refused = (code: number) => {
    const { hop, link } = open('http')
    const call = link.call(callTool('x'), makeExchange())
    const fault = upstreamFault('upstream/unavailable', 'peer', 'said no.')
    hop.rpc.lost(1, { fault, status: 400, error: { code, message: 'no' } })
    return call
  }
  assert.deepEqual(await refused(-32020), { kind: 'mismatch' })
  await assert.rejects(refused(-32022), { code: 'upstream/unavailable' })
  const error = { code: -32020, message: 'failed after its effect' }
  assert.deepEqual(await failing(error), { kind: 'error', error })
})

// S-005, H-044
test('a server that asks in the old way is not answered', () => {
  const { hop } = open()
  hop.bring({ id: 1, method: 'ping' })
  assert.deepEqual(hop.sent, [])
})

// H-016
test('a refusal that no modern server gives has the era found out anew', async () => {
  const { hop, link } = open('http')
  const call = link.call(callTool('x'), makeExchange())
  hop.rpc.lost(1, {
    fault: upstreamFault('upstream/broken', 'peer', 'said no.'),
    status: 400,
    error: { code: -32000, message: 'Server not initialized' },
  })
  assert.equal((await call).kind, 'error')
  assert.equal(hop.expirations.length, 1)
})

const listens = (hop: FakeHop): JsonObject[] =>
  hop.sent.filter(({ method }) => method === 'subscriptions/listen')

const note = (hop: FakeHop, id: number, method: string, params: JsonObject = {}): void =>
  hop.bring({ method, params: { ...params, _meta: { [`${P}subscriptionId`]: id } } })

const acknowledge = (hop: FakeHop, id: number): void =>
  note(hop, id, 'notifications/subscriptions/acknowledged', { notifications: {} })

const WATCH = { lists: true, resources: new Set<string>(), logLevel: undefined }

// L-001
test('one subscription asks for what is wanted and declared', () => {
  const { hop, link } = open()
  link.watch({ ...WATCH, resources: new Set(['b:', 'a:']) })
  link.watch({ ...WATCH, resources: new Set(['a:', 'b:']) })
  assert.equal(listens(hop).length, 1)
  const { notifications } = hop.last()['params'] as { notifications: JsonObject }
  assert.deepEqual(notifications, { toolsListChanged: true, resourceSubscriptions: ['a:', 'b:'] })
  const poor = open('stdio', {})
  poor.link.watch(WATCH)
  assert.deepEqual(poor.hop.sent, [])
})

// L-007
test('a changed watch is made before the old one is broken', () => {
  const { hop, link } = open()
  link.watch(WATCH)
  acknowledge(hop, 1)
  link.watch({ ...WATCH, resources: new Set(['a:']) })
  note(hop, 1, 'notifications/tools/list_changed')
  assert.equal(hop.events.length, 1)
  assert.equal(hop.last()['method'], 'subscriptions/listen')
  acknowledge(hop, 2)
  assert.deepEqual(hop.last()['params'], { requestId: 1, reason: 'The subscription is over.' })
  note(hop, 2, 'notifications/resources/updated', { uri: 'a:' })
  note(hop, 1, 'notifications/tools/list_changed')
  assert.deepEqual(hop.events.at(-1), { kind: 'resource-updated', uri: 'a:' })
  link.watch({ ...WATCH, lists: false })
  assert.equal(hop.last()['method'], 'notifications/cancelled')
})

// L-002, L-003, V-042
test('what names no subscription of ours is not heard', () => {
  const { hop, link } = open()
  link.watch(WATCH)
  note(hop, 1, 'notifications/tools/list_changed') // Not acknowledged yet.
  acknowledge(hop, 1)
  note(hop, 7, 'notifications/tools/list_changed')
  hop.bring({ method: 'notifications/tools/list_changed' })
  assert.deepEqual(hop.events, [])
})

for (const [how, end] of [
  ['by its result', (hop: FakeHop) => hop.bring({ id: 1, result: {} })],
  [
    'by cancelling it',
    (hop: FakeHop) => hop.bring({ method: 'notifications/cancelled', params: { requestId: 1 } }),
  ],
] as const) {
  // AM-01, L-006, L-015, P-011
  test(`a subscription that the server ends ${how} is renewed, and what was missed is told`, async () => {
    const { hop, link } = open()
    link.watch({ ...WATCH, resources: new Set(['a:']) })
    acknowledge(hop, 1)
    end(hop)
    await settle()
    assert.equal(listens(hop).length, 1)
    hop.world.pass(500)
    assert.equal(listens(hop).length, 2)
    assert.deepEqual(hop.events, [])
    acknowledge(hop, 2)
    assert.equal(hop.events.length, 4)
  })
}

test('a subscription that is not served is not asked for again', async () => {
  const { hop, link } = open()
  link.watch(WATCH)
  hop.bring({ id: 1, error: { code: -32601, message: 'no' } })
  await settle()
  hop.world.pass(3_600_000)
  assert.equal(listens(hop).length, 1)
})

// L-016
test('a subscription that is never acknowledged is given up and tried again', async () => {
  const { hop, link } = open()
  link.watch(WATCH)
  hop.world.pass(15_000)
  await settle()
  assert.equal(hop.last()['method'], 'notifications/cancelled')
  hop.world.pass(60_000)
  assert.ok(listens(hop).length > 1)
})
