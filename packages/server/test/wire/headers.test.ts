// The head of a request: who may call, and headers that repeat arguments.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type TestHouse } from '../stories/house.ts'
import { serveModern, text, tool, type Peer } from './peer.ts'
import { openSession } from './session.ts'
import { ask, mirror, modern, send, type Asked, type Headers } from './wire.ts'
import { openWireHouse } from './wire-house.ts'

const SCHEMA = {
  type: 'object',
  properties: {
    region: { type: 'string', 'x-mcp-header': 'Region' },
    count: { type: 'integer', 'x-mcp-header': 'Count' },
    loud: { type: 'boolean', 'x-mcp-header': 'Loud' },
    deep: { type: 'object', properties: { er: { type: 'string', 'x-mcp-header': 'Deep' } } },
    free: { type: 'string' },
  },
}

let peer: Peer
let house: TestHouse
let url: URL
before(async () => {
  peer = await serveModern({
    'tools/list': () => ({
      resultType: 'complete',
      tools: [tool('mirror', { inputSchema: SCHEMA })],
    }),
    'resources/read': () => ({
      resultType: 'complete',
      contents: [],
      ttlMs: 0,
      cacheScope: 'private',
    }),
    'tools/call': () => ({ resultType: 'complete', ...text('done') }),
  })
  house = await openWireHouse({ servers: { peer: { url: peer.url } } })
  url = house.at('peer')
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await peer[Symbol.asyncDispose]()
})

const list = modern('tools/list')
const statusOf = async (headers: Headers): Promise<number> =>
  (await send(url, { headers: { ...mirror(list), ...headers }, body: list })).status

describe('who calls', () => {
  it('may come without an origin or from this machine (H-022)', async () => {
    const { port } = house
    for (const origin of [`http://localhost:${port}`, `http://127.0.0.1:${port}`]) {
      assert.equal(await statusOf({ origin, host: `localhost:${port}` }), 200)
    }
  })

  it('is refused from any other origin, in each method (H-021 H-022 H-023)', async () => {
    for (const origin of ['https://evil.example', 'null', 'file://', 'nonsense']) {
      assert.equal(await statusOf({ origin }), 403, origin)
      for (const method of ['GET', 'DELETE', 'OPTIONS']) {
        const { status } = await send(url, { method, headers: { origin } })
        assert.equal(status, 403, `${method} ${origin}`)
      }
    }
  })

  it('is refused by a name that was made to resolve here (H-022)', async () => {
    const answer = await send(url, {
      headers: { ...mirror(list), host: 'evil.example' },
      body: list,
    })
    assert.equal(answer.status, 403)
    assert.equal(Object.hasOwn(answer.message, 'id'), false) // H-021: an error without id.
  })

  it('as a page of this machine is told what it may send and see (H-039)', async () => {
    const origin = `http://localhost:${house.port}`
    const { status, headers } = await send(url, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-headers': 'mcp-param-region, x-other' },
    })
    assert.equal(status, 204)
    const allowed = String(headers['access-control-allow-headers'])
    for (const name of ['mcp-method', 'mcp-name', 'last-event-id', 'authorization']) {
      assert.ok(allowed.includes(name), name)
    }
    assert.ok(allowed.includes('mcp-param-region'))
    assert.ok(!allowed.includes('x-other'))
    assert.match(String(headers['access-control-expose-headers']), /Mcp-Session-Id/)
  })
})

describe('mirrored arguments', () => {
  const callWith = async (args: object, headers: Headers): Promise<readonly [number, unknown]> => {
    const asked: Asked = { headers }
    const { status, message } = await ask(
      url,
      'tools/call',
      { name: 'mirror', arguments: args },
      asked,
    )
    return [status, message.error?.code]
  }
  const OK = [200, undefined]
  const MISMATCH = [400, -32020]
  const CASES: readonly (readonly [string, object, Headers, readonly unknown[]])[] = [
    ['text as it is', { region: 'eu' }, { 'mcp-param-region': 'eu' }, OK],
    ['text encoded', { region: 'ü' }, { 'mcp-param-region': '=?base64?w7w=?=' }, OK],
    ['empty text', { region: '' }, { 'mcp-param-region': ' ' }, OK],
    ['empty text encoded', { region: '' }, { 'mcp-param-region': '=?base64??=' }, OK],
    ['an integer', { count: 42 }, { 'mcp-param-count': '42' }, OK],
    ['an integer as a fraction', { count: 42 }, { 'mcp-param-count': '42.0' }, OK],
    ['a boolean', { loud: false }, { 'mcp-param-loud': 'false' }, OK],
    ['a nested one', { deep: { er: 'x' } }, { 'mcp-param-deep': 'x' }, OK],
    ['null without a header', { region: null }, {}, OK],
    ['one that is not mirrored', { free: 'x' }, {}, OK],
    ['text without its header', { region: 'eu' }, {}, MISMATCH],
    ['text in capitals', { region: 'eu' }, { 'mcp-param-region': 'EU' }, MISMATCH],
    ['bad base64', { region: 'eu' }, { 'mcp-param-region': '=?base64?x?=' }, MISMATCH],
    ['another integer', { count: 42 }, { 'mcp-param-count': '43' }, MISMATCH],
    ['another boolean', { loud: true }, { 'mcp-param-loud': 'True' }, MISMATCH],
    ['a nested one missing', { deep: { er: 'x' } }, {}, MISMATCH],
  ]
  for (const [what, args, headers, expected] of CASES) {
    it(`${what}: ${String(expected[0])} (F-023 F-024 H-033 H-034 AM-10)`, async () => {
      assert.deepEqual(await callWith(args, headers), expected)
    })
  }

  it('go upstream encoded once, absent and null ones not at all (F-022 F-026 H-028 H-032)', async () => {
    const args = { region: 'Köln', count: 7, loud: true, deep: { er: 'a\tb' }, free: 'x' }
    const session = await openSession(url)
    await session.request('tools/call', { name: 'mirror', arguments: args })
    const sent = peer.got('tools/call').at(-1)
    assert.equal(sent?.headers['mcp-param-region'], '=?base64?S8O2bG4=?=')
    assert.equal(sent?.headers['mcp-param-count'], '7')
    assert.equal(sent?.headers['mcp-param-loud'], 'true')
    assert.equal(sent?.headers['mcp-param-deep'], '=?base64?YQli?=')
    assert.equal(sent?.headers['mcp-param-free'], undefined)
    await session.request('tools/call', { name: 'mirror', arguments: { region: null } })
    const bare = Object.keys(peer.got('tools/call').at(-1)?.headers ?? {})
    assert.deepEqual(
      bare.filter((name) => name.startsWith('mcp-param')),
      [],
    )
  })

  it('say nothing of what the client wrote into its own headers (H-038)', async () => {
    await ask(
      url,
      'tools/call',
      { name: 'mirror', arguments: {} },
      { headers: { 'mcp-param-unknown': 'x', authorization: 'Bearer mine', cookie: 'a=b' } },
    )
    const sent = peer.got('tools/call').at(-1)
    for (const name of ['mcp-param-unknown', 'authorization', 'cookie', 'mcp-session-id']) {
      assert.equal(sent?.headers[name], undefined, name)
    }
  })
})
