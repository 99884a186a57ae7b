// The head of a request: who may call, what is taken, and headers that repeat the body.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openTestHouse, type TestHouse } from '../stories/house.ts'
import { serveModern, text, tool, type Peer } from './peer.ts'
import { initialize, openSession } from './session.ts'
import { ask, mirror, modern, send, type Asked, type Headers } from './wire.ts'

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
  house = await openTestHouse({ servers: { peer: { url: peer.url } } })
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

describe('what is taken', () => {
  const TYPES: readonly (readonly [string, number])[] = [
    ['application/json', 200],
    ['Application/JSON; charset=utf-8', 200],
    ['text/plain', 415],
    ['', 415],
  ]
  for (const [type, status] of TYPES) {
    it(`a body of type "${type}": ${status} (H-026)`, async () => {
      assert.equal(await statusOf({ 'content-type': type }), status)
    })
  }

  const ACCEPTS: readonly (readonly [string, number, number])[] = [
    ['application/json, text/event-stream', 200, 200],
    ['*/*', 200, 200],
    ['application/json', 200, 406],
    ['text/event-stream', 200, 406],
    ['', 200, 406],
    ['text/html', 406, 406],
  ]
  for (const [accept, isModern, isLegacy] of ACCEPTS) {
    it(`an Accept of "${accept}": ${isModern}, legacy ${isLegacy} (H-025 AM-32)`, async () => {
      assert.equal(await statusOf({ accept }), isModern)
      const { status, message } = await send(url, {
        headers: { accept },
        body: initialize('2025-11-25'),
      })
      assert.equal(status, isLegacy)
      if (isLegacy === 406) assert.equal(message.error.code, -32000)
    })
  }

})

describe('headers that repeat the body', () => {
  const call = modern('tools/call', { name: 'mirror', arguments: {} })
  const HEADERS = mirror(call)
  const called = async (headers: Headers): Promise<readonly [number, unknown]> => {
    const { status, message } = await send(url, { headers, body: call })
    return [status, message.error?.code]
  }
  const without = (name: string): Headers =>
    Object.fromEntries(Object.entries(HEADERS).filter(([key]) => key !== name))

  const WRONG: readonly (readonly [string, Headers])[] = [
    ['no method', without('mcp-method')],
    ['another method', { ...HEADERS, 'mcp-method': 'tools/list' }],
    ['the method in capitals', { ...HEADERS, 'mcp-method': 'TOOLS/CALL' }],
    ['the method twice', { ...HEADERS, 'mcp-method': ['tools/call', 'tools/call'] }],
    ['no name', without('mcp-name')],
    ['another name', { ...HEADERS, 'mcp-name': 'other' }],
    ['bad padding', { ...HEADERS, 'mcp-name': '=?base64?bWlycm9y=?=' }],
    ['a bad alphabet', { ...HEADERS, 'mcp-name': '=?base64?bWly*m9y?=' }],
    ['markers in capitals', { ...HEADERS, 'mcp-name': '=?BASE64?bWlycm9y?=' }],
    ['no closing marker', { ...HEADERS, 'mcp-name': '=?base64?bWlycm9y' }],
    ['bytes beyond ASCII', { ...HEADERS, 'mcp-name': 'mirror\u00a0' }],
  ]
  for (const [what, headers] of WRONG) {
    it(`${what}: 400 -32020 (H-029 H-031 H-033 H-035 AM-33)`, async () => {
      assert.deepEqual(await called(headers), [400, -32020])
    })
  }

  const RIGHT: readonly (readonly [string, Headers])[] = [
    ['as they are', HEADERS],
    ['encoded', { ...HEADERS, 'mcp-name': '=?base64?bWlycm9y?=' }],
    ['with blanks around', { ...HEADERS, 'mcp-method': '  tools/call\t' }],
    [
      'with names in other cases',
      {
        'MCP-Protocol-Version': '2026-07-28',
        'mCP-mETHOD': 'tools/call',
        'MCP-NAME': 'mirror',
      },
    ],
    ['beside parameters nobody knows', { ...HEADERS, 'mcp-param-unknown': 'x' }],
    ['beside a parameter that the body lacks', { ...HEADERS, 'mcp-param-region': 'eu' }],
  ]
  for (const [what, headers] of RIGHT) {
    it(`${what}: served (H-031 H-033 H-037 F-023)`, async () => {
      assert.deepEqual(await called(headers), [200, undefined])
    })
  }
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

  it('say nothing of what the client wrote into its own headers (H-038 F-028)', async () => {
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
