// What belongs to whom, what is written down of them, and what nobody else gets to see.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { until } from '../stories/house.ts'
import { begin, envelope, legacy, modern, rpc, type Ask } from '../stories/raw.ts'
import { seconds, startIssuer, type FakeIssuer } from './fake-issuer.ts'
import { bearer, calling, openGuarded, send, type GuardedHouse } from './guarded-house.ts'

let issuer: FakeIssuer
let house: GuardedHouse
before(async () => {
  issuer = await startIssuer()
  house = await openGuarded({
    tasks: { after: '200 ms' },
    auth: { issuers: [{ issuer: issuer.issuer }] },
  })
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await issuer[Symbol.asyncDispose]()
})

const tokenFor = (scope: string, sub = 'ada'): Promise<string> =>
  issuer.mint({ claims: { aud: house.audience('peer'), scope, sub } })

describe('a task', () => {
  const slow = (token: string): Ask =>
    modern('tools/call', {
      params: { name: 'wait', arguments: {} },
      meta: envelope({}, { extensions: { 'io.modelcontextprotocol/tasks': {} } }),
      headers: bearer(token),
    })
  const about = (method: string, taskId: string, token: string): Ask =>
    modern(method, {
      params: { taskId },
      meta: envelope({}, { extensions: { 'io.modelcontextprotocol/tasks': {} } }),
      headers: bearer(token),
    })

  it('is its principal’s own', async () => {
    // RS20, RS24, RS25
    const token = await tokenFor('peer:admin')
    const { json } = await send(house, slow(token))
    const id: string = json.result.taskId
    assert.equal(json.result.resultType, 'task')
    assert.equal((await send(house, about('tasks/get', id, token))).status, 200)
    const theirs = await tokenFor('peer:admin', 'eve')
    for (const method of ['tasks/get', 'tasks/cancel', 'tasks/update']) {
      const { json: answer } = await send(house, about(method, id, theirs))
      assert.equal(answer.error.code, -32602, method)
    }
    await send(house, about('tasks/cancel', id, token))
    await until('the task is cancelled', async () => {
      const { json: now } = await send(house, about('tasks/get', id, token))
      return now.result.status === 'cancelled' ? true : undefined
    })
  })
})

describe('what is written down', () => {
  it('says under which authority a call was made, and holds no token', async () => {
    // RS26, GV5, GV6
    const claims = {
      aud: house.audience('peer'),
      scope: 'openid mcp:discover peer:write other-one:read',
      jti: 'token-7',
      act: { sub: 'robot', act: { sub: 'https://agent.example', iss: 'https://idp.example' } },
    }
    const token = await issuer.mint({ claims })
    assert.equal((await send(house, calling('write', bearer(token)))).status, 200)
    const entry = (await house.house.ledger.read({ last: 50 })).find(({ body }) => {
      const { authority } = body
      return JSON.stringify(authority ?? '').includes('token-7')
    })
    assert.deepEqual(entry?.body['authority'], {
      proof: 'bearer',
      token: 'token-7',
      scopes: ['mcp:discover', 'peer:write'],
      client: 'story',
      actors: [
        { subject: 'robot' },
        { subject: 'https://agent.example', issuer: 'https://idp.example' },
      ],
    })
    const { data } = house.house.config
    const stored = readdirSync(data, { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile())
      .map((one) => readFileSync(join(one.parentPath, one.name), 'latin1'))
    assert.ok(stored.some((text) => text.includes('token-7')))
    for (const part of token.split('.').slice(1)) {
      assert.ok(!stored.some((text) => text.includes(part)))
    }
  })
})

describe('a server', () => {
  it('never sees the token of a caller', async () => {
    // RS8
    const heard: string[] = []
    const server = createServer((request, response) => {
      heard.push(JSON.stringify(request.headers))
      response.writeHead(500).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const headers = { authorization: 'Bearer our-own' }
    const servers = { far: { url: `http://127.0.0.1:${port}/mcp`, headers } }
    try {
      await using behind = await openGuarded({
        servers,
        auth: { issuers: [{ issuer: issuer.issuer }] },
      })
      const token = await issuer.mint({
        claims: { aud: behind.audience('far'), scope: 'far:admin' },
      })
      await send(behind, calling('anything', bearer(token)), 'far')
      assert.ok(heard.length > 0)
      for (const one of heard) {
        assert.ok(one.includes('Bearer our-own'))
        assert.ok(!one.includes(token.slice(-40)))
      }
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })
})

describe('what a server says outside any call', () => {
  it('is heard by those who may read it, and nobody else', { timeout: 20_000 }, async () => {
    const args = [fileURLToPath(new URL('talkative.ts', import.meta.url))]
    await using loud = await openGuarded({
      servers: { peer: { command: process.execPath, args, start: 'eager' } },
      auth: { issuers: [{ issuer: issuer.issuer }] },
    })
    const listen = async (scope: string) => {
      const token = await issuer.mint({ claims: { aud: loud.audience('peer'), scope } })
      const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: {} }
      const begun = await send(loud, legacy(rpc('initialize', params), bearer(token)))
      const headers = {
        ...bearer(token),
        'mcp-session-id': String(begun.headers['mcp-session-id']),
        'mcp-protocol-version': '2025-11-25',
      }
      const level = await send(loud, legacy(rpc('logging/setLevel', { level: 'debug' }), headers))
      assert.equal(level.status, 200)
      const accept = { ...headers, accept: 'text/event-stream' }
      return begin(loud.at('peer'), { method: 'GET', headers: accept })
    }
    const outsider = await listen('mcp:discover')
    const reader = await listen('peer:read')
    await until('the reader heard it twice', () => (reader.events.length > 2 ? true : undefined))
    assert.match(JSON.stringify(reader.events), /only its readers/)
    assert.doesNotMatch(JSON.stringify(outsider.events), /only its readers/)
    outsider.drop()
    reader.drop()
  })
})

describe('a stream', () => {
  it('ends with the token behind it', { timeout: 20_000 }, async () => {
    // L-014
    const claims = { aud: house.audience('peer'), scope: 'mcp:discover', exp: seconds() + 2 }
    const token = await issuer.mint({ claims })
    const params = { notifications: { toolsListChanged: true } }
    const asked = modern('subscriptions/listen', { params, headers: bearer(token) })
    const stream = await begin(house.at('peer'), asked)
    await stream.event(({ method }) => /acknowledged/.test(method))
    await stream.ended
    assert.ok(stream.answer().json.result)
    assert.ok(Date.now() >= claims.exp * 1_000 - 50)
  })
})
