import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callTool, makeExchange, textOf } from './fakes/exchange.ts'
import { makeStage } from './fakes/story.ts'
import { answerTo, INITIALIZED } from './peers/hostile.ts'
import { events, serveScript, type Visit } from './peers/scripted-http.ts'

const stage = makeStage()

/** HTTP+SSE of 2024-11-05; `act` decides what becomes of a call, given the stream. */
async function open(endpoint: string, act: (call: Visit, stream: Visit) => void) {
  let stream: Visit | undefined
  const say = (message: object): void => {
    stream?.response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)
  }
  const peer = stage.use(
    await serveScript((visit) => {
      const { method, message, response } = visit
      if (method === 'GET') {
        stream = visit
        events(response).write(`event: endpoint\ndata: ${endpoint}\n\n`)
        return true
      }
      response.writeHead(202).end()
      const { id } = message ?? {}
      const result = { ...INITIALIZED, protocolVersion: '2024-11-05' }
      if (message?.method === 'initialize') say({ id, result })
      else if (message?.method === 'tools/call' && stream) act(visit, stream)
      return true
    }),
  )
  const { upstream } = stage.open({ kind: 'sse', url: peer.url, headers: { 'x-key': 'k' } })
  return { peer, upstream }
}

const answer = ({ message }: Visit, { response }: Visit): void =>
  void response.write(`data: ${answerTo(message?.id, 'fine')}\n\n`)

// H-088
test('an event stream of 2024-11-05 names where to post, and carries all answers', async () => {
  const { peer, upstream } = await open('/messages?session=1', answer)
  const exchange = makeExchange()
  const reply = await upstream.call(callTool('x'), exchange)
  assert.equal(textOf(reply), 'fine')
  assert.equal(exchange.heard.dispatched, 1)
  assert.equal((await upstream.introduce()).revision, '2025-03-26')
  assert.ok(peer.visits.every(({ headers }) => headers['x-key'] === 'k'))
  await upstream.close()
})

test('our credentials do not go where another origin is named', async () => {
  const { peer, upstream } = await open('http://elsewhere.example/messages', answer)
  await assert.rejects(upstream.introduce(), {
    code: 'upstream/unavailable',
    message: 'Server peer names an endpoint on another origin.',
  })
  assert.equal(peer.visits.length, 1)
  await upstream.close()
})

for (const [what, act, code] of [
  ['ends', (_call: Visit, { response }: Visit) => response.end(), 'upstream/broken'],
  [
    'carries too much',
    (_call: Visit, { response }: Visit) => response.write(`data: ${'x'.repeat(9 * 1024 * 1024)}`),
    'upstream/too-large',
  ],
  [
    'nests too deep',
    ({ message }: Visit, { response }: Visit) =>
      response.write(`data: {"id":${String(message?.id)},"result":${'['.repeat(200)}\n\n`),
    'upstream/broken',
  ],
] as const) {
  test(`an event stream that ${what} fails the call, and the next one works`, async () => {
    let calls = 0
    const { upstream } = await open('/messages', (call, stream) => {
      if (++calls === 1) act(call, stream)
      else answer(call, stream)
    })
    await assert.rejects(upstream.call(callTool('x'), makeExchange()), { code })
    assert.equal(textOf(await upstream.call(callTool('x'), makeExchange())), 'fine')
    await upstream.close()
  })
}

test('a server of ours that exits before it serves its URL is not waited for', async () => {
  const child = { command: process.execPath, args: ['-e', 'process.exit(4)'], env: {} }
  const { upstream } = stage.open({
    kind: 'http',
    url: 'http://127.0.0.1:9/mcp',
    headers: {},
    process: child,
  })
  await assert.rejects(upstream.introduce(), {
    code: 'upstream/unavailable',
    message: 'Server peer exited with code 4.',
  })
  await upstream.close()
})
