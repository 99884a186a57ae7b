// Which era a POST belongs to, and what is said of one that belongs to none.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openTestHouse, type TestHouse } from '../stories/house.ts'
import { serveLegacy, type Peer } from './peer.ts'
import { initialize, openSession } from './session.ts'
import {
  ask,
  CAPABILITIES,
  mirror,
  modern,
  MODERN,
  send,
  VERSION,
  type Headers,
  type Loose,
} from './wire.ts'

let peer: Peer
let house: TestHouse
let url: URL
before(async () => {
  peer = await serveLegacy()
  house = await openTestHouse({ servers: { peer: { url: peer.url } } })
  url = house.at('peer')
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await peer[Symbol.asyncDispose]()
})

const list = modern('tools/list')
const HEADERS = mirror(list)
const LEGACY_LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }

const withMeta = (meta: object): Loose => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/list',
  params: { _meta: meta },
})
const header = (version: string): Headers => ({ ...HEADERS, 'mcp-protocol-version': version })
const claim = (version: unknown, capabilities: unknown = {}): Loose =>
  withMeta({ [VERSION]: version, [CAPABILITIES]: capabilities })

interface Case {
  readonly when: string
  readonly ids: string
  readonly body: unknown
  readonly headers?: Headers
  readonly status: number
  /** Of the error; undefined for an answer without one. */
  readonly code?: number
  /** What the answer is addressed to; undefined for nothing readable. */
  readonly id?: string | number
}

const CASES: readonly Case[] = [
  {
    when: 'a whole envelope that its headers repeat is served, though nobody says who they are',
    ids: 'H-001 V-021 AM-18',
    body: list,
    headers: HEADERS,
    status: 200,
    id: 1,
  },
  {
    when: 'a claim without the version header',
    ids: 'H-029 AM-03',
    body: list,
    headers: { 'mcp-method': 'tools/list' },
    status: 400,
    code: -32020,
    id: 1,
  },
  {
    when: 'a claim that its header contradicts',
    ids: 'H-006',
    body: list,
    headers: header('2025-11-25'),
    status: 400,
    code: -32020,
    id: 1,
  },
  {
    when: 'a claim of a version nobody knows, header alike',
    ids: 'H-006 H-007',
    body: claim('2099-01-01'),
    headers: header('2099-01-01'),
    status: 400,
    code: -32022,
    id: 1,
  },
  {
    when: 'an unknown version is judged before what is missing',
    ids: 'H-008',
    body: withMeta({ [VERSION]: '2099-01-01' }),
    headers: header('2099-01-01'),
    status: 400,
    code: -32022,
    id: 1,
  },
  {
    when: 'a claim of a legacy revision',
    ids: 'H-011 AM-04',
    body: claim('2025-11-25'),
    headers: header('2025-11-25'),
    status: 400,
    code: -32022,
    id: 1,
  },
  {
    when: 'a claim that is no text',
    ids: 'H-003',
    body: claim(7),
    headers: HEADERS,
    status: 400,
    code: -32602,
    id: 1,
  },
  {
    when: 'a claim without capabilities',
    ids: 'V-040 H-005',
    body: withMeta({ [VERSION]: MODERN }),
    headers: HEADERS,
    status: 400,
    code: -32602,
    id: 1,
  },
  {
    when: 'capabilities that are no object',
    ids: 'V-040',
    body: claim(MODERN, true),
    headers: HEADERS,
    status: 400,
    code: -32602,
    id: 1,
  },
  {
    when: 'no claim under a modern header',
    ids: 'H-005',
    body: LEGACY_LIST,
    headers: HEADERS,
    status: 400,
    code: -32602,
    id: 1,
  },
  {
    when: 'discovery without an envelope under a modern header',
    ids: 'H-005 Q-031',
    body: { jsonrpc: '2.0', id: 'probe', method: 'server/discover' },
    headers: { 'mcp-protocol-version': MODERN, 'mcp-method': 'server/discover' },
    status: 400,
    code: -32602,
    id: 'probe',
  },
  {
    when: 'initialize without a claim under a modern header',
    ids: 'H-010',
    body: initialize('2025-11-25'),
    headers: { 'mcp-protocol-version': MODERN },
    status: 400,
    code: -32020,
    id: 0,
  },
  {
    when: 'no claim, no session',
    ids: 'H-012 H-078',
    body: LEGACY_LIST,
    status: 400,
    code: -32000,
  },
  {
    when: 'a claim under a key that is inherited is no claim',
    ids: 'H-015',
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"__proto__":{"_meta":{}}}}',
    status: 400,
    code: -32000,
  },
  {
    when: 'an array with one modern request',
    ids: 'H-040',
    body: [LEGACY_LIST, list],
    headers: HEADERS,
    status: 400,
    code: -32600,
  },
  {
    when: 'a response under a modern header',
    ids: 'H-040 H-004',
    body: { jsonrpc: '2.0', id: 1, result: {} },
    headers: HEADERS,
    status: 400,
    code: -32000,
  },
  { when: 'an empty array', ids: 'H-093', body: [], status: 400, code: -32600 },
  { when: 'a number', ids: 'H-093', body: '7', status: 400, code: -32600 },
  { when: 'what is not JSON', ids: 'H-093', body: '{', status: 400, code: -32700 },
  {
    when: 'what is not UTF-8',
    ids: 'H-093 S-001',
    body: Buffer.from([0x7b, 0xff, 0x7d]),
    status: 400,
    code: -32700,
  },
  {
    when: 'an id that is null',
    ids: 'V-053',
    body: { ...list, id: null },
    headers: HEADERS,
    status: 400,
    code: -32600,
  },
  {
    when: 'an id that is a fraction',
    ids: 'V-053',
    body: { ...list, id: 1.5 },
    headers: HEADERS,
    status: 400,
    code: -32600,
  },
]

describe('one POST', () => {
  for (const { when, ids, body, headers = {}, status, code, id } of CASES) {
    it(`${when}: ${status} ${code ?? ''} (${ids})`, async () => {
      const answer = await send(url, { headers, body })
      assert.equal(answer.status, status)
      assert.equal(answer.message.error?.code, code)
      // H-093: without an id to answer to, the member is left out; it is never null.
      assert.equal(Object.hasOwn(answer.message, 'id'), id !== undefined)
      assert.equal(answer.message.id, id)
      // H-094: nothing but what JSON-RPC names.
      const members = new Set(['jsonrpc', 'id', 'result', 'error'])
      assert.deepEqual(
        Object.keys(answer.message).filter((member) => !members.has(member)),
        [],
      )
      // H-052: no session is ever given in this era.
      assert.equal(answer.headers['mcp-session-id'], undefined)
    })
  }

  it('says which versions it serves, and which was asked for (H-007 V-022 AM-04)', async () => {
    const refused = await send(url, {
      headers: header('2099-01-01'),
      body: claim('2099-01-01'),
    })
    const { supported, requested } = refused.message.error.data
    const { result } = (await ask(url, 'server/discover')).message
    assert.equal(requested, '2099-01-01')
    assert.deepEqual(supported, [MODERN])
    assert.deepEqual(result.supportedVersions, supported)
  })

  it('names the keys that are missing (H-005)', async () => {
    const refused = await send(url, { headers: HEADERS, body: LEGACY_LIST })
    assert.match(refused.message.error.message, /protocolVersion.*clientCapabilities/)
  })

  it('knows no method of the old era in the new one (H-009 P-030 TX-025)', async () => {
    for (const method of [
      'initialize',
      'ping',
      'logging/setLevel',
      'resources/subscribe',
      'resources/unsubscribe',
      'tasks/result',
      'tasks/list',
      'constructor',
      '__proto__',
    ]) {
      const answer = await ask(url, method, {}, { id: `id of ${method}` })
      assert.equal(answer.status, 404, method)
      assert.equal(answer.message.error.code, -32601, method)
      assert.equal(answer.message.id, `id of ${method}`)
    }
  })

  it('accepts modern notifications and does nothing (H-041 H-042 P-011 AM-02)', async () => {
    for (const params of [{}, list.params]) {
      const answer = await send(url, {
        headers: { 'mcp-protocol-version': MODERN },
        body: { jsonrpc: '2.0', method: 'notifications/cancelled', params },
      })
      assert.deepEqual([answer.status, answer.text], [202, ''])
    }
  })

  it('refuses a notification whose headers contradict it (AM-02 AM-33)', async () => {
    const answer = await send(url, {
      headers: { 'mcp-protocol-version': MODERN, 'mcp-method': 'notifications/other' },
      body: { jsonrpc: '2.0', method: 'notifications/cancelled', params: list.params },
    })
    assert.deepEqual([answer.status, answer.message.error.code], [400, -32020])
  })

  it('keeps the type of ids, and takes 0 for one (V-054 Q-001 Q-002)', async () => {
    for (const id of [0, 1, '1', '', 'x'.repeat(1_000)]) {
      const { message } = await ask(url, 'tools/list', {}, { id })
      assert.equal(message.id, id)
    }
  })

  it('serves strangers with one id side by side (H-052 V-026 BR-003 S-011)', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => ask(url, 'tools/call', { name: 'echo' }, { id: 1 })),
    )
    for (const { message } of answers) assert.equal(message.result.content[0].text, 'done')
  })

  it('ignores sessions and events in the new era, even live ones (H-052 AM-31 H-091)', async () => {
    const session = await openSession(url)
    const answer = await ask(
      url,
      'tools/list',
      {},
      { headers: { 'mcp-session-id': session.id, 'last-event-id': 'x.1' } },
    )
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['mcp-session-id'], undefined)
  })

  it('serves the old era in spite of modern routing headers (H-014 H-004)', async () => {
    const session = await openSession(url)
    const answer = await session.post(LEGACY_LIST, { 'mcp-method': 'wrong', 'mcp-name': 'wrong' })
    assert.equal(answer.message.result.tools.length, 1)
  })

  it('initializes with a version header and without one (H-083 H-010)', async () => {
    for (const headers of [{}, { 'mcp-protocol-version': '2025-06-18' }]) {
      const answer = await send(url, { headers, body: initialize('2025-11-25') })
      assert.equal(answer.message.result.protocolVersion, '2025-11-25')
    }
  })
})
