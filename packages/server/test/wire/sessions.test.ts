// Legacy sessions over HTTP: how they begin and end, and what one message, or an array, is answered.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openTestHouse, type TestHouse } from '../stories/house.ts'
import { serveLegacy, tool, type Peer } from './peer.ts'
import { initialize, openSession } from './session.ts'
import { send, type Loose } from './wire.ts'

let peer: Peer
let house: TestHouse
let url: URL
before(async () => {
  peer = await serveLegacy({
    'tools/list': () => ({ tools: [tool('echo')] }),
    'resources/list': () => ({ resources: [{ uri: 'test://a', name: 'a' }] }),
  })
  house = await openTestHouse({ servers: { peer: { url: peer.url } } })
  url = house.at('peer')
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await peer[Symbol.asyncDispose]()
})

const REVISIONS = ['2025-11-25', '2025-06-18', '2025-03-26'] as const

describe('a session', () => {
  for (const revision of REVISIONS) {
    it(`of ${revision} speaks that, and says who we are (V-001 V-002 V-005)`, async () => {
      const { initialized, id } = await openSession(url, revision)
      assert.equal(initialized.protocolVersion, revision)
      assert.equal(initialized.serverInfo.name, 'countersign')
      assert.match(id, /^[\x21-\x7e]+$/) // H-077
      for (const key of ['tools', 'prompts', 'resources', 'completions', 'logging']) {
        assert.ok(initialized.capabilities[key], key) // F-001 V-010
      }
      // Rule 10: nothing of the new era, nor what is not offered (TL-001 TX-032 F-056).
      for (const key of ['tasks', 'extensions'])
        assert.equal(initialized.capabilities[key], undefined)
      for (const key of ['resultType', 'ttlMs', 'cacheScope', '_meta']) {
        assert.equal(initialized[key], undefined)
      }
    })
  }

  it('gets our latest legacy revision for one that we do not have (V-002)', async () => {
    for (const asked of ['2026-07-28', '2024-11-05', '1999-01-01', 'draft', 7]) {
      const { message } = await send(url, { body: initialize(asked as string) })
      assert.equal(message.result.protocolVersion, '2025-11-25')
    }
  })

  it('is needed for everything but initialize (H-012 H-078)', async () => {
    const { status, message } = await send(url, {
      body: { jsonrpc: '2.0', id: 1, method: 'ping' },
    })
    assert.deepEqual([status, message.error.code], [400, -32000])
  })

  it('ends by DELETE, and is unknown from then on (H-078 H-080)', async () => {
    const session = await openSession(url)
    assert.equal((await session.end()).status, 204)
    const { status, message } = await session.request('ping')
    assert.deepEqual([status, message.error.code], [404, -32001])
    assert.equal((await session.end()).status, 404)
    assert.equal((await session.listen()).status, 404)
  })

  it('is not found under a forged or changed id, nor on another view (H-081 Q-006)', async () => {
    const session = await openSession(url)
    const other = await send(house.at(), {
      headers: session.headers,
      body: { jsonrpc: '2.0', id: 1, method: 'ping' },
    })
    assert.equal(other.status, 404)
    for (const id of ['forged', `${session.id}A`, session.id.slice(1), 'x'.repeat(10_000)]) {
      const answer = await session.post(
        { jsonrpc: '2.0', id: 1, method: 'ping' },
        { 'mcp-session-id': id },
      )
      assert.equal(answer.status, 404)
      assert.equal(answer.headers['mcp-session-id'], undefined)
    }
  })

  it('goes on without a version header, and not under another one (H-013 H-082 Q-005)', async () => {
    const session = await openSession(url, '2025-06-18')
    const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
    const bare = { headers: { 'mcp-session-id': session.id }, body: ping }
    assert.equal((await send(url, bare)).status, 200)
    for (const version of ['2025-11-25', '1999-01-01', 'nonsense']) {
      const answer = await session.post(ping, { 'mcp-protocol-version': version })
      assert.equal(answer.status, 400, version)
    }
  })

  it('is not initialized twice by one id, and others begin beside it (Q-023 Q-085)', async () => {
    const sessions = await Promise.all(Array.from({ length: 8 }, () => openSession(url)))
    assert.equal(new Set(sessions.map(({ id }) => id)).size, 8)
    for (const { id } of sessions) assert.ok(id.length > 40) // Random, not counted.
  })
})

describe('one message of a session', () => {
  it('that is a notification or a response is accepted (H-060 H-063 BR-025)', async () => {
    const session = await openSession(url)
    for (const body of [
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'unknown' } },
      { jsonrpc: '2.0', method: 'notifications/roots/list_changed' },
      { jsonrpc: '2.0', method: 'notifications/nobody/knows' },
      { jsonrpc: '2.0', id: 12, result: {} },
      { jsonrpc: '2.0', id: 'late', error: { code: -32601, message: 'no' } },
    ]) {
      const answer = await session.post(body)
      assert.deepEqual([answer.status, answer.text], [202, ''])
    }
  })

  it('that is a request is answered by JSON when it can be (H-064 H-085)', async () => {
    const session = await openSession(url)
    const answer = await session.request('tools/call', { name: 'echo' })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['content-type'], 'application/json')
    assert.equal(answer.message.result.content[0].text, 'done')
    assert.equal(answer.message.result.resultType, undefined)
  })

  it('is answered exactly {} where nothing is to be said (V-008 V-009 P-030)', async () => {
    const session = await openSession(url)
    for (const [method, params] of [
      ['ping', {}],
      ['logging/setLevel', { level: 'error' }],
      ['resources/subscribe', { uri: 'test://a' }],
      ['resources/unsubscribe', { uri: 'test://a' }],
    ] as const) {
      assert.deepEqual((await session.request(method, params)).message.result, {}, method)
    }
    assert.equal(peer.got('ping').length, 0) // V-009: per hop.
  })

  it('that fails is an error on HTTP 200, which v1 can read (H-095 Q-009 P-020 F-039)', async () => {
    const session = await openSession(url)
    const CASES: readonly (readonly [string, object, number])[] = [
      ['nobody/knows', {}, -32601],
      ['tasks/list', {}, -32601],
      ['server/discover', {}, -32601],
      ['subscriptions/listen', {}, -32601],
      ['constructor', {}, -32601],
      ['logging/setLevel', { level: 'loud' }, -32602],
      ['tools/call', { name: 'nobody' }, -32602],
      ['tools/call', {}, -32602],
      ['tools/list', { cursor: 'x' }, -32602],
      ['tools/list', { cursor: '' }, -32602],
      ['resources/subscribe', {}, -32602],
    ]
    for (const [method, params, code] of CASES) {
      const { status, message } = await session.request(method, params)
      assert.deepEqual([status, message.error?.code], [200, code], method)
    }
  })

  it('keeps its id, and 0 is one (V-054 Q-001)', async () => {
    const session = await openSession(url)
    for (const id of [0, 7, '7', '']) {
      assert.equal((await session.request('ping', {}, id)).message.id, id)
    }
  })

  it('does without the task parameter, which means nothing here (TL-006 TX-025 TX-003)', async () => {
    for (const revision of REVISIONS) {
      const session = await openSession(url, revision, { tasks: { list: {} } })
      const { message } = await session.request('tools/call', { name: 'echo', task: { ttl: 1 } })
      assert.equal(message.result.content[0].text, 'done')
      assert.equal(message.result.task, undefined)
    }
    for (const { body } of peer.got('tools/call')) assert.equal(body.params.task, undefined)
  })
})

describe('an array of messages', () => {
  const ping = (id: number): Loose => ({ jsonrpc: '2.0', id, method: 'ping' })
  const note = { jsonrpc: '2.0', method: 'notifications/nobody/knows' }

  it('of 2025-03-26 is answered by one array, side by side (H-061 H-062)', async () => {
    const session = await openSession(url, '2025-03-26')
    const answer = await session.post([
      ping(1),
      note,
      { jsonrpc: '2.0', id: 2, method: 'nobody/knows' },
      { jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'echo' } },
    ])
    assert.equal(answer.status, 200)
    const byId = new Map(answer.messages.map((one) => [one.id, one]))
    assert.deepEqual(byId.get(1).result, {})
    assert.equal(byId.get(2).error.code, -32601)
    assert.equal(byId.get(3).result.content[0].text, 'done')
    assert.equal(answer.messages.length, 3)
    assert.ok(answer.text.startsWith('['))
  })

  it('of 2025-03-26 without requests is accepted (H-061 H-063)', async () => {
    const session = await openSession(url, '2025-03-26')
    for (const body of [[note, note], [{ jsonrpc: '2.0', id: 9, result: {} }]]) {
      const answer = await session.post(body)
      assert.deepEqual([answer.status, answer.text], [202, ''])
    }
  })

  it('of 2025-03-26 is bounded, holds no id twice and no initialize (H-061 H-062)', async () => {
    const session = await openSession(url, '2025-03-26')
    const many = Array.from({ length: 101 }, (_, at) => ping(at))
    for (const body of [many, [ping(1), ping(1)], [initialize('2025-03-26')]]) {
      const { status, message } = await session.post(body)
      assert.deepEqual([status, message.error.code], [400, -32600])
    }
  })

  it('is no part of later revisions (H-060)', async () => {
    for (const revision of ['2025-06-18', '2025-11-25']) {
      const session = await openSession(url, revision)
      const { status, message } = await session.post([ping(1)])
      assert.deepEqual([status, message.error.code], [400, -32600])
    }
  })
})
