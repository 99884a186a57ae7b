// The truth table of docs/protocol.md over real HTTP: each row is one request and its outcome.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { OutgoingHttpHeaders } from 'node:http'
import type { Loose } from './clients.ts'
import { openTestHouse, overStdio, uncaught, type TestHouse } from './house.ts'
import { ask, envelope, legacy, modern, MODERN, rpc, session, type Ask, type Wire } from './raw.ts'

let theHouse: TestHouse
let sessions: Readonly<Record<string, OutgoingHttpHeaders>>
const VERSION = 'io.modelcontextprotocol/protocolVersion'
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'

before(async () => {
  theHouse = await openTestHouse({ servers: { old: overStdio('oldPeer') } })
  sessions = {
    '2025-03-26': await session(theHouse.at('old'), '2025-03-26'),
    '2025-06-18': await session(theHouse.at('old'), '2025-06-18'),
    '2025-11-25': await session(theHouse.at('old'), '2025-11-25'),
  }
})
after(async () => {
  await theHouse[Symbol.asyncDispose]()
  assert.deepEqual(uncaught, [])
})

interface Row {
  readonly says: string
  readonly asks: () => Ask
  readonly status: number
  /** The error code, or undefined for a result or no body at all. */
  readonly code?: number
  /** The id in the answer: none where the request could not be read (H-093). */
  readonly id?: unknown
  readonly also?: (json: Wire) => void
}

const list = (meta: Loose, headers: OutgoingHttpHeaders = {}): Ask =>
  modern('tools/list', { meta, headers })
const inSession = (
  message: unknown,
  revision = '2025-11-25',
  more: OutgoingHttpHeaders = {},
): Ask => legacy(message, { ...sessions[revision], ...more })
const claimed = (id: unknown) => ({ ...rpc('tools/list', { _meta: envelope() }, id) })

const ROWS: readonly Row[] = [
  {
    says: 'valid claim, equal version header, equal Mcp-Method: modern', // H-003
    asks: () => list(envelope()),
    status: 200,
    id: 1,
    also: ({ result }) => assert.equal(result.resultType, 'complete'), // V-031
  },
  {
    says: 'valid claim, no version header: -32020', // H-027, H-029
    asks: () => list(envelope(), { 'mcp-protocol-version': undefined }),
    status: 400,
    code: -32020,
    id: 1,
  },
  {
    says: 'valid claim, no Mcp-Method: -32020', // H-028, H-029
    asks: () => list(envelope(), { 'mcp-method': undefined }),
    status: 400,
    code: -32020,
    id: 1,
  },
  {
    says: 'claim and header differ: -32020', // H-006
    asks: () => list(envelope({ [VERSION]: '2027-01-01' })),
    status: 400,
    code: -32020,
    id: 1,
  },
  {
    says: 'claim of a legacy version under the modern header: -32020',
    asks: () => list(envelope({ [VERSION]: '2025-11-25' })),
    status: 400,
    code: -32020,
    id: 1,
  },
  {
    says: 'claim and header agree on a version nobody has: -32022, judged before what is missing', // H-006, H-007, H-008
    asks: () => list({ [VERSION]: '2027-01-01' }, { 'mcp-protocol-version': '2027-01-01' }),
    status: 400,
    code: -32022,
    id: 1,
    also: ({ error }) =>
      assert.deepEqual(error.data, { supported: [MODERN], requested: '2027-01-01' }),
  },
  {
    says: 'claim and header agree on a legacy version: -32022, not served per request', // H-011, AM-04
    asks: () =>
      list(envelope({ [VERSION]: '2025-11-25' }), { 'mcp-protocol-version': '2025-11-25' }),
    status: 400,
    code: -32022,
    id: 1,
  },
  {
    says: 'a claim that is no text: -32602, a modern error', // H-003
    asks: () => list(envelope({ [VERSION]: 7 })),
    status: 400,
    code: -32602,
    id: 1,
  },
  {
    says: 'claim without capabilities: -32602', // V-040
    asks: () => list({ [VERSION]: MODERN }),
    status: 400,
    code: -32602,
    id: 1,
  },
  {
    says: 'capabilities that are no object: -32602',
    asks: () => list(envelope({ [CAPABILITIES]: [] })),
    status: 400,
    code: -32602,
    id: 1,
  },
  {
    says: 'modern header, no claim: -32602 naming what is missing', // H-005
    asks: () => modern('server/discover', { meta: {} }),
    status: 400,
    code: -32602,
    id: 1,
    also: ({ error }) => {
      assert.ok(error.message.includes(VERSION) && error.message.includes(CAPABILITIES))
    },
  },
  {
    says: 'modern header, no params at all: -32602',
    asks: () => legacy(rpc('server/discover'), { 'mcp-protocol-version': MODERN }),
    status: 400,
    code: -32602,
    id: 1,
  },
  {
    says: 'initialize, modern header, no claim: -32020', // H-010
    asks: () => legacy(rpc('initialize', {}), { 'mcp-protocol-version': MODERN }),
    status: 400,
    code: -32020,
    id: 1,
  },
  {
    says: 'initialize without claim, whatever legacy header and Mcp-Method: legacy', // H-010, H-014, H-083
    asks: () =>
      legacy(rpc('initialize', { protocolVersion: '2025-11-25', capabilities: {} }), {
        'mcp-protocol-version': '2025-11-25',
        'mcp-method': 'something/else',
      }),
    status: 200,
    id: 1,
    also: ({ result }) => assert.equal(result.protocolVersion, '2025-11-25'),
  },
  {
    says: 'legacy request without a session: 400', // H-012, H-078
    asks: () => legacy(rpc('tools/list')),
    status: 400,
    code: -32000,
  },
  {
    says: 'legacy request in its session without a version header: the version of the session', // H-013, Q-005
    asks: () => inSession(rpc('ping'), '2025-11-25', { 'mcp-protocol-version': undefined }),
    status: 200,
    id: 1,
    also: ({ result }) => assert.deepEqual(result, {}), // V-008
  },
  {
    says: 'legacy request under another legacy version than its session: 400', // H-082
    asks: () => inSession(rpc('ping'), '2025-11-25', { 'mcp-protocol-version': '2025-06-18' }),
    status: 400,
    code: -32000,
  },
  {
    says: 'legacy request under a version nobody has: 400', // H-082
    asks: () => inSession(rpc('ping'), '2025-11-25', { 'mcp-protocol-version': '1999-01-01' }),
    status: 400,
    code: -32000,
  },
  {
    says: 'notification, no claim, modern header: taken and dropped', // H-041
    asks: () =>
      legacy(
        { jsonrpc: '2.0', method: 'notifications/cancelled' },
        { 'mcp-protocol-version': MODERN },
      ),
    status: 202,
  },
  {
    says: 'a modern cancellation by a bare id: taken, and nothing done', // H-042, BR-003
    asks: () =>
      legacy({
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { requestId: 1, _meta: envelope() },
      }),
    status: 202,
  },
  {
    says: 'notification of a legacy client without session: 400',
    asks: () => legacy({ jsonrpc: '2.0', method: 'notifications/initialized' }),
    status: 400,
    code: -32000,
  },
  {
    says: 'notification of a legacy client in its session: 202', // H-063
    asks: () => inSession({ jsonrpc: '2.0', method: 'notifications/initialized' }),
    status: 202,
  },
  {
    says: 'a response that nobody waits for: taken and dropped', // H-004, BR-025
    asks: () => inSession({ jsonrpc: '2.0', id: 4711, result: {} }),
    status: 202,
  },
  {
    says: 'an array with one modern request: -32600', // H-040
    asks: () => inSession([rpc('ping'), claimed(2)], '2025-03-26'),
    status: 400,
    code: -32600,
  },
  {
    says: 'an array of legacy requests in a session of 2025-03-26: a batch', // H-061
    asks: () => inSession([rpc('ping', undefined, 'a'), rpc('ping', undefined, 'b')], '2025-03-26'),
    status: 200,
    also: (json) => assert.deepEqual(json.map(({ id }: Loose) => id).toSorted(), ['a', 'b']),
  },
  {
    says: 'an array in a session of 2025-06-18: -32600', // H-060
    asks: () => inSession([rpc('ping')], '2025-06-18'),
    status: 400,
    code: -32600,
  },
  {
    says: 'an array in a session of 2025-11-25: -32600',
    asks: () => inSession([rpc('ping')], '2025-11-25'),
    status: 400,
    code: -32600,
  },
  { says: 'an empty array: -32600', asks: () => legacy([]), status: 400, code: -32600 },
  { says: 'a bare number: -32600', asks: () => legacy('7'), status: 400, code: -32600 },
  { says: 'null: -32600', asks: () => legacy('null'), status: 400, code: -32600 },
  { says: 'no JSON: -32700', asks: () => legacy('{"jsonrpc":'), status: 400, code: -32700 },
  { says: 'nothing: -32700', asks: () => legacy(''), status: 400, code: -32700 },
]

describe('the truth table of one URL for both eras', () => {
  for (const { says, asks, status, code, id, also } of ROWS) {
    it(says, async () => {
      const { status: got, json, headers } = await ask(theHouse.at('old'), asks())
      assert.equal(got, status, JSON.stringify(json))
      assert.equal(json?.error?.code, code)
      if (json && !Array.isArray(json)) {
        assert.equal(json.id, id)
        assert.ok(!('id' in json) || json.id !== null) // H-093
        const keys = Object.keys(json).filter((key) => key !== 'id')
        assert.deepEqual(keys, ['jsonrpc', code === undefined ? 'result' : 'error']) // H-094
      } else if (!json) assert.equal(headers['content-length'] ?? '0', '0')
      also?.(json)
    })
  }

  const GONE = [
    'initialize',
    'ping',
    'logging/setLevel',
    'resources/subscribe',
    'resources/unsubscribe',
  ]
  for (const method of [
    ...GONE,
    'tasks/result',
    'tasks/list',
    'no/such',
    'constructor',
    '__proto__',
  ]) {
    it(`${method} in an envelope of 2026-07-28 is 404 -32601 with its id`, async () => {
      // H-009, H-015, P-030
      const asked = modern(method, { id: 'mine', params: { level: 'info', uri: 'peer://doc' } })
      const { status, json } = await ask(theHouse.at('old'), asked)
      assert.deepEqual([status, json.error.code, json.id], [404, -32601, 'mine'])
    })
  }

  it('keeps the type of an id, zero included, in both eras', async () => {
    // V-053, V-054
    for (const id of [0, '0', 1, '1', -5, '', 2 ** 53 - 1, 'x'.repeat(5_000)]) {
      const modernly = await ask(theHouse.at('old'), modern('server/discover', { id }))
      assert.deepEqual([modernly.status, modernly.json.id], [200, id])
      const legacily = await ask(theHouse.at('old'), inSession(rpc('ping', undefined, id)))
      assert.deepEqual([legacily.status, legacily.json.id], [200, id])
    }
  })

  it('refuses ids that JSON-RPC does not know, without repeating them', async () => {
    // V-053, H-093
    for (const id of ['null', '1.5', '1e300', '9007199254740993', 'true', '{}', '[]']) {
      const asked = modern('server/discover')
      const body = String(asked.body).replace('"id":1', `"id":${id}`)
      const { status, json } = await ask(theHouse.at('old'), { ...asked, body })
      assert.deepEqual([status, json.error.code, 'id' in json], [400, -32600, false], id)
    }
  })

  it('never mints, echoes or minds a session id in the modern era', async () => {
    // H-052, AM-31
    for (const id of ['made-up', String(sessions['2025-11-25']?.['mcp-session-id'])]) {
      const headers = { 'mcp-session-id': id, 'last-event-id': 'x.1' }
      const { status, headers: got } = await ask(
        theHouse.at('old'),
        modern('tools/list', { headers }),
      )
      assert.deepEqual([status, got['mcp-session-id']], [200, undefined])
    }
  })

  it('serves discover completely, also without clientInfo', async () => {
    // V-020, V-021, V-022, V-024, V-041, F-050, F-054
    const { json } = await ask(theHouse.at('old'), modern('server/discover'))
    const { result } = json
    assert.deepEqual(result.supportedVersions, [MODERN])
    assert.equal(result.resultType, 'complete')
    assert.ok(Number.isInteger(result.ttlMs) && result.ttlMs >= 0)
    assert.equal(result.cacheScope, 'private')
    assert.equal(result.capabilities.tasks, undefined)
    assert.equal(result._meta['io.modelcontextprotocol/serverInfo'].name, 'countersign')
  })

  it('answers GET and DELETE of the modern era with 405', async () => {
    // H-052, H-020
    for (const method of ['GET', 'DELETE', 'PUT', 'PATCH']) {
      const headers = { accept: 'text/event-stream', 'mcp-protocol-version': MODERN }
      const { status, headers: got } = await ask(theHouse.at('old'), { method, headers })
      assert.equal(status, 405, method)
      assert.ok(got['allow']?.includes('POST'))
    }
  })
})
