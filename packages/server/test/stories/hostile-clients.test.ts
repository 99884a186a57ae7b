// Clients that misbehave, and clients that merely do what real ones do: each gets what the
// specification names, and the next one is served.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request as open } from 'node:http'
import { connect } from 'node:net'
import { after, afterEach, before, describe, it } from 'node:test'
import { makeFolder, openTestHouse, overStdio, uncaught, until, type TestHouse } from './house.ts'
import { ask, begin, BOTH, bytes, envelope, legacy, modern, MODERN, rpc, session } from './raw.ts'

const BODY_MAX = 65_536
let theHouse: TestHouse
before(async () => {
  theHouse = await openTestHouse({
    servers: { peer: overStdio('oldPeer'), new: overStdio('newPeer') },
    limits: { bodyBytesMax: BODY_MAX, headerBytesMax: 16_384, requestReadMs: 1_000 },
  })
  await ask(theHouse.at(), modern('tools/list'))
})
after(async () => {
  await theHouse[Symbol.asyncDispose]()
  assert.deepEqual(uncaught, [])
})
afterEach(async () => {
  const { json } = await ask(
    theHouse.at('peer'),
    modern('tools/call', { params: { name: 'echo' } }),
  )
  assert.equal(json.result.content[0].text, '{}')
})

const post = (body: string | Buffer): Promise<Awaited<ReturnType<typeof ask>>> =>
  ask(theHouse.at('peer'), { headers: { 'content-type': 'application/json', accept: BOTH }, body })
const HEAD = 'POST /mcp/peer HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n'

describe('a body', () => {
  it('over the limit is refused: declared, and in chunks', async () => {
    // §1.5: 413
    const declared = await bytes(theHouse.port, `${HEAD}content-length: ${BODY_MAX + 1}\r\n\r\n{`)
    assert.match(declared, /^HTTP\/1\.1 413 /)
    const chunk = `4000\r\n${' '.repeat(0x4000)}\r\n`
    const chunked = await bytes(
      theHouse.port,
      `${HEAD}transfer-encoding: chunked\r\n\r\n${chunk.repeat(5)}`,
    )
    assert.match(chunked, /^HTTP\/1\.1 413 /)
    const fits = JSON.stringify(rpc('server/discover', { _meta: envelope() })).padEnd(BODY_MAX)
    assert.equal((await post(fits)).json.error.code, -32020) // Only the headers are missing.
  })

  it('nested 100,000 deep is refused before it is parsed', async () => {
    const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`
    for (const body of [deep, `{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":${deep}}}`]) {
      const { status, json } = await post(body)
      assert.deepEqual([status, json.error.code], [400, -32600])
    }
    // Brackets in a text are no depth.
    const asked = modern('tools/call', {
      params: { name: 'echo', arguments: { a: '['.repeat(5_000) } },
    })
    assert.equal((await ask(theHouse.at('peer'), asked)).status, 200)
  })

  it('that is not UTF-8 is a parse error', async () => {
    const bad = Buffer.concat([
      Buffer.from('{"jsonrpc":"2.0","id":1,"method":"'),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('"}'),
    ])
    const { status, json } = await post(bad)
    assert.deepEqual([status, json.error.code, 'id' in json], [400, -32700, false])
  })

  it('that never comes whole is given up after its time: 408', { timeout: 20_000 }, async () => {
    const begun = `${HEAD}content-length: 100\r\n\r\n{"json`
    assert.match(await bytes(theHouse.port, begun), /^HTTP\/1\.1 408 /)
    assert.match(await bytes(theHouse.port, 'POST /mcp HTTP/1.1\r\nhost: lo'), /^HTTP\/1\.1 408 /)
  })

  it('with numbers that no double holds is refused by name, not by a bug', async () => {
    const { body = '', ...head } = modern('tools/call', {
      params: { name: 'echo', arguments: { a: 'N' } },
    })
    const { json } = await ask(theHouse.at('peer'), {
      ...head,
      body: String(body).replace('"N"', '1e999'),
    })
    assert.equal(json.error.code, -32602)
  })

  it('with prototype names anywhere is only data', async () => {
    // H-015
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
    for (const name of names) {
      const tool = await ask(theHouse.at('peer'), modern('tools/call', { params: { name } }))
      assert.equal(tool.json.error.code, -32602)
      const method = await ask(theHouse.at('peer'), modern(name))
      assert.deepEqual([method.status, method.json.error.code], [404, -32601])
      for (const path of [`/mcp/${name}`, `/${name}`, `/admin/${name}`]) {
        const answer = await ask(new URL(path, theHouse.at()), modern('server/discover'))
        assert.equal(answer.status, 404, path)
      }
    }
    const { body = '', ...head } = modern('tools/call', { params: { name: 'echo', arguments: {} } })
    const polluting = String(body)
      .replace('"arguments":{}', '"arguments":{"__proto__":{"polluted":true},"constructor":1}')
      .replace('"_meta":{', '"_meta":{"__proto__":{"polluted":true},"toString":1,')
    const { json } = await ask(theHouse.at('peer'), { ...head, body: polluting })
    // The peer's own SDK drops the first of them.
    assert.equal(json.result.content[0].text, '{"constructor":1}')
    assert.ok(!('polluted' in {}))
  })
})

describe('a connection', () => {
  it('with more headers than fit gets 431', async () => {
    // H-036
    const sent = `${HEAD}mcp-param-x: ${'x'.repeat(20_000)}\r\n\r\n`
    assert.match(await bytes(theHouse.port, sent), /^HTTP\/1\.1 431 /)
  })

  it('that speaks no HTTP is let go', async () => {
    for (const said of [
      '\0\0\0\0\r\n\r\n',
      'GET\r\n\r\n',
      '{"jsonrpc":"2.0"}\n\n',
      'PRI * HTTP/2.0\r\n\r\n',
    ]) {
      assert.match(await bytes(theHouse.port, said), /^(?:HTTP\/1\.1 4\d\d |$)/)
    }
  })

  it('that breaks in the middle of a modern call cancels it at the server', async () => {
    // H-050, H-051
    const asked = modern('tools/call', {
      params: { name: 'wait_write' },
      meta: envelope({ progressToken: 1 }),
    })
    const stream = await begin(theHouse.at('new'), asked)
    await stream.event(({ method }) => method === 'notifications/progress')
    stream.drop()
    await until('the server sees it', async () => {
      const { json } = await ask(
        theHouse.at('new'),
        modern('tools/call', { params: { name: 'seen' } }),
      )
      return json.result.content[0].text.includes('cancelled')
    })
    await until('the ledger has it', async () =>
      (await theHouse.entries()).some(({ body }) => body['reason'] === 'call/abandoned'),
    )
  })

  it('that breaks in the middle of a legacy call cancels nothing', async () => {
    // H-071, Q-010
    const mine = await session(theHouse.at('peer'), '2025-11-25', { elicitation: {} })
    const asked = rpc('tools/call', { name: 'ask_form' }, 7)
    const stream = await begin(theHouse.at('peer'), legacy(asked, mine))
    const question = await stream.event(({ method }) => method === 'elicitation/create')
    stream.drop()
    await stream.ended
    const said = { jsonrpc: '2.0', id: question.data.id, result: { action: 'decline' } }
    await ask(theHouse.at('peer'), legacy(said, mine))
    const rest = await begin(theHouse.at('peer'), {
      method: 'GET',
      headers: { ...mine, accept: BOTH, 'last-event-id': String(question.id) },
    })
    assert.equal((await rest.event(({ id }) => id === 7)).data.result.isError, undefined)
  })
})

describe('a caller', () => {
  const discover = (headers: object): Promise<Awaited<ReturnType<typeof ask>>> =>
    ask(theHouse.at('peer'), modern('server/discover', { headers: { ...headers } }))

  it('under a foreign Host or Origin is turned away: 403 without an id', async () => {
    // H-021, H-022, H-023
    const own = `localhost:${theHouse.port}`
    for (const headers of [
      { host: 'evil.example' },
      { host: `evil.example:${theHouse.port}` },
      { host: '169.254.169.254' },
      { host: own, origin: 'http://evil.example' },
      { host: own, origin: 'null' },
      { host: own, origin: 'file://' },
      { host: own, origin: `http://${own}.evil.example` },
      { host: own, origin: `http://evil.example#${own}` },
      { host: own, origin: 'http://localhost@evil.example' },
    ]) {
      const { status, json } = await discover(headers)
      assert.ok(status === 403 || status === 400, JSON.stringify(headers))
      assert.ok(json === undefined || !('id' in json))
    }
    const nobody = 'POST /mcp HTTP/1.1\r\nhost: \r\nconnection: close\r\ncontent-length: 0\r\n\r\n'
    assert.match(await bytes(theHouse.port, nobody), /^HTTP\/1\.1 40[03] /)
    for (const headers of [
      { host: own, origin: `http://${own}` },
      { host: `127.0.0.1:${theHouse.port}`, origin: 'http://127.0.0.1:1' },
      { host: `[::1]:${theHouse.port}` },
    ]) {
      assert.equal((await discover(headers)).status, 200, JSON.stringify(headers))
    }
  })

  it('of an accepted origin passes its preflight without authentication', async () => {
    // H-039
    const origin = `http://localhost:${theHouse.port}`
    const asked = {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    }
    const { status, headers } = await ask(theHouse.at('peer'), asked)
    assert.equal(status, 204)
    assert.equal(headers['access-control-allow-origin'], origin)
    for (const name of [
      'mcp-session-id',
      'mcp-method',
      'mcp-name',
      'last-event-id',
      'authorization',
    ]) {
      assert.ok(headers['access-control-allow-headers']?.includes(name), name)
    }
    assert.match(String(headers['access-control-expose-headers']), /mcp-session-id/i)
    const foreign = { method: 'OPTIONS', headers: { origin: 'http://evil.example' } }
    assert.equal((await ask(theHouse.at('peer'), foreign)).status, 403)
  })

  it('of an unknown path gets 404, and the health of the process without a Host', async () => {
    for (const path of [
      '/',
      '/mcp/nobody',
      '/mcp/peer/x',
      '/mcp/../admin',
      '/MCP',
      '/sse',
      '/.well-known/oauth-authorization-server',
      '/register',
      '/mcp/%00',
    ]) {
      const { status } = await ask(new URL(path, theHouse.at()), modern('server/discover'))
      assert.equal(status, 404, path)
    }
    for (const path of ['/healthz', '/readyz']) {
      const { status, text } = await ask(new URL(path, theHouse.at()), {
        method: 'GET',
        headers: { host: 'x' },
      })
      assert.deepEqual([status, text], [200, 'ok\n'])
    }
  })

  it('of the admin API needs its token', async () => {
    for (const path of ['/admin/servers', '/admin/tools', '/admin/entries']) {
      for (const authorization of [undefined, 'Bearer ', 'Bearer x', 'Basic x']) {
        const headers = authorization === undefined ? {} : { authorization }
        const { status } = await ask(new URL(path, theHouse.at()), { method: 'GET', headers })
        assert.ok(status === 401 || status === 404, `${path} ${status}`)
      }
    }
  })
})

describe('what real clients do', () => {
  it('Codex looks with an unauthenticated GET first, and is told to POST', async () => {
    //
    for (const headers of [
      {},
      { accept: 'text/event-stream' },
      { accept: 'text/event-stream', 'mcp-protocol-version': '2025-06-18' },
    ]) {
      const { status } = await ask(theHouse.at('peer'), { method: 'GET', headers })
      assert.equal(status, 405)
    }
  })

  it('opencode cancels every call after it has succeeded', async () => {
    // P-010
    const mine = await session(theHouse.at('peer'))
    for (let id = 1; id <= 3; id++) {
      const called = await ask(
        theHouse.at('peer'),
        legacy(rpc('tools/call', { name: 'echo' }, id), mine),
      )
      assert.equal(called.json.result.content[0].text, '{}')
      const late = {
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { requestId: id, reason: 'AbortError' },
      }
      assert.equal((await ask(theHouse.at('peer'), legacy(late, mine))).status, 202)
    }
    assert.equal((await theHouse.entries()).at(-1)?.body['outcome'], 'answered')
  })

  it('Gemini adds an argument to every call, which the server never sees', async () => {
    const params = { name: 'echo', arguments: { a: 1, wait_for_previous: true } }
    const { json } = await ask(theHouse.at('peer'), modern('tools/call', { params }))
    assert.equal(json.result.content[0].text, '{"a":1}')
    const digests = (await theHouse.entries()).filter(({ body }) => body['name'] === 'echo')
    const plain = await ask(
      theHouse.at('peer'),
      modern('tools/call', { params: { name: 'echo', arguments: { a: 1 } } }),
    )
    assert.equal(plain.status, 200)
    assert.equal(
      digests.at(-1)?.body['arguments'],
      (await theHouse.entries()).findLast(({ body }) => body['name'] === 'echo')?.body['arguments'],
    )
  })

  it('the v2 SDK probes with a text for an id, and legacy clients never see a probe', async () => {
    //
    const asked = modern('server/discover', { id: 'server-discover-probe-0' })
    const { json } = await ask(theHouse.at('peer'), asked)
    assert.equal(json.id, 'server-discover-probe-0')
  })

  it('vendor metadata reaches the server, and reserved metadata does not', async () => {
    // V-043, V-044, V-046, V-047
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const meta = envelope({
      'claudecode/toolUseId': 'x',
      callId: 'y',
      traceparent,
      'com.mcp.x/y': 1,
    })
    const { json } = await ask(
      theHouse.at('peer'),
      modern('tools/call', { params: { name: 'meta' }, meta }),
    )
    const got = JSON.parse(json.result.content[0].text)
    assert.deepEqual(got, { 'claudecode/toolUseId': 'x', callId: 'y', traceparent })
  })
})

describe('a house that closes', () => {
  it('does not wait for connections on which nothing happens', { timeout: 30_000 }, async () => {
    using folder = makeFolder()
    const plan = {
      servers: { peer: overStdio('oldPeer') },
      data: folder.path,
      limits: { closeMs: 600_000 },
    }
    const closing = await openTestHouse(plan)
    const agent = new Agent({ keepAlive: true })
    const { headers = {}, body } = modern('subscriptions/listen', {
      params: { notifications: { toolsListChanged: true } },
    })
    const told = new Promise<void>((resolve) => {
      const sent = open(closing.at('peer'), { method: 'POST', headers, agent }, (response) => {
        response.once('data', () => resolve()).on('error', () => undefined)
      })
      sent.end(body)
    })
    await told
    // Browsers and pools open connections ahead of need, and say nothing on them.
    const silent = connect(closing.port, '127.0.0.1').on('error', () => undefined)
    await once(silent, 'connect')
    await closing[Symbol.asyncDispose]()
    agent.destroy()
    silent.destroy()
  })

  it('lets calls under way finish', { timeout: 30_000 }, async () => {
    await using closing = await openTestHouse({ servers: { peer: overStdio('oldPeer') } })
    const mine = await session(closing.at('peer'), '2025-11-25', { elicitation: {} })
    const asked = rpc('tools/call', { name: 'ask_form' }, 'mine')
    const stream = await begin(closing.at('peer'), legacy(asked, mine))
    const question = await stream.event(({ method }) => method === 'elicitation/create')
    closing.house.gateway.drain()
    const said = { jsonrpc: '2.0', id: question.data.id, result: { action: 'decline' } }
    await ask(closing.at('peer'), legacy(said, mine))
    const { data } = await stream.event(({ id }) => id === 'mine')
    assert.match(data.result.content[0].text, /decline/)
  })
})

describe('the version header alone', () => {
  it('decides nothing', async () => {
    // H-003, H-010
    const { status } = await ask(
      theHouse.at('peer'),
      legacy(rpc('tools/list'), { 'mcp-protocol-version': MODERN }),
    )
    assert.equal(status, 400)
  })
})
