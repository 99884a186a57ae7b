import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Introduction } from '#upstream'
import { callTool, makeExchange, textOf } from './fakes/exchange.ts'
import { makeStage, program, type Told } from './fakes/story.ts'
import { serveLegacy } from './peers/legacy-http.ts'
import { serveModern } from './peers/modern-http.ts'

const stage = makeStage()

const PEERS: readonly [string, () => Promise<Told>][] = [
  ['stdio', async () => stage.open({ kind: 'stdio', process: program('modern-stdio.ts') })],
  [
    'HTTP',
    async () => {
      const { url } = stage.use(await serveModern())
      return stage.open({ kind: 'http', url, headers: {} })
    },
  ],
]

for (const [name, open] of PEERS) {
  // S-012, V-020, V-041
  test(`a modern server over ${name} is recognised by its discovery, and introduces itself`, async () => {
    const { upstream } = await open()
    const introduction = await upstream.introduce()
    assert.equal(introduction.era, 'modern')
    assert.equal(introduction.revision, '2026-07-28')
    assert.equal(introduction.instructions, 'Be quick.')
    assert.equal(introduction.serverInfo['name'], 'modern-peer')
    await upstream.close()
  })

  // H-043, V-046
  test(`a modern server over ${name} lists and is called; nothing of the hop shows in the result`, async () => {
    const { upstream } = await open()
    const tools = await upstream.list('tool')
    assert.ok(tools.items.some(({ name: tool }) => tool === 'add'))
    const exchange = makeExchange()
    const reply = await upstream.call(callTool('add', { a: 1, b: 2 }), exchange)
    assert.deepEqual(reply, {
      kind: 'result',
      result: { content: [{ type: 'text', text: '3' }] },
    })
    assert.equal(exchange.heard.dispatched, 1)
    await upstream.close()
  })

  // S-011
  test(`a modern server over ${name} serves 64 calls at once`, async () => {
    const { upstream } = await open()
    const calls = Array.from({ length: 64 }, (_, at) =>
      upstream.call(callTool('add', { a: at, b: 1 }), makeExchange()),
    )
    const texts = (await Promise.all(calls)).map(textOf)
    assert.deepEqual(
      texts,
      calls.map((_, at) => String(at + 1)),
    )
    await upstream.close()
  })

  // P-001, P-002, P-021
  test(`a modern server over ${name} reports progress and logs to the client that wants them`, async () => {
    const { upstream } = await open()
    const keen = makeExchange({ wantsProgress: true, logLevel: 'info' })
    await upstream.call(callTool('slow'), keen)
    await upstream.call(callTool('say'), keen)
    assert.deepEqual(
      keen.heard.progress.map(({ progress }) => progress),
      [1, 2],
    )
    assert.deepEqual(
      keen.heard.logs.map(({ data }) => data),
      ['careful'],
    )
    const other = makeExchange()
    await upstream.call(callTool('slow'), other)
    await upstream.call(callTool('say'), other)
    assert.deepEqual([other.heard.progress, other.heard.logs], [[], []])
    await upstream.close()
  })

  // I-003, I-005
  test(`a modern server over ${name} asks by a round of input, and goes on with the answers`, async () => {
    const { upstream } = await open()
    const round = await upstream.call(callTool('ask'), makeExchange())
    assert.equal(round.kind, 'input')
    assert.ok(round.kind === 'input')
    assert.equal(round.inputRequests['name']?.method, 'elicitation/create')
    const reply = await upstream.call(
      {
        ...callTool('ask'),
        inputResponses: { name: { action: 'accept', content: { name: 'Ann' } } },
        ...(round.requestState === undefined ? {} : { requestState: round.requestState }),
      },
      makeExchange(),
    )
    assert.match(String(textOf(reply)), /Ann/)
    await upstream.close()
  })

  // V-049, H-092
  test(`a modern server over ${name} that needs more than the client declared says so, for the client to see`, async () => {
    const { upstream } = await open()
    const reply = await upstream.call(callTool('ask'), makeExchange({ capabilities: {} }))
    assert.ok(reply.kind === 'error')
    assert.equal(reply.error.code, -32021)
    assert.deepEqual(reply.error.data, { requiredCapabilities: { elicitation: { form: {} } } })
    await upstream.close()
  })

  // H-050, S-007
  test(`a modern server over ${name} stops when the client does`, async () => {
    const { upstream } = await open()
    const gone = new AbortController()
    const exchange = makeExchange({ signal: gone.signal, wantsProgress: true })
    const call = upstream.call(callTool('hang'), exchange)
    await exchange.progressed
    gone.abort()
    await assert.rejects(call, { code: 'call/abandoned' })
    const reply = await upstream.call(callTool('add', { a: 1, b: 1 }), makeExchange())
    assert.equal(textOf(reply), '2')
    await upstream.close()
  })

  // L-001, L-002, L-003
  test(`a modern server over ${name} tells of changes while it is watched`, async () => {
    const { upstream, event } = await open()
    await upstream.introduce()
    upstream.watch({ lists: true, resources: new Set(), logLevel: undefined })
    upstream.watch({ lists: true, resources: new Set(['test://watched']), logLevel: undefined })
    const heard = event(({ kind }) => kind === 'list-changed')
    // Until the subscription stands nothing is promised, so the change is made again.
    const done = new AbortController()
    const again = async (): Promise<void> => {
      while (!done.signal.aborted) await upstream.call(callTool('change'), makeExchange())
    }
    await Promise.race([heard, again()])
    done.abort()
    assert.deepEqual(await heard, { kind: 'list-changed', list: 'tools' })
    await upstream.close()
  })
}

// H-027, H-028, H-031, H-038, H-053, F-022
test('a modern server over HTTP gets its headers from the body that is really sent, and nothing of the client', async () => {
  const peer = stage.use(await serveModern())
  const { upstream } = stage.open({ kind: 'http', url: peer.url, headers: { 'x-key': 'k' } })
  await upstream.call(
    { ...callTool('add', { a: 1, b: 2 }), paramHeaders: { 'Mcp-Param-A': 'ü', other: 'no' } },
    makeExchange(),
  )
  const [probe, call] = peer.requests
  assert.equal(probe?.['mcp-method'], 'server/discover')
  assert.equal(call?.['mcp-protocol-version'], '2026-07-28')
  assert.equal(call?.['mcp-method'], 'tools/call')
  assert.equal(call?.['mcp-name'], 'add')
  assert.equal(call?.['mcp-param-a'], '=?base64?w7w=?=')
  assert.equal(call?.['x-key'], 'k')
  assert.equal(call?.['other'], undefined)
  assert.equal(call?.['mcp-session-id'], undefined)
  await upstream.close()
})

// L-015
test('a modern server over HTTP that comes back after a pause is subscribed to again, with all that was missed', async () => {
  const peer = await serveModern()
  const port = Number(new URL(peer.url).port)
  const { upstream, events, event } = stage.open({ kind: 'http', url: peer.url, headers: {} })
  await upstream.introduce()
  upstream.watch({ lists: true, resources: new Set(['test://watched']), logLevel: undefined })
  const first = event(({ kind }) => kind === 'list-changed')
  const announcing = setInterval(() => peer.announce(), 20)
  await first
  clearInterval(announcing)
  await peer.close()
  events.length = 0
  stage.use(await serveModern(port))
  await event((one) => one.kind === 'list-changed' && one.list === 'prompts')
  await event((one) => one.kind === 'resource-updated' && one.uri === 'test://watched')
  await upstream.close()
})

// H-016, Q-086
test('the era of a server is remembered with a date and not probed again while that is fresh', async () => {
  const peer = stage.use(await serveLegacy())
  const memory = new Map<string, Introduction>()
  const transport = { kind: 'http', url: peer.url, headers: {} } as const
  const probes = (): number =>
    peer.requests.filter(({ headers }) => headers['mcp-method'] === 'server/discover').length
  for (const known of [1, 1]) {
    const { upstream } = stage.open(transport, {}, memory)
    assert.equal((await upstream.introduce()).era, 'legacy')
    await upstream.close()
    assert.equal(probes(), known)
  }
  const [id, introduction] = [...memory][0] ?? []
  assert.ok(id !== undefined && introduction)
  memory.set(id, { ...introduction, probedAt: introduction.probedAt - 25 * 3_600_000 })
  const { upstream } = stage.open(transport, {}, memory)
  await upstream.introduce()
  assert.equal(probes(), 2)
  await upstream.close()
})

// H-016, Q-086
test('the era of a server is found out anew when the server contradicts what was remembered', async () => {
  const peer = stage.use(await serveModern())
  const legacy = {
    era: 'legacy',
    revision: '2025-11-25',
    capabilities: {},
    serverInfo: {},
    instructions: undefined,
    probedAt: Date.now(),
  } as const
  const memory = new Map<string, Introduction>([['peer', legacy]])
  const { upstream } = stage.open({ kind: 'http', url: peer.url, headers: {} }, {}, memory)
  assert.equal((await upstream.introduce()).era, 'modern')
  assert.equal(memory.get('peer')?.era, 'modern')
  await upstream.close()
})

// S-018, S-019
test('the era of a server that is pinned is not probed', async () => {
  const peer = stage.use(await serveLegacy())
  const { upstream } = stage.open({ kind: 'http', url: peer.url, headers: {} }, { era: 'legacy' })
  await upstream.introduce()
  assert.equal(peer.requests[0]?.headers['mcp-method'], undefined)
  await upstream.close()
  const wrong = stage.open({ kind: 'http', url: peer.url, headers: {} }, { era: 'modern' })
  await assert.rejects(wrong.upstream.introduce(), {
    code: 'upstream/unavailable',
    message: 'Server peer does not speak the modern protocol.',
  })
  await wrong.upstream.close()
})
