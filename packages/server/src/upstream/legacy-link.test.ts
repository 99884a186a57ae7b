import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InputAnswer } from './upstream.ts'
import { callTool, makeExchange } from '../../test/upstream/fakes/exchange.ts'
import { introduction, makeHop, settle } from '../../test/upstream/fakes/hop.ts'
import { makeLegacyLink } from './legacy-link.ts'

const open = (kind: 'stdio' | 'http' = 'stdio', capabilities = {}) => {
  const hop = makeHop(kind)
  return { hop, link: makeLegacyLink(hop, introduction('legacy', capabilities)) }
}

const elicit = { method: 'elicitation/create', params: { message: 'Who?' } }

// V-009, P-030
test('a ping is answered at once', () => {
  const { hop } = open()
  hop.bring({ id: 'p', method: 'ping' })
  assert.deepEqual(hop.last(), { jsonrpc: '2.0', id: 'p', result: {} })
})

// S-022
test('a question on stdio goes to the oldest call whose client can be asked', async () => {
  const { hop, link } = open()
  const [mute, able, later] = [makeExchange({ capabilities: {} }), makeExchange(), makeExchange()]
  for (const exchange of [mute, able, later]) void link.call(callTool('x'), exchange)
  hop.bring({ id: 'q', ...elicit })
  await settle()
  assert.deepEqual(
    [mute, able, later].map(({ heard }) => heard.asked.length),
    [0, 1, 0],
  )
  assert.deepEqual(hop.last(), { jsonrpc: '2.0', id: 'q', result: { action: 'decline' } })
})

// S-022, BR-031
test('a question on stdio that could be about two people is asked of neither', async () => {
  const { hop, link } = open()
  const [ann, bob] = [makeExchange({ owner: 'ann' }), makeExchange({ owner: 'bob' })]
  for (const exchange of [ann, bob]) void link.call(callTool('x'), exchange)
  hop.bring({ id: 'q', ...elicit })
  await settle()
  assert.deepEqual([ann.heard.asked, bob.heard.asked], [[], []])
  assert.match(JSON.stringify(hop.last()), /-32603/)
})

// H-068, H-069, BR-002
test('a question over HTTP goes to the call on whose stream it came', async () => {
  const { hop, link } = open('http')
  const [ann, bob] = [makeExchange({ owner: 'ann' }), makeExchange({ owner: 'bob' })]
  for (const exchange of [ann, bob]) void link.call(callTool('x'), exchange)
  hop.bring({ id: 'q', ...elicit }, 2)
  await settle()
  assert.deepEqual([ann.heard.asked.length, bob.heard.asked.length], [0, 1])
})

// H-070, AM-26
test('outside any call there are no roots and nobody to ask', () => {
  const { hop } = open()
  hop.bring({ id: 1, method: 'roots/list' })
  assert.deepEqual(hop.last()['result'], { roots: [] })
  hop.bring({ id: 2, ...elicit })
  assert.match(JSON.stringify(hop.last()), /-32602/)
  hop.bring({ id: 3, method: 'tools/list' })
  assert.match(JSON.stringify(hop.last()), /-32601/)
})

// P-012
test('while a person is asked the deadline stands still', async () => {
  const { hop, link } = open()
  const answer = Promise.withResolvers<InputAnswer>()
  const call = link.call(callTool('x'), makeExchange({ ask: () => answer.promise }))
  hop.world.pass(9_000)
  hop.bring({ id: 'q', ...elicit })
  hop.world.pass(3_600_000)
  answer.resolve({ kind: 'error', error: { code: -1, message: 'rejected' } })
  await settle()
  assert.deepEqual(hop.last()['error'], { code: -1, message: 'rejected' })
  hop.world.pass(999)
  hop.answer('tools/call', { ok: true })
  assert.deepEqual(await call, { kind: 'result', result: { ok: true } })
})

//
test('a question is withdrawn when the server takes it back, and its answer is not sent', async () => {
  const { hop, link } = open()
  const answer = Promise.withResolvers<InputAnswer>()
  const signals: AbortSignal[] = []
  const exchange = makeExchange({
    ask: (_request, signal) => {
      signals.push(signal)
      return answer.promise
    },
  })
  void link.call(callTool('x'), exchange)
  hop.bring({ id: 'q', ...elicit })
  hop.bring({ method: 'notifications/cancelled', params: { requestId: 'q' } })
  assert.equal(signals[0]?.aborted, true)
  answer.resolve({ kind: 'result', result: { action: 'accept' } })
  await settle()
  assert.equal(hop.last()['method'], 'tools/call')
})

test('a question is withdrawn when its call is answered', () => {
  const { hop, link } = open()
  const signals: AbortSignal[] = []
  const exchange = makeExchange({
    ask: (_request, signal) => {
      signals.push(signal)
      return new Promise(() => undefined)
    },
  })
  void link.call(callTool('x'), exchange)
  hop.bring({ id: 'q', ...elicit })
  hop.answer('tools/call', {})
  assert.equal(signals[0]?.aborted, true)
})

test('a flood of questions is bounded', () => {
  const { hop, link } = open()
  const asked: unknown[] = []
  const exchange = makeExchange({
    ask: (request) => {
      asked.push(request)
      return new Promise(() => undefined)
    },
  })
  void link.call(callTool('x'), exchange)
  for (let at = 0; at < 100; at++) hop.bring({ id: `q${at}`, ...elicit })
  assert.equal(asked.length, 16)
})

// P-001, P-003, P-004, P-013
test('progress is relayed without the token of this hop, and late progress is dropped', async () => {
  const { hop, link } = open()
  const exchange = makeExchange({ wantsProgress: true })
  const call = link.call(callTool('x'), exchange)
  assert.deepEqual(hop.last()['params'], {
    name: 'x',
    arguments: {},
    _meta: { progressToken: 1 },
  })
  const progress = (progressToken: unknown): void =>
    hop.bring({
      method: 'notifications/progress',
      params: { progressToken: progressToken as number, progress: 1 },
    })
  progress(1)
  progress('1')
  progress(9)
  hop.answer('tools/call', {})
  progress(1)
  await call
  assert.deepEqual(exchange.heard.progress, [{ progress: 1 }])
})

// P-020
test('a log message without a call goes to nobody in particular', () => {
  const { hop } = open()
  hop.bring({ method: 'notifications/message', params: { level: 'info', data: 'x' } })
  assert.deepEqual(hop.events, [{ kind: 'log', params: { level: 'info', data: 'x' } }])
})

// I-045, I-046
test('the end of a URL elicitation is told to whom it was asked of, even after the call', async () => {
  const { hop, link } = open()
  const [ann, bob] = [makeExchange({ owner: 'ann' }), makeExchange({ owner: 'bob' })]
  const call = link.call(callTool('x'), ann)
  const elicitations = [{ mode: 'url', elicitationId: 'e1', url: 'https://x.example' }]
  hop.bring({ id: 1, error: { code: -32042, message: 'go', data: { elicitations } } })
  await call
  void link.call(callTool('x'), bob)
  hop.bring({ id: 'q', method: 'elicitation/create', params: { mode: 'url', elicitationId: 'e2' } })
  for (const elicitationId of ['e1', 'e2', 'unknown']) {
    hop.bring({ method: 'notifications/elicitation/complete', params: { elicitationId } })
  }
  assert.deepEqual([ann.heard.completed, bob.heard.completed], [['e1'], ['e2']])
})

// H-091
test('a legacy server means by codes of the reserved range whatever it likes', async () => {
  const { hop, link } = open()
  const call = link.call(callTool('x'), makeExchange())
  const error = { code: -32020, message: 'failed after its effect' }
  hop.bring({ id: 1, error })
  assert.deepEqual(await call, { kind: 'error', error })
})

test('a server without completions completes to nothing, unasked', async () => {
  const { hop, link } = open()
  const reply = await link.call({ method: 'completion/complete', params: {} }, makeExchange())
  assert.deepEqual(reply, { kind: 'result', result: { completion: { values: [] } } })
  assert.deepEqual(hop.sent, [])
})

// V-005, F-032, P-020, Q-083
test('only what is declared is watched, and the stream is open only as long', () => {
  const poor = open('http')
  poor.link.watch({ lists: true, resources: new Set(['a:b']), logLevel: 'info' })
  assert.deepEqual([poor.hop.sent, poor.hop.listening], [[], [false]])
  const rich = open('http', { logging: {}, resources: { subscribe: true } })
  rich.link.watch({ lists: false, resources: new Set(['a:b']), logLevel: 'info' })
  rich.link.watch({ lists: false, resources: new Set(), logLevel: undefined })
  assert.deepEqual(
    rich.hop.sent.map(({ method, params }) => [method, params]),
    [
      ['resources/subscribe', { uri: 'a:b' }],
      ['logging/setLevel', { level: 'info' }],
      ['resources/unsubscribe', { uri: 'a:b' }],
      ['logging/setLevel', { level: 'emergency' }],
    ],
  )
  assert.deepEqual(rich.hop.listening, [true, false])
})

// S-010
test('a gap in the stream makes everything watched count as changed', () => {
  const { hop, link } = open('http')
  link.watch({ lists: true, resources: new Set(['a:b']), logLevel: undefined })
  hop.rpc.gap()
  assert.deepEqual(
    hop.events.map((event) => (event.kind === 'list-changed' ? event.list : event.kind)),
    ['tools', 'prompts', 'resources', 'resource-updated'],
  )
})

// S-022, BR-031
test('a question that outlives its call moves on to another call of the same owner only', async () => {
  const unanswered = (owner: string) => {
    const asked: unknown[] = []
    const ask = (request: unknown, signal: AbortSignal): Promise<InputAnswer> => {
      asked.push(request)
      return new Promise((resolve) => {
        const nobody = { kind: 'error', error: { code: -1, message: 'withdrawn' } } as const
        signal.addEventListener('abort', () => resolve(nobody))
      })
    }
    return { asked, exchange: makeExchange({ owner, ask }) }
  }
  for (const [next, moves] of [
    ['ann', 1],
    ['bob', 0],
  ] as const) {
    const { hop, link } = open()
    const [ann, other] = [unanswered('ann'), unanswered(next)]
    void link.call(callTool('x'), ann.exchange)
    hop.bring({ id: 'q', ...elicit })
    void link.call(callTool('x'), other.exchange)
    hop.bring({ id: 1, result: {} })
    await settle()
    assert.deepEqual([ann.asked.length, other.asked.length], [1, moves])
  }
})
