import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Upstream } from '#upstream'
import { callTool, makeExchange, textOf } from './fakes/exchange.ts'
import { makeStage, program } from './fakes/story.ts'
import { serveHostile } from './peers/hostile-http.ts'

const stage = makeStage()

const said = async (upstream: Upstream, name: string): Promise<unknown> =>
  textOf(await upstream.call(callTool(name), makeExchange()))

/** What is answered, or the code of the fault. */
type Expected = { readonly text: string } | { readonly code: string; readonly message?: RegExp }

const BOTH: readonly [string, string, Expected][] = [
  ['sends garbage before its answer', 'garbage', { text: 'after garbage' }],
  ['answers twice', 'twice', { text: 'first' }],
  ['answers what nobody asked', 'stranger', { text: 'yours' }],
  ['answers in a batch', 'batch', { text: 'in a batch' }],
  ['floods', 'flood', { text: 'dry' }],
  ['answers with neither result nor error', 'malformed', { code: 'upstream/broken' }],
  ['nests 100,000 deep', 'deep', { code: 'upstream/broken', message: /nests too deep/ }],
  ['answers 50 MB', 'big', { code: 'upstream/too-large' }],
]

const STDIO: readonly [string, string, Expected][] = [
  ...BOTH,
  ['exits', 'exit', { code: 'upstream/broken', message: /exited with code 7/ }],
  ['closes its output', 'close', { code: 'upstream/broken' }],
  ['floods standard error', 'noise', { text: 'drained' }],
  ['drips bytes, with CRLF and blank lines', 'drip', { text: 'drop by drop: ü€😀' }],
  ['asks for roots', 'ask', { text: '{"action":"decline"}' }],
]

const HTTP: readonly [string, string, Expected][] = [
  ...BOTH,
  ['says JSON and sends none', 'not-json', { code: 'upstream/broken', message: /not JSON/ }],
  ['sends nothing', 'empty', { code: 'upstream/broken' }],
  ['sends a page', 'html', { code: 'upstream/broken', message: /content type/ }],
  ['accepts a request without answering', 'accepted', { code: 'upstream/broken' }],
  ['redirects', 'redirect', { code: 'upstream/unavailable', message: /redirect .*not followed/ }],
  ['refuses us', 'forbidden', { code: 'upstream/unavailable', message: /HTTP 403.*headers/ }],
  ['breaks', 'broken', { code: 'upstream/broken', message: /HTTP 500/ }],
  ['resets the connection', 'reset', { code: 'upstream/broken' }],
  ['cuts its answer', 'cut', { code: 'upstream/broken' }],
  ['cuts its stream', 'cut-stream', { code: 'upstream/broken' }],
  ['ends its stream', 'closed-stream', { code: 'upstream/broken' }],
  ['sends 100 kB of headers', 'huge-header', { code: 'upstream/broken' }],
  ['answers 50 MB of JSON', 'big-json', { code: 'upstream/too-large' }],
  ['nests JSON 100,000 deep', 'deep-json', { code: 'upstream/broken', message: /too deep/ }],
  ['answers somebody else', 'json-stranger', { code: 'upstream/broken' }],
  ['drips an event stream', 'drip', { text: 'ü€😀' }],
  ['leaves its stream open', 'linger', { text: 'at last' }],
]

async function check(upstream: Upstream, name: string, expected: Expected): Promise<void> {
  if ('text' in expected) assert.equal(await said(upstream, name), expected.text)
  else {
    const { code, message = /^Server peer / } = expected
    await assert.rejects(said(upstream, name), { name: 'Fault', code, message })
  }
  assert.equal(await said(upstream, 'well'), 'well')
}

const open = (probe: string): Upstream =>
  stage.open({ kind: 'stdio', process: program('hostile-stdio.ts', probe) }).upstream

for (const [what, name, expected] of STDIO) {
  // S-002, S-003, S-004, P-013
  test(`a process that ${what} gets what it deserves, and the next call works`, async () => {
    const upstream = open('refuse')
    await check(upstream, name, expected)
    await upstream.close()
  })
}

test('a process that never answers is given up after the deadline, and the next call works', async () => {
  const { upstream } = stage.open(
    { kind: 'stdio', process: program('hostile-stdio.ts') },
    { callTimeoutMs: 2_000 },
  )
  await upstream.introduce()
  await check(upstream, 'never', { code: 'upstream/timeout' })
  await upstream.close()
})

for (const [probe, what] of [
  ['exit', 'exits on the probe'],
  ['silent', 'never answers the probe'],
  ['late', 'answers the probe late'],
  ['shim', 'answers the probe without serving what it promises'],
] as const) {
  // S-014, S-015, S-016, Q-084
  test(`a process that ${what} is a legacy server, which is no failure`, async () => {
    const upstream = open(probe)
    assert.equal((await upstream.introduce()).era, 'legacy')
    const { restarts, problem } = upstream.status()
    assert.deepEqual([restarts, problem], [0, undefined])
    assert.equal(await said(upstream, 'well'), 'well')
    await upstream.close()
  })
}

// S-008
test('a process that ignores the end of its input and SIGTERM is stopped all the same', async () => {
  const upstream = open('stubborn')
  await upstream.introduce()
  const { pid } = upstream.status()
  assert.ok(pid !== undefined)
  await upstream.close()
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
})

for (const [what, name, expected] of HTTP) {
  // H-043, H-049, H-054, H-056, H-061
  test(`an HTTP server that ${what} gets what it deserves, and the next call works`, async () => {
    const { url } = stage.use(await serveHostile())
    const { upstream } = stage.open({ kind: 'http', url, headers: {} })
    await check(upstream, name, expected)
    await upstream.close()
  })
}

test('an HTTP server that never answers is given up after the deadline, and the next call works', async () => {
  const { url } = stage.use(await serveHostile())
  const transport = { kind: 'http', url, headers: {} } as const
  const { upstream } = stage.open(transport, { callTimeoutMs: 500 })
  await upstream.introduce()
  await check(upstream, 'never', { code: 'upstream/timeout' })
  await upstream.close()
})

test('an HTTP server that is not there leaves calls unavailable and undispatched, and tells no secrets', async () => {
  const peer = await serveHostile()
  await peer.close()
  const url = peer.url.replace('http://', 'http://user:pa55@') + '?token=t0ken'
  const { upstream } = stage.open({ kind: 'http', url, headers: { authorization: 'Bearer b' } })
  const exchange = makeExchange()
  await assert.rejects(upstream.call(callTool('well'), exchange), (error: Error) => {
    assert.equal('code' in error && error.code, 'upstream/unavailable')
    assert.match(error.message, /^Server peer cannot be reached at http:\/\/127\.0\.0\.1:\d+\.$/)
    return true
  })
  assert.equal(exchange.heard.dispatched, 0)
  assert.doesNotMatch(JSON.stringify(upstream.status()), /pa55|t0ken|Bearer/)
  await upstream.close()
})

test('closing fails the calls in flight, over HTTP and stdio alike', async () => {
  const { url } = stage.use(await serveHostile())
  const { upstream: http } = stage.open({ kind: 'http', url, headers: {} })
  for (const upstream of [http, open('refuse')]) {
    await upstream.introduce()
    const call = upstream.call(callTool('never'), makeExchange())
    assert.equal(upstream.status().inFlight, 1)
    const failed = assert.rejects(call, { code: 'upstream/broken' })
    await upstream.close()
    await failed
    assert.equal(upstream.status().inFlight, 0)
    await assert.rejects(upstream.call(callTool('well'), makeExchange()), {
      code: 'upstream/unavailable',
      message: 'Server peer is closed.',
    })
  }
})

test('closing ends an attempt to connect, and whoever waits for it', async () => {
  const told = stage.open({ kind: 'stdio', process: program('hostile-stdio.ts', 'silent') })
  const waiting = assert.rejects(told.upstream.introduce(), {
    code: 'upstream/unavailable',
    message: 'Server peer is closed.',
  })
  await told.event((one) => one.kind === 'state' && one.status.state === 'connecting')
  await told.upstream.close()
  await waiting
  assert.equal(told.upstream.status().state, 'closed')
})

test('whoever stops waiting for a connection does not end it for others', async () => {
  const upstream = open('silent')
  const gone = new AbortController()
  const one = upstream.introduce(gone.signal)
  const other = upstream.introduce()
  gone.abort()
  await assert.rejects(one, { code: 'call/cancelled' })
  assert.equal((await other).era, 'legacy')
  await upstream.close()
})
