import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callTool, makeExchange, textOf } from './fakes/exchange.ts'
import { makeStage, program, type Told } from './fakes/story.ts'
import { serveLegacy } from './peers/legacy-http.ts'

const stage = makeStage()

const PEERS: readonly [string, () => Promise<Told & { readonly end: () => Promise<void> }>][] = [
  [
    'stdio',
    async () => {
      const told = stage.open({ kind: 'stdio', process: program('legacy-stdio.ts') })
      return { ...told, end: () => told.upstream.close() }
    },
  ],
  ...([false, true] as const).map((json): (typeof PEERS)[number] => [
    `HTTP, ${json ? 'JSON' : 'SSE'} answers`,
    async () => {
      const peer = stage.use(await serveLegacy({ json }))
      const told = stage.open({ kind: 'http', url: peer.url, headers: {} })
      return { ...told, end: () => told.upstream.close() }
    },
  ]),
]

for (const [name, open] of PEERS) {
  // S-012, V-001, V-004
  test(`a legacy server over ${name} is recognised by its refusal to be discovered, and introduces itself`, async () => {
    const { upstream, end } = await open()
    const introduction = await upstream.introduce()
    assert.equal(introduction.era, 'legacy')
    assert.equal(introduction.revision, '2025-11-25')
    assert.equal(introduction.instructions, 'Be gentle.')
    assert.deepEqual(introduction.serverInfo, { name: 'legacy-peer', version: '1.0.0' })
    assert.equal(upstream.status().state, 'ready')
    await end()
    assert.equal(upstream.status().state, 'closed')
  })

  // F-053, H-043, H-064
  test(`a legacy server over ${name} lists and is called, each call dispatched once`, async () => {
    const { upstream, end } = await open()
    const tools = await upstream.list('tool')
    assert.ok(tools.items.some(({ name: tool }) => tool === 'add'))
    assert.deepEqual([tools.ttlMs, tools.problems], [0, []])
    assert.deepEqual((await upstream.list('prompt')).items, [])
    const exchange = makeExchange()
    const reply = await upstream.call(callTool('add', { a: 1, b: 2 }), exchange)
    assert.equal(textOf(reply), '3')
    assert.equal(exchange.heard.dispatched, 1)
    await end()
  })

  // H-084
  test(`a legacy server over ${name} serves 64 calls at once`, async () => {
    const { upstream, end } = await open()
    const calls = Array.from({ length: 64 }, (_, at) =>
      upstream.call(callTool('add', { a: at, b: 1 }), makeExchange()),
    )
    const texts = (await Promise.all(calls)).map(textOf)
    assert.deepEqual(
      texts,
      calls.map((_, at) => String(at + 1)),
    )
    await end()
  })

  test(`a legacy server over ${name} answers with an error or a failed result as it does`, async () => {
    const { upstream, end } = await open()
    const failed = await upstream.call(callTool('fail'), makeExchange())
    assert.equal(failed.kind === 'result' && failed.result['isError'], true)
    const unknown = await upstream.call(
      { method: 'resources/read', params: { uri: 'test://nowhere' } },
      makeExchange(),
    )
    assert.equal(unknown.kind, 'error')
    await end()
  })
}

for (const [name, open] of PEERS.slice(0, 2)) {
  // P-003, P-004
  test(`a legacy server that talks back during a call over ${name}: progress reaches the client that wants it, without our token`, async () => {
    const { upstream, end } = await open()
    const wanting = makeExchange({ wantsProgress: true })
    await upstream.call(callTool('slow', { steps: 2 }), wanting)
    assert.deepEqual(wanting.heard.progress, [
      { progress: 1, total: 2 },
      { progress: 2, total: 2 },
    ])
    const other = makeExchange()
    await upstream.call(callTool('slow', { steps: 2 }), other)
    assert.deepEqual(other.heard.progress, [])
    await end()
  })

  // H-069
  test(`a legacy server that talks back during a call over ${name}: its question reaches the client of the call`, async () => {
    const { upstream, end } = await open()
    const exchange = makeExchange({
      answer: { kind: 'result', result: { action: 'accept', content: { name: 'Ann' } } },
    })
    const reply = await upstream.call(callTool('ask', { message: 'Who?' }), exchange)
    assert.equal(textOf(reply), '{"action":"accept","content":{"name":"Ann"}}')
    assert.equal(exchange.heard.asked[0]?.method, 'elicitation/create')
    assert.equal(exchange.heard.asked[0]?.params?.['message'], 'Who?')
    await end()
  })

  // I-004, I-040
  test(`a legacy server that talks back during a call over ${name}: a client that declared nothing is not asked`, async () => {
    const { upstream, end } = await open()
    const exchange = makeExchange({ capabilities: {} })
    const reply = await upstream.call(callTool('ask', { message: 'Who?' }), exchange)
    assert.match(String(textOf(reply)), /-32602.*elicitation\.form/)
    assert.deepEqual(exchange.heard.asked, [])
    await end()
  })

  // P-020
  test(`a legacy server that talks back during a call over ${name}: log messages reach the call at the level it wants`, async () => {
    const { upstream, end } = await open()
    const quiet = makeExchange({ logLevel: 'error' })
    await upstream.call(callTool('say'), quiet)
    const keen = makeExchange({ logLevel: 'info' })
    await upstream.call(callTool('say'), keen)
    assert.deepEqual(quiet.heard.logs, [])
    assert.deepEqual(keen.heard.logs, [{ level: 'warning', data: 'careful' }])
    await end()
  })
}

// P-010, P-014, H-071
test('giving up on a legacy server tells it by its own request id, and rejects with call/abandoned', async () => {
  const peer = stage.use(await serveLegacy())
  const { upstream } = stage.open({ kind: 'http', url: peer.url, headers: {} })
  const gone = new AbortController()
  const exchange = makeExchange({ signal: gone.signal, wantsProgress: true })
  const call = upstream.call(callTool('hang'), exchange)
  await exchange.progressed
  gone.abort()
  await assert.rejects(call, { code: 'call/abandoned' })
  // The next call is answered after the cancellation has been heard.
  await upstream.call(callTool('add', { a: 1, b: 1 }), makeExchange())
  assert.equal(peer.notes.cancelled.length, 1)
  await upstream.close()
})

// P-012
test('giving up on a legacy server rejects with upstream/timeout when the deadline passes, and the next call works', async () => {
  const { upstream } = stage.open(
    { kind: 'stdio', process: program('legacy-stdio.ts') },
    { callTimeoutMs: 3_000 },
  )
  await upstream.introduce()
  await assert.rejects(upstream.call(callTool('hang'), makeExchange()), {
    code: 'upstream/timeout',
    message: 'Server peer did not answer tools/call within 3 s.',
  })
  const reply = await upstream.call(callTool('add', { a: 2, b: 2 }), makeExchange())
  assert.equal(textOf(reply), '4')
  await upstream.close()
})

test('giving up on a legacy server sends nothing for a client that was gone before', async () => {
  const { upstream } = stage.open({ kind: 'stdio', process: program('legacy-stdio.ts') })
  const exchange = makeExchange({ signal: AbortSignal.abort() })
  await assert.rejects(upstream.call(callTool('add'), exchange), { code: 'call/cancelled' })
  assert.equal(exchange.heard.dispatched, 0)
  await upstream.close()
})

// H-077, H-078, H-080, H-082, Q-083
test('a legacy session over HTTP carries its id and revision on every request, and is ended by DELETE', async () => {
  const peer = stage.use(await serveLegacy())
  const secret = { authorization: 'Bearer s3cret', 'mcp-session-id': 'forged' }
  const { upstream } = stage.open({ kind: 'http', url: peer.url, headers: secret })
  await upstream.call(callTool('add', { a: 1, b: 1 }), makeExchange())
  await upstream.close()
  const [probe, initialize, ...rest] = peer.requests
  assert.equal(probe?.headers['mcp-method'], 'server/discover')
  assert.equal(initialize?.headers['mcp-protocol-version'], undefined)
  assert.ok(rest.length >= 3)
  for (const { headers } of rest) {
    assert.match(String(headers['mcp-session-id']), /^[0-9a-f-]{36}$/)
    assert.equal(headers['mcp-protocol-version'], '2025-11-25')
    assert.equal(headers['mcp-method'], undefined)
    assert.equal(headers.authorization, 'Bearer s3cret')
  }
  assert.equal(rest.at(-1)?.method, 'DELETE')
  assert.ok(!rest.some(({ method }) => method === 'GET')) // nobody watches.
})

// H-079
test('a legacy session over HTTP that was forgotten fails the call in flight and is opened anew for the next', async () => {
  const peer = stage.use(await serveLegacy())
  const { upstream } = stage.open({ kind: 'http', url: peer.url, headers: {} })
  await upstream.introduce()
  peer.forget()
  await assert.rejects(upstream.call(callTool('add', { a: 1, b: 1 }), makeExchange()), {
    code: 'upstream/broken',
    message: 'Server peer has forgotten our session.',
  })
  const reply = await upstream.call(callTool('add', { a: 1, b: 1 }), makeExchange())
  assert.equal(textOf(reply), '2')
  await upstream.close()
})

for (const [name, open] of PEERS.slice(0, 2)) {
  // H-072
  test(`watching a legacy server over ${name}: changes are told outside calls`, async () => {
    const { upstream, event, end } = await open()
    await upstream.introduce()
    upstream.watch({
      lists: true,
      resources: new Set(['test://watched']),
      logLevel: undefined,
    })
    await upstream.call(callTool('change'), makeExchange())
    await event(({ kind }) => kind === 'list-changed')
    await event((one) => one.kind === 'resource-updated' && one.uri === 'test://watched')
    await end()
  })
}

// F-032
test('watching a legacy server subscribes to the difference only', async () => {
  const peer = stage.use(await serveLegacy())
  const { upstream } = stage.open({ kind: 'http', url: peer.url, headers: {} })
  await upstream.introduce()
  const watch = (...uris: string[]): void =>
    upstream.watch({ lists: false, resources: new Set(uris), logLevel: undefined })
  watch('test://a', 'test://b')
  watch('test://b', 'test://c')
  await upstream.call(callTool('add', { a: 1, b: 1 }), makeExchange())
  await upstream.close()
  assert.deepEqual(peer.notes.subscribed.toSorted(), ['test://a', 'test://b', 'test://c'])
  assert.deepEqual(peer.notes.unsubscribed, ['test://a'])
  assert.ok(peer.requests.some(({ method }) => method === 'GET'))
})

// S-001
test('a process inherits what programs need and what was declared, and nothing else', async () => {
  process.env['COUNTERSIGN_TEST_SECRET'] = 'hidden'
  const { upstream } = stage.open({
    kind: 'stdio',
    process: { ...program('legacy-stdio.ts'), env: { DECLARED: 'yes' } },
  })
  const reply = await upstream.call(callTool('environment'), makeExchange())
  delete process.env['COUNTERSIGN_TEST_SECRET']
  const env: NodeJS.ProcessEnv = JSON.parse(String(textOf(reply)))
  assert.equal(env['DECLARED'], 'yes')
  assert.equal(env['PATH'], process.env['PATH'])
  assert.equal(env['COUNTERSIGN_TEST_SECRET'], undefined)
  await upstream.close()
})

// S-009, S-010
test('a process that dies in a call fails it, and is started again for the next', async () => {
  const { upstream } = stage.open({ kind: 'stdio', process: program('legacy-stdio.ts') })
  await assert.rejects(upstream.call(callTool('die'), makeExchange()), {
    code: 'upstream/broken',
    message: 'Server peer exited with code 3.',
  })
  assert.equal(upstream.status().state, 'backoff')
  const reply = await upstream.call(callTool('add', { a: 1, b: 1 }), makeExchange())
  assert.equal(textOf(reply), '2')
  assert.equal(upstream.status().restarts, 1)
  assert.ok(upstream.status().stderr.includes('legacy peer is up'))
  await upstream.close()
})

test('a process without calls for a while is stopped, and started again when needed', async () => {
  const { upstream, event } = stage.open(
    { kind: 'stdio', process: program('legacy-stdio.ts') },
    { idleMs: 50 },
  )
  await upstream.introduce()
  await event((one) => one.kind === 'state' && one.status.state === 'ready')
  await event((one) => one.kind === 'state' && one.status.state === 'idle')
  const reply = await upstream.call(callTool('add', { a: 1, b: 1 }), makeExchange())
  assert.equal(textOf(reply), '2')
  await upstream.close()
})

test('a process that cannot be started leaves calls unavailable and undispatched', async () => {
  const command = '/nowhere/at-all'
  const { upstream } = stage.open({ kind: 'stdio', process: { command, args: [], env: {} } })
  const exchange = makeExchange()
  await assert.rejects(upstream.call(callTool('add'), exchange), {
    code: 'upstream/unavailable',
    message: 'Server peer could not be started (ENOENT).',
  })
  assert.equal(exchange.heard.dispatched, 0)
  await upstream.close()
})
