import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callTool, makeExchange, textOf } from './fakes/exchange.ts'
import { makeStage } from './fakes/story.ts'
import { answerTo } from './peers/hostile.ts'
import { events, json, serveScript, type Script, type Visit } from './peers/scripted-http.ts'

const stage = makeStage()

const open = async (script: Script, capabilities = {}, more = {}) => {
  const peer = stage.use(await serveScript(script, capabilities))
  const told = stage.open({ kind: 'http', url: peer.url, headers: {} }, more)
  return { peer, ...told }
}

const isCall = ({ message }: Visit): boolean => message?.method === 'tools/call'
const isResumption = ({ method, headers }: Visit): boolean =>
  method === 'GET' && headers['last-event-id'] !== undefined

for (const [how, end, paused] of [
  ['is closed in good order', ({ response }: Visit) => response.end(), [30]],
  ['breaks', ({ response }: Visit) => response.socket?.destroy(), []],
] as const) {
  // H-065, H-066, H-067, H-074
  test(`a legacy stream that ${how} after an event id is resumed, and the POST is not repeated`, async () => {
    let callId: unknown
    const { peer, upstream } = await open((visit) => {
      if (isCall(visit)) {
        callId = visit.message?.id
        const { response } = visit
        events(response).write('id: e1\nretry: 30\ndata:\n\n', () => void end(visit))
        return true
      }
      if (!isResumption(visit)) return false
      const note = JSON.stringify({
        jsonrpc: '2.0',
        method: 'notifications/progress',
        params: { progressToken: callId, progress: 1 },
      })
      const answer = answerTo(callId, 'resumed')
      events(visit.response).end(`id: e2\ndata: ${note}\n\nid: e3\ndata: ${answer}\n\n`)
      return true
    })
    const exchange = makeExchange({ wantsProgress: true })
    const reply = await upstream.call(callTool('x'), exchange)
    assert.equal(textOf(reply), 'resumed')
    assert.deepEqual(exchange.heard.progress, [{ progress: 1 }])
    assert.deepEqual([exchange.heard.dispatched, exchange.heard.paused], [1, paused])
    assert.equal(peer.visits.filter(isCall).length, 1)
    const [resumption] = peer.visits.filter(isResumption)
    assert.equal(resumption?.headers['last-event-id'], 'e1')
    assert.equal(resumption?.headers['mcp-session-id'], 'session-1')
    await upstream.close()
  })
}

// H-067
test('a stream that cannot be resumed fails its call, and is not asked for without end', async () => {
  const { peer, upstream } = await open((visit) => {
    if (isCall(visit)) events(visit.response).end('id: e1\nretry: 1\ndata:\n\n')
    else if (isResumption(visit)) events(visit.response).end()
    else return false
    return true
  })
  await assert.rejects(upstream.call(callTool('x'), makeExchange()), { code: 'upstream/broken' })
  assert.equal(peer.visits.filter(isResumption).length, 5)
  await upstream.close()
})

test('a server that refuses to resume fails the call at once', async () => {
  const { peer, upstream } = await open((visit) => {
    if (!isCall(visit)) return false
    events(visit.response).end('id: e1\nretry: 1\ndata:\n\n')
    return true
  })
  await assert.rejects(upstream.call(callTool('x'), makeExchange()), {
    code: 'upstream/broken',
    message: 'Server peer broke off its answer and did not go on with it (HTTP 405).',
  })
  assert.equal(peer.visits.filter(isResumption).length, 1)
  await upstream.close()
})

// H-072
test('a server without a stream for other messages is asked for it once', async () => {
  const { peer, upstream } = await open(() => false, { tools: { listChanged: true } })
  const watch = { lists: true, resources: new Set<string>(), logLevel: undefined }
  await upstream.introduce()
  upstream.watch(watch)
  await peer.visit(({ method }) => method === 'GET')
  assert.equal(textOf(await upstream.call(callTool('x'), makeExchange())), 'plain')
  await upstream.close()
  assert.equal(peer.visits.filter(({ method }) => method === 'GET').length, 1)
})

// H-072, S-010
test('the stream for other messages is opened again after it ended, with what was missed', async () => {
  const { peer, upstream, event } = await open(
    (visit) => {
      if (visit.method !== 'GET') return false
      // The first one ends at once, without an event id to go on from.
      const first = peer.visits.filter(({ method }) => method === 'GET').length === 1
      events(visit.response).write('retry: 10\n\n')
      if (first) visit.response.end()
      return true
    },
    { tools: { listChanged: true } },
  )
  await upstream.introduce()
  upstream.watch({ lists: true, resources: new Set(), logLevel: undefined })
  await event((one) => one.kind === 'list-changed' && one.list === 'tools')
  await upstream.close()
})

// AM-26, BR-031
test('requests on the stream for other messages go to the only caller, or to nobody', async () => {
  const asked = Promise.withResolvers<Visit>()
  const { peer, upstream } = await open(
    (visit) => {
      if (visit.method === 'GET') events(visit.response).write(': open\n\n')
      else if (isCall(visit)) asked.resolve(visit)
      else return false
      return true
    },
    { tools: { listChanged: true } },
  )
  await upstream.introduce()
  upstream.watch({ lists: true, resources: new Set(), logLevel: undefined })
  const stream = await peer.visit(({ method }) => method === 'GET')
  const exchange = makeExchange()
  const call = upstream.call(callTool('x'), exchange)
  const { message, response } = await asked.promise
  const question = { jsonrpc: '2.0', id: 'q', method: 'roots/list' }
  stream.response.write(`data: ${JSON.stringify(question)}\n\n`)
  const answer = await peer.visit((visit) => visit.message?.id === 'q')
  assert.equal(answer.headers['mcp-session-id'], 'session-1')
  assert.equal(exchange.heard.asked[0]?.method, 'roots/list')
  json(response, { id: message?.id, result: {} })
  await call
  await upstream.close()
})

// H-016, S-016
test('silence on the probe over HTTP is followed by a handshake, and not remembered', async () => {
  const memory = new Map()
  const peer = stage.use(
    await serveScript(({ message }) => message?.method === 'server/discover', {}),
  )
  const { upstream } = stage.open(
    { kind: 'http', url: peer.url, headers: {} },
    { haste: 50 },
    memory,
  )
  assert.equal((await upstream.introduce()).era, 'legacy')
  assert.equal(memory.size, 0)
  await upstream.close()
})

// H-016, Q-032
test('a server that turns us away is not tried in another way', async () => {
  const { peer, upstream } = await open(({ response }) => {
    response.writeHead(401).end()
    return true
  })
  await assert.rejects(upstream.introduce(), {
    code: 'upstream/unavailable',
    message: /refused our credentials \(HTTP 401\)/,
  })
  assert.equal(peer.visits.length, 1)
  await upstream.close()
})

// V-025, Q-033
test('a server that wants another round of discovery gets one, and no more', async () => {
  const supported = ['2026-07-28']
  const { peer, upstream } = await open(({ message, response }) => {
    if (message?.method !== 'server/discover') return false
    const error = { code: -32022, message: 'no', data: { supported, requested: 'x' } }
    const discovers = peer.visits.filter((one) => one.message?.method === 'server/discover')
    const result = { supportedVersions: supported, capabilities: {} }
    json(response, { id: message.id, ...(discovers.length === 1 ? { error } : { result }) })
    return true
  })
  assert.equal((await upstream.introduce()).era, 'modern')
  await upstream.close()
})

// S-009
test('attempts after a failure wait longer each time, and callers are told', async () => {
  let up = false
  const {
    upstream,
    events: told,
    event,
  } = await open(
    ({ response }) => {
      if (!up) response.writeHead(503).end()
      return !up
    },
    {},
    { haste: 10 },
  )
  const messages: string[] = []
  while (!messages.some((message) => message.includes('tried again')) && messages.length < 10) {
    await assert.rejects(upstream.introduce(), (error: Error) => messages.push(error.message) > 0)
    assert.equal(upstream.status().state, 'backoff')
  }
  assert.ok(messages.length > 3)
  assert.match(
    messages.at(-1) ?? '',
    /^Server peer is not available; it will be tried again in \d s\.$/,
  )
  up = true
  told.length = 0
  await event((one) => one.kind === 'state' && one.status.state === 'idle')
  assert.equal((await upstream.introduce()).era, 'legacy')
  await upstream.close()
})
