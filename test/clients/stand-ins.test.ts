/** The stand-ins behave as their clients were measured to: otherwise what holds for them proves nothing. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { anyBytes } from './stand-ins/any-bytes.ts'
import { openBareServer } from './stand-ins/bare-server.ts'
import type { Manners, ToolResult } from './stand-ins/manners.ts'
import { patienceOf, type After } from './stand-ins/patience.ts'
import { probingModern } from './stand-ins/probing-modern.ts'
import { progressReset, slowProgressReset } from './stand-ins/progress-reset.ts'
import { connect, type Situation } from './stand-ins/stand-in.ts'
import { veryShort } from './stand-ins/very-short.ts'
import { wallClock } from './stand-ins/wall-clock.ts'

/** A clock that goes only when it is told to. */
function manualClock(): { readonly after: After; readonly pass: (ms: number) => void } {
  let now = 0
  const due = new Set<{ readonly at: number; readonly run: () => void }>()
  return {
    after: (ms, run) => {
      const entry = { at: now + ms, run }
      due.add(entry)
      return () => due.delete(entry)
    },
    pass: (ms) => {
      now += ms
      for (const entry of due) if (entry.at <= now && due.delete(entry)) entry.run()
    },
  }
}

/** True when patience lasts for five minutes in which this comes every 20 s. */
async function lasts(manners: Manners, every20s: readonly ('bytes' | 'progress')[]) {
  const { after, pass } = manualClock()
  const patience = patienceOf(manners, after)
  let isOver = false
  void patience.end.then(() => (isOver = true))
  for (let passed = 0; passed < 300_000; passed += 20_000) {
    pass(20_000)
    for (const kind of every20s) patience.renew(kind)
  }
  patience.stop()
  await Promise.resolve()
  return !isOver
}

describe('the clock of a call', () => {
  test('is renewed by what its client listens to, and by nothing else', async () => {
    const comments = ['bytes'] as const
    const progress = ['bytes', 'progress'] as const
    const rows: readonly (readonly [Manners, boolean, boolean, boolean])[] = [
      // in silence, with comments, with progress
      [wallClock, false, false, false],
      [progressReset, false, false, true],
      [slowProgressReset, false, false, true],
      [anyBytes, false, true, true],
      [veryShort, false, false, false],
      [probingModern, false, true, true],
    ]
    for (const [manners, ...expected] of rows) {
      const survived = [
        await lasts(manners, []),
        await lasts(manners, comments),
        await lasts(manners, progress),
      ]
      assert.deepEqual(survived, expected, manners.clientInfo.name)
    }
  })
})

/** Long enough for a request to arrive, whatever else this machine does. */
const PATIENCE_MS = 300
const briefly = (manners: Manners, url: URL): Situation => ({
  url,
  speed: manners.patience.ms / PATIENCE_MS,
})
const TOOL = { name: 'work', inputSchema: { type: 'object' } }

describe('a client that gives up', () => {
  for (const manners of [wallClock, progressReset, slowProgressReset]) {
    test(`says so and closes its connection: ${manners.clientInfo.name}`, async () => {
      await using server = await openBareServer({ tools: [TOOL] })
      using client = await connect(manners, briefly(manners, server.url))
      const [seen, call] = await Promise.all([client.call('work'), server.called()])
      assert.equal(seen.kind, 'gave up')
      await call.closed
      assert.deepEqual(server.cancelled, [call.id])
    })
  }

  test('drops the connection without a word: Gemini CLI', async () => {
    await using server = await openBareServer({ tools: [TOOL] })
    using client = await connect(anyBytes, briefly(anyBytes, server.url))
    const [seen, call] = await Promise.all([client.call('work'), server.called()])
    assert.equal(seen.kind, 'gave up')
    await call.closed
    assert.deepEqual(server.cancelled, [])
  })

  test('leaves its request open: the Agents SDK', async () => {
    await using server = await openBareServer({ tools: [TOOL] })
    using client = await connect(veryShort, briefly(veryShort, server.url))
    const [seen, call] = await Promise.all([client.call('work'), server.called()])
    assert.equal(seen.kind, 'gave up')
    // A later request is answered, and the first connection is still there.
    await client.tools()
    assert.equal(await Promise.race([call.closed, Promise.resolve('open')]), 'open')
    assert.deepEqual(server.cancelled, [])
  })
})

test('opencode cancels a call that was answered', async () => {
  await using server = await openBareServer({ tools: [TOOL] })
  using client = await connect(progressReset, { url: server.url, speed: 1 })
  const answered = server.called().then((call) => {
    call.answer({ content: [{ type: 'text', text: 'done' }] })
    return call.id
  })
  const seen = await client.call('work')
  assert.equal(seen.text, 'done')
  assert.ok(server.cancelled.includes(await answered))
})

test('Gemini CLI adds an argument that no tool declares', async () => {
  await using server = await openBareServer({ tools: [TOOL] })
  using client = await connect(anyBytes, { url: server.url, speed: 1 })
  const answered = server.called().then((call) => {
    call.answer({ content: [] })
    return call.arguments
  })
  await client.call('work', { x: 1 })
  assert.deepEqual(await answered, { x: 1, wait_for_previous: true })
})

describe('Claude Code', () => {
  test('asks for the modern era first, and initializes where that is unknown', async () => {
    await using server = await openBareServer({ tools: [TOOL] })
    using client = await connect(probingModern, { url: server.url, speed: 1 })
    assert.equal(client.era, 'legacy')
    assert.deepEqual(server.methods.slice(0, 2), ['server/discover', 'initialize'])
  })

  test('stays modern where it is answered, and answers questions in a further round', async () => {
    const discovered = { resultType: 'complete', ttlMs: 1_000, cacheScope: 'private' }
    await using server = await openBareServer({ tools: [TOOL], discovered })
    const says = { action: 'accept', content: { yes: true } }
    using client = await connect(probingModern, { url: server.url, speed: 1, says })
    assert.equal(client.era, 'modern')
    const answered = (async () => {
      const first = await server.called()
      const inputRequests = { sure: { method: 'elicitation/create', params: {} } }
      first.answer({ resultType: 'input_required', inputRequests, requestState: 'S' })
      const second = await server.called()
      second.answer({ resultType: 'complete', content: [{ type: 'text', text: 'done' }] })
    })()
    const seen = await client.call('work')
    await answered
    assert.equal(seen.text, 'done')
    assert.equal(server.methods.includes('initialize'), false)
  })
})

describe('what a model reads', () => {
  const text = { type: 'text', text: 'in words' }
  const both: ToolResult = { content: [text], structuredContent: { n: 1 } }
  const failure: ToolResult = { content: [text, text], isError: true }

  test('of structured content beside text differs from client to client', () => {
    assert.equal(wallClock.shows(both), '{"n":1}')
    assert.equal(probingModern.shows(both), '{"n":1}')
    assert.equal(progressReset.shows(both), 'in words')
    assert.equal(anyBytes.shows(both), '<untrusted_context>\nin words\n</untrusted_context>')
    assert.equal(slowProgressReset.shows(both), 'in words\n\n{"n":1}')
  })

  test('of an error is its text, with a mark or without', () => {
    assert.equal(wallClock.shows({ ...failure, structuredContent: { n: 1 } }), '{"n":1}')
    assert.equal(progressReset.shows(failure), 'in words\n\nin words')
    assert.equal(slowProgressReset.shows(failure), 'in wordsin words')
    assert.match(anyBytes.shows(failure), /^\{"error":.*in words/)
  })

  test('of a text where structured content was promised is an error in its place', async () => {
    const tools = [{ ...TOOL, outputSchema: { type: 'object' } }]
    await using server = await openBareServer({ tools })
    for (const [manners, expected] of [
      [progressReset, /has an output schema but did not/],
      [anyBytes, /has an output schema but did not/],
      [wallClock, /^in words$/],
    ] as const) {
      using client = await connect(manners, { url: server.url, speed: 1 })
      const answered = server.called().then((call) => call.answer({ content: [text] }))
      const [seen] = await Promise.all([client.call('work'), answered])
      assert.match(seen.text, expected)
    }
  })
})
