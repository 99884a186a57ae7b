// Sessions and streams of the `initialize` era, spoken by hand.

import assert from 'node:assert/strict'
import type { OutgoingHttpHeaders } from 'node:http'
import { after, before, describe, it } from 'node:test'
import type { Loose } from './clients.ts'
import { makeFolder, openTestHouse, overStdio, uncaught, until, type TestHouse } from './house.ts'
import {
  ask,
  begin,
  legacy,
  rpc,
  session,
  type Answer,
  type Coming,
  type Event,
  type Wire,
} from './raw.ts'

const SERVERS = { peer: overStdio('oldPeer'), new: overStdio('newPeer') }
let theHouse: TestHouse
before(async () => {
  theHouse = await openTestHouse({ servers: SERVERS })
})
after(async () => {
  await theHouse[Symbol.asyncDispose]()
  assert.deepEqual(uncaught, [])
})

const url = (): URL => theHouse.at('peer')
const say = (headers: OutgoingHttpHeaders, message: unknown): Promise<Answer> =>
  ask(url(), legacy(message, headers))
const callTool = (name: string, id: unknown, more: Loose = {}): Loose =>
  rpc('tools/call', { name, ...more }, id)
const get = (headers: OutgoingHttpHeaders, lastEventId?: string): Promise<Coming> =>
  begin(url(), {
    method: 'GET',
    headers: {
      ...headers,
      accept: 'text/event-stream',
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
  })
const cancelled = (requestId: unknown): Loose => ({
  jsonrpc: '2.0',
  method: 'notifications/cancelled',
  params: { requestId, reason: 'AbortError' },
})

describe('initialize', () => {
  for (const [asked, given] of [
    ['2025-11-25', '2025-11-25'],
    ['2025-06-18', '2025-06-18'],
    ['2025-03-26', '2025-03-26'],
    ['2024-11-05', '2025-11-25'],
    ['2026-07-28', '2025-11-25'],
    ['2099-01-01', '2025-11-25'],
    [7, '2025-11-25'],
    [undefined, '2025-11-25'],
  ] as const) {
    it(`asked for ${asked} gives ${given}`, async () => {
      // V-001, V-002, H-077
      const params = {
        ...(asked === undefined ? {} : { protocolVersion: asked }),
        capabilities: {},
      }
      const { json, headers, status } = await say({}, rpc('initialize', params))
      assert.deepEqual([status, json.result.protocolVersion], [200, given])
      assert.equal(json.result.serverInfo.name, 'countersign')
      assert.match(String(headers['mcp-session-id']), /^[\x21-\x7e]+$/)
      assert.ok(!/resultType|ttlMs|cacheScope|io\.modelcontextprotocol/.test(JSON.stringify(json)))
    })
  }

  it('a second time in a session opens another one or is refused, and breaks neither', async () => {
    const mine = await session(url())
    await say(mine, rpc('initialize', { protocolVersion: '2025-11-25', capabilities: {} }))
    assert.equal((await say(mine, rpc('ping'))).status, 200)
  })
})

describe('a session id', () => {
  it('that is forged, cut, padded or another view’s is unknown: 404', async () => {
    // H-078, H-081
    const mine = await session(url())
    const id = String(mine['mcp-session-id'])
    const foreign = await session(theHouse.at('new'))
    const flipped = `${id.slice(0, 30)}${id[30] === 'A' ? 'B' : 'A'}${id.slice(31)}`
    for (const bad of [
      flipped,
      id.slice(0, -1),
      `${id}A`,
      `${id}=`,
      'x',
      '__proto__',
      foreign['mcp-session-id'],
    ]) {
      const bearing = { ...mine, 'mcp-session-id': bad }
      const { status } = await say(bearing, rpc('ping'))
      assert.equal(status, 404, String(bad))
      for (const method of ['GET', 'DELETE']) {
        const answer = await ask(url(), {
          method,
          headers: { ...bearing, accept: 'text/event-stream' },
        })
        assert.equal(answer.status, 404, method)
      }
    }
    assert.equal((await say(mine, rpc('ping'))).status, 200)
  })

  it('is over after DELETE, for every method, and nothing else is', async () => {
    // H-080
    const [mine, other] = [await session(url()), await session(url())]
    const stream = await get(mine)
    const over = await ask(url(), { method: 'DELETE', headers: mine })
    assert.ok(over.status >= 200 && over.status < 300)
    await stream.ended
    assert.equal((await say(mine, rpc('ping'))).status, 404)
    assert.equal((await ask(url(), { method: 'DELETE', headers: mine })).status, 404)
    assert.equal((await say(other, rpc('ping'))).status, 200)
  })

  it('outlives the process, and so does its end', async () => {
    // H-077, H-080, Q-008
    using folder = makeFolder()
    const plan = { servers: SERVERS, data: folder.path }
    const [kept, ended] = await (async () => {
      await using first = await openTestHouse(plan)
      const sessions = [await session(first.at('peer')), await session(first.at('peer'))] as const
      await ask(first.at('peer'), { method: 'DELETE', headers: sessions[1] })
      return sessions
    })()
    await using second = await openTestHouse(plan)
    const again = (headers: OutgoingHttpHeaders): Promise<Answer> =>
      ask(second.at('peer'), legacy(callTool('echo', 1), headers))
    assert.equal((await again(kept)).json.result.content[0].text, '{}')
    assert.equal((await again(ended)).status, 404)
  })
})

const isAnswer = ({ id, result }: Wire): boolean => id !== undefined && result !== undefined

describe('a stream of a call', () => {
  it('begins with an id and no data for 2025-11-25 only', async () => {
    // H-065, AM-17, Q-013
    for (const [revision, primed] of [
      ['2025-11-25', true],
      ['2025-06-18', false],
    ] as const) {
      const mine = await session(url(), revision)
      const { events } = await say(mine, callTool('steps', 1, { _meta: { progressToken: 'p' } }))
      assert.equal(events[0]?.data === undefined, primed)
      assert.ok(events.every(({ id }) => id !== undefined))
      assert.equal(new Set(events.map(({ id }) => id)).size, events.length) // H-074
    }
  })

  it('goes on by GET after the socket broke, each message once and in order', async () => {
    // H-066, H-071, H-074, H-076, Q-010
    const mine = await session(url(), '2025-11-25', { elicitation: {} })
    const stream = await begin(
      url(),
      legacy(callTool('ask_then_steps', 5, { _meta: { progressToken: 0 } }), mine),
    )
    const question = await stream.event(({ method }) => method === 'elicitation/create')
    stream.drop()
    await stream.ended
    const answer = { jsonrpc: '2.0', id: question.data.id, result: { action: 'decline' } }
    assert.equal((await say(mine, answer)).status, 202)
    assert.equal((await say(mine, answer)).status, 202) // BR-025: twice changes nothing.
    const resumed = await get(mine, question.id)
    const { data } = await resumed.event(isAnswer)
    assert.equal(data.result.content[0].text, 'decline')
    await resumed.ended
    const progress = resumed.events.slice(0, -1).map((event: Event) => event.data.params.progress)
    assert.deepEqual(progress, [1, 2, 3])
    // From the priming event on everything is replayed, the question included.
    const whole = await get(mine, stream.events[0]?.id)
    await whole.ended
    assert.equal(whole.events[0]?.data.method, 'elicitation/create')
    assert.equal(whole.events.length, resumed.events.length + 1)
    assert.equal(whole.headers['mcp-session-id'] ?? mine['mcp-session-id'], mine['mcp-session-id'])
  })

  it('of another session cannot be resumed', async () => {
    // H-074, H-081
    const [mine, other] = [await session(url()), await session(url())]
    const { events } = await say(mine, callTool('steps', 1, { _meta: { progressToken: 1 } }))
    const stolen = await get(other, events[0]?.id)
    assert.equal(stolen.status, 200) // H-076: a fresh stream, with nothing on it.
    await say(other, rpc('ping'))
    assert.deepEqual(stolen.events, [])
    stolen.drop()
  })

  it('is its own: three at once answer three calls', async () => {
    // H-084, H-068, BR-004
    const mine = await session(url())
    const many = await Promise.all(
      [0, '0', 1].map((id) => say(mine, callTool('steps', id, { _meta: { progressToken: id } }))),
    )
    for (const [at, { json, events }] of many.entries()) {
      const id = [0, '0', 1][at]
      assert.equal(json.id, id)
      const tokens = events.flatMap(({ data }) => data?.params?.progressToken ?? [])
      assert.deepEqual(tokens, [id, id, id]) // P-004: type kept.
    }
  })
})

describe('the stream of a session', () => {
  const grown = 'notifications/tools/list_changed'
  const change = async (headers: OutgoingHttpHeaders, stream: Coming): Promise<void> => {
    const earlier = stream.events.length
    await until('a change is told', async () => {
      await say(headers, callTool('grow', 1))
      return stream.events.length > earlier
    })
  }

  it('carries what belongs to no call; a second one takes its place', async () => {
    // H-072, H-073, H-075
    const mine = await session(url())
    const first = await get(mine)
    await change(mine, first)
    assert.equal(first.events[0]?.data.method, grown)
    const second = await get(mine)
    await first.ended
    await change(mine, second)
    second.drop()
  })

  it('that broke is resumed with what was said meanwhile, and goes on', async () => {
    // H-074, H-067
    const mine = await session(url())
    const first = await get(mine)
    await change(mine, first)
    const last = first.events.at(-1)?.id
    first.drop()
    await first.ended
    const second = await get(mine, last)
    await change(mine, second)
    assert.equal(second.events.at(-1)?.data.method, grown)
    second.drop()
  })
})

describe('requests of a session', () => {
  it('with an id that is under way are refused, and the first goes on', async () => {
    // BR-004, V-053
    const mine = await session(url(), '2025-11-25', { elicitation: {} })
    const first = await begin(url(), legacy(callTool('ask_form', 'same'), mine))
    const question = await first.event(({ method }) => method === 'elicitation/create')
    const second = await say(mine, callTool('echo', 'same'))
    assert.equal(second.json.error.code, -32600)
    await say(mine, { jsonrpc: '2.0', id: question.data.id, result: { action: 'cancel' } })
    assert.equal((await first.event(isAnswer)).data.id, 'same')
  })

  it('are cancelled by id and then not answered; a late cancellation is ignored', async () => {
    // P-010, P-013, BR-024, Q-004: opencode sends one after every call.
    const mine = await session(url())
    for (const id of [0, 'x']) {
      const waiting = await begin(
        url(),
        legacy(callTool('wait', id, { _meta: { progressToken: 1 } }), mine),
      )
      await waiting.event(({ method }) => method === 'notifications/progress')
      assert.equal((await say(mine, cancelled(id))).status, 202)
      await waiting.ended
      assert.ok(!waiting.events.some(({ data }) => data && isAnswer(data)))
      assert.equal((await say(mine, cancelled(id))).status, 202)
    }
    assert.equal((await say(mine, callTool('echo', 9))).json.result.content[0].text, '{}')
    assert.equal((await say(mine, cancelled(9))).status, 202)
    assert.equal((await say(mine, callTool('echo', 9))).json.id, 9)
  })

  it('ping and setLevel answer {}; an unknown level is -32602', async () => {
    // V-008, V-009, P-020, P-022
    const mine = await session(url())
    assert.deepEqual((await say(mine, rpc('ping'))).json.result, {})
    assert.deepEqual((await say(mine, rpc('logging/setLevel', { level: 'error' }))).json.result, {})
    for (const level of ['loud', 7, undefined, 'constructor']) {
      const { status, json } = await say(mine, rpc('logging/setLevel', { level }))
      assert.deepEqual([status, json.error.code], [200, -32602])
    }
    const { events } = await say(mine, callTool('log', 1))
    const levels = events.flatMap(({ data }) => data?.params?.level ?? [])
    assert.deepEqual(levels, ['error'])
  })

  it('subscribe and unsubscribe; what nobody has is -32002', async () => {
    // F-031, F-032, F-033, AM-15
    const mine = await session(url())
    assert.deepEqual(
      (await say(mine, rpc('resources/subscribe', { uri: 'peer://doc' }))).json.result,
      {},
    )
    assert.deepEqual(
      (await say(mine, rpc('resources/unsubscribe', { uri: 'peer://doc' }))).json.result,
      {},
    )
    const missing = await say(mine, rpc('resources/read', { uri: 'peer://none' }))
    assert.deepEqual(
      [missing.status, missing.json.error.code, missing.json.error.data.uri],
      [200, -32002, 'peer://none'],
    )
  })

  it('with unknown methods, names and cursors are answered in band', async () => {
    // F-012, F-039, H-095, Q-009
    const mine = await session(url())
    for (const [message, code] of [
      [rpc('no/such'), -32601],
      [rpc('server/discover'), -32601],
      [rpc('constructor'), -32601],
      [callTool('no_such', 1), -32602],
      [callTool('__proto__', 1), -32602],
      [rpc('tools/list', { cursor: 'forged' }), -32602],
      [rpc('tools/list', { cursor: '' }), -32602],
      [rpc('tools/list', { cursor: 7 }), -32602],
      [rpc('tools/call', {}), -32602],
      [rpc('tools/call', { name: 'echo', arguments: [] }), -32602],
      [rpc('completion/complete', { ref: 7 }), -32602],
    ] as const) {
      const { status, json } = await say(mine, message)
      assert.deepEqual([status, json.error?.code], [200, code], JSON.stringify(message))
    }
  })
})

describe('batches of 2025-03-26', () => {
  it('are answered together, notifications and responses beside them', async () => {
    // H-061, H-062, S-004
    const mine = await session(url(), '2025-03-26')
    const answers = await say(mine, [
      rpc('ping', undefined, 1),
      cancelled(99),
      callTool('echo', 'two'),
      { jsonrpc: '2.0', id: 4711, result: {} },
      { jsonrpc: '2.0', id: 3 },
    ])
    const all = Array.isArray(answers.json) ? answers.json : answers.events.map(({ data }) => data)
    const byId = new Map(all.map((one: Wire) => [one.id, one]))
    assert.deepEqual(byId.get(1)?.result, {})
    assert.equal(byId.get('two')?.result.content[0].text, '{}')
    assert.equal(byId.get(3)?.error.code, -32600)
    assert.equal((await say(mine, [cancelled(1), cancelled(2)])).status, 202)
  })

  it('are refused whole with an initialize, an id twice, or too many members', async () => {
    // H-062, LC03
    const mine = await session(url(), '2025-03-26')
    for (const batch of [
      [rpc('ping', undefined, 1), rpc('initialize', {}, 2)],
      [rpc('ping', undefined, 1), rpc('ping', undefined, 1)],
      Array.from({ length: 101 }, (_, id) => rpc('ping', undefined, id)),
    ]) {
      const { status, json } = await say(mine, batch)
      assert.deepEqual([status, json.error.code], [400, -32600])
    }
  })

  it('may hold a call whose progress shares their stream', async () => {
    const mine = await session(url(), '2025-03-26')
    const batch = [
      callTool('steps', 'a', { _meta: { progressToken: 'a' } }),
      rpc('ping', undefined, 'b'),
    ]
    const { events } = await say(mine, batch)
    const answered: readonly string[] = events
      .filter(({ data }) => data && isAnswer(data))
      .map(({ data }) => data.id)
    assert.deepEqual(answered.toSorted(), ['a', 'b'])
    assert.ok(events.every(({ data }) => data !== undefined))
  })
})
