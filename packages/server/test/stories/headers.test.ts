// The header layer of 2026-07-28: what is compared with the body, how, and what is not minded.

import assert from 'node:assert/strict'
import type { OutgoingHttpHeaders } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { encodeHeaderValue } from '@countersign/contract'
import { openTestHouse, overStdio, uncaught, type TestHouse } from './house.ts'
import { ask, BOTH, bytes, legacy, modern, MODERN, rpc, session, type Answer } from './raw.ts'

let theHouse: TestHouse
before(async () => {
  theHouse = await openTestHouse({
    servers: { peer: overStdio('oldPeer'), old: overStdio('old'), new: overStdio('new') },
  })
})
after(async () => {
  await theHouse[Symbol.asyncDispose]()
  assert.deepEqual(uncaught, [])
})

const base64 = (text: string): string => `=?base64?${Buffer.from(text).toString('base64')}?=`
const echo = (headers: OutgoingHttpHeaders): Promise<Answer> =>
  ask(theHouse.at('peer'), modern('tools/call', { params: { name: 'echo' }, headers }))

describe('Mcp-Method and Mcp-Name', () => {
  for (const [says, headers] of [
    ['whatever the case of the names', { 'mcp-name': undefined, 'MCP-NAME': 'echo' }],
    [
      'with white space around the values',
      { 'mcp-name': ' \techo  ', 'mcp-method': ' tools/call ' },
    ],
    ['in base64', { 'mcp-name': base64('echo') }],
  ] as const) {
    it(`are taken ${says}`, async () => {
      // H-031, H-033
      const { status, json } = await echo(headers)
      assert.equal(status, 200, JSON.stringify(json))
    })
  }

  for (const [says, headers] of [
    ['a method in other case', { 'mcp-method': 'TOOLS/CALL' }],
    ['a name in other case', { 'mcp-name': 'Echo' }],
    ['no name', { 'mcp-name': undefined }],
    ['an empty name', { 'mcp-name': '' }],
    ['another name', { 'mcp-name': 'write' }],
    ['the name twice', { 'mcp-name': ['echo', 'echo'] }],
    ['the method twice', { 'mcp-method': ['tools/call', 'tools/call'] }],
    ['the version twice', { 'mcp-protocol-version': [MODERN, MODERN] }],
    ['base64 without padding', { 'mcp-name': '=?base64?ZWNobw?=' }],
    ['base64 of another alphabet', { 'mcp-name': '=?base64?__-_?=' }],
    ['base64 that is not UTF-8', { 'mcp-name': '=?base64?/w==?=' }],
    ['a marker in other case, which is plain text', { 'mcp-name': '=?BASE64?ZWNobw==?=' }],
    ['a marker without its end, which is plain text', { 'mcp-name': '=?base64?ZWNobw==' }],
  ] as const) {
    it(`are refused with ${says}: 400 -32020, nothing called`, async () => {
      // H-029, H-031, H-033, H-035, AM-33
      const earlier = (await theHouse.entries()).length
      const { status, json } = await echo(headers as OutgoingHttpHeaders)
      assert.deepEqual([status, json?.error?.code, json?.id], [400, -32020, 1])
      assert.equal((await theHouse.entries()).length, earlier)
    })
  }

  it('are refused with raw bytes above ASCII, which arrive as latin1', async () => {
    // H-035
    const { body = '', headers = {} } = modern('tools/call', {
      params: { name: 'ec\u00e9' },
      headers: { 'mcp-name': undefined, connection: 'close', host: 'localhost' },
    })
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`)
    const head = `POST /mcp/peer HTTP/1.1\r\n${lines.join('\r\n')}\r\nmcp-name: ec\u00e9\r\n`
    const sent = `${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n`
    const said = await bytes(theHouse.port, Buffer.concat([Buffer.from(sent), Buffer.from(body)]))
    assert.match(said, /^HTTP\/1\.1 400 [^]*-32020/)
  })

  it('carry any name that JSON can say', async () => {
    // H-032, H-036: an unknown name is refused by the registry, not by the header check.
    for (const name of [
      'héllo wörld',
      ' padded ',
      'a\tb',
      '=?base64?x?=',
      '日本語',
      'x'.repeat(20_000),
    ]) {
      const asked = modern('tools/call', {
        params: { name },
        headers: { 'mcp-name': encodeHeaderValue(name) },
      })
      const { status, json } = await ask(theHouse.at('peer'), asked)
      assert.deepEqual([status, json.error.code], [200, -32602], name.slice(0, 20)) // F-012
    }
  })

  it('repeat the URI of a resource', async () => {
    const read = (uri: string, name: string): Promise<Answer> =>
      ask(
        theHouse.at('peer'),
        modern('resources/read', { params: { uri }, headers: { 'mcp-name': name } }),
      )
    assert.equal((await read('peer://doc', 'peer://doc')).status, 200) // H-028
    assert.equal((await read('peer://doc', 'peer://other')).json.error.code, -32020)
  })

  it('are not minded on the legacy path', async () => {
    // H-014, AM-02
    const headers = await session(theHouse.at('peer'))
    const more = { ...headers, 'mcp-method': 'nonsense', 'mcp-name': 'nonsense' }
    const { status } = await ask(theHouse.at('peer'), legacy(rpc('ping'), more))
    assert.equal(status, 200)
  })
})

describe('Mcp-Param headers', () => {
  for (const view of ['old', 'new']) {
    const call = (args: object, headers: OutgoingHttpHeaders): Promise<Answer> =>
      ask(
        theHouse.at(view),
        modern('tools/call', { params: { name: 'test_x_mcp_header', arguments: args }, headers }),
      )
    const region = { 'mcp-param-region': 'eu' }

    it(`must equal the arguments they mirror, in front of ${view}`, async () => {
      // F-023, F-026, H-033
      const { status, json } = await call({ region: 'eu' }, region)
      assert.deepEqual([status, json.result.content[0].text], [200, 'region="eu"'])
      const encoded = await call({ region: 'über' }, { 'mcp-param-region': base64('über') })
      assert.equal(encoded.json.result.content[0].text, 'region="über"')
      for (const headers of [{}, { 'mcp-param-region': 'us' }, { 'mcp-param-region': 'EU' }]) {
        const refused = await call({ region: 'eu' }, headers)
        assert.deepEqual([refused.status, refused.json.error.code], [400, -32020])
      }
    })

    it(`are ignored where nothing is mirrored, in front of ${view}`, async () => {
      // F-022, F-023, H-037
      for (const args of [{}, { region: null }]) {
        assert.equal((await call(args, region)).status, 200, JSON.stringify(args))
      }
      const unknown = await call({ region: 'eu' }, { ...region, 'mcp-param-stranger': 'x' })
      assert.equal(unknown.status, 200)
    })

    it(`are not asked of legacy clients, in front of ${view}`, async () => {
      const headers = await session(theHouse.at(view))
      const params = { name: 'test_x_mcp_header', arguments: { region: 'eu' } }
      const { json } = await ask(theHouse.at(view), legacy(rpc('tools/call', params), headers))
      assert.equal(json.result.content[0].text, 'region="eu"')
    })
  }
})

describe('content negotiation', () => {
  it('takes JSON with parameters and in any case, and nothing else', async () => {
    // H-026
    const types: readonly (readonly [string | undefined, number])[] = [
      ['application/json; charset=utf-8', 200],
      ['Application/JSON', 200],
      ['text/plain', 415],
      ['application/json-seq', 415],
      ['application/jsonx', 415],
      ['x', 415],
      [undefined, 415],
    ]
    for (const [type, status] of types) {
      const headers = { 'content-type': type }
      const answer = await ask(theHouse.at('peer'), modern('server/discover', { headers }))
      assert.equal(answer.status, status, type)
    }
  })

  it('gives a modern client JSON when it takes only that, and 406 when it takes neither', async () => {
    // H-025, AM-32, H-043
    const call = (accept: string | undefined): Promise<Answer> =>
      ask(
        theHouse.at('peer'),
        modern('tools/call', { params: { name: 'steps' }, headers: { accept } }),
      )
    for (const accept of ['application/json', undefined, '*/*', 'text/event-stream', BOTH]) {
      const { status, headers } = await call(accept)
      assert.equal(status, 200)
      assert.match(String(headers['content-type']), /json|event-stream/)
      if (accept === 'application/json') assert.match(String(headers['content-type']), /json/)
    }
    const { status, json } = await call('text/html')
    assert.equal(status, 406)
    assert.ok(!/^-320[2-9]/.test(String(json.error.code)))
  })

  it('gives a legacy client 406 unless it takes both', async () => {
    // H-025
    const headers = await session(theHouse.at('peer'))
    for (const accept of ['application/json', 'text/event-stream', 'text/html']) {
      const answer = await ask(theHouse.at('peer'), legacy(rpc('ping'), { ...headers, accept }))
      assert.equal(answer.status, 406, accept)
    }
    const any = await ask(theHouse.at('peer'), legacy(rpc('ping'), { ...headers, accept: '*/*' }))
    assert.equal(any.status, 200)
  })

  it('streams without event ids, unbuffered, and ends with the one answer', async () => {
    // H-044, H-045, H-046, H-048, H-049, P-004
    const meta = { ...JSON.parse(String(modern('x').body)).params._meta, progressToken: 0 }
    const asked = modern('tools/call', { params: { name: 'steps' }, meta })
    const { headers, events, text } = await ask(theHouse.at('peer'), asked)
    assert.equal(headers['x-accel-buffering'], 'no')
    assert.equal(headers['cache-control'], 'no-cache, no-transform')
    assert.ok(!/^(?:id|retry):/m.test(text))
    const progress = events.slice(0, -1).map(({ data }) => data.params)
    assert.deepEqual(
      progress.map((one) => one.progressToken),
      [0, 0, 0],
    )
    assert.equal(events.at(-1)?.data.result.content[0].text, 'three steps')
  })
})
