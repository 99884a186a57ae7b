// Sessions of the older era behind an issuer: a session is a name, and no proof of anything.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { BOTH, envelope, legacy, modern, rpc, type Ask } from '../stories/raw.ts'
import { startIssuer, type FakeIssuer } from './fake-issuer.ts'
import { bearer, isShort, openGuarded, scopesIn, send, type GuardedHouse } from './guarded-house.ts'

let issuer: FakeIssuer
let another: FakeIssuer
let house: GuardedHouse
before(async () => {
  issuer = await startIssuer()
  another = await startIssuer()
  const issuers = [{ issuer: issuer.issuer }, { issuer: another.issuer }]
  house = await openGuarded({ auth: { issuers } })
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await issuer[Symbol.asyncDispose]()
  await another[Symbol.asyncDispose]()
})

const tokenFor = (scope: string, by = issuer, sub = 'ada'): Promise<string> =>
  by.mint({ claims: { aud: house.audience('peer'), scope, sub } })

describe('a session of 2025-11-25', () => {
  const sessionFor = async (token: string, name = 'story') => {
    const clientInfo = { name, version: '0' }
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
    const answer = await send(house, legacy(rpc('initialize', params), bearer(token)))
    return { answer, id: String(answer.headers['mcp-session-id']) }
  }
  const inSession = (id: string, token: string) => ({
    ...bearer(token),
    'mcp-session-id': id,
    'mcp-protocol-version': '2025-11-25',
  })
  const echo = rpc('tools/call', { name: 'echo', arguments: {} })

  it('is told what it has and what it needs, since its client asks for nothing else', async () => {
    // RS14b, CO6
    // RS14
    const token = await tokenFor('openid mcp:discover tool:peer.seen other-one:read')
    const { id } = await sessionFor(token)
    const answer = await send(house, legacy(echo, inSession(id, token)))
    assert.equal(answer.status, 403)
    assert.deepEqual(scopesIn(answer), ['mcp:discover', 'tool:peer.seen', 'tool:peer.echo'])
    const more = await tokenFor('mcp:discover tool:peer.echo')
    assert.equal((await send(house, legacy(echo, inSession(id, more)))).status, 200)
  })

  it('needs a token on each request, and one of whoever began it', async () => {
    // RS10, RS19
    const token = await tokenFor('peer:read')
    const { id } = await sessionFor(token)
    const { authorization: _none, ...without } = inSession(id, token)
    const theirs = await tokenFor('peer:read', issuer, 'eve')
    const sameSubject = await tokenFor('peer:read', another)
    for (const method of ['POST', 'GET', 'DELETE']) {
      const asked = (headers: object): Ask => ({
        ...legacy(echo, headers as never),
        method,
        ...(method === 'POST' ? {} : { body: '' }),
        headers: {
          accept: method === 'GET' ? 'text/event-stream' : BOTH,
          'content-type': 'application/json',
          ...headers,
        },
      })
      assert.equal((await send(house, asked(without))).status, 401, method)
      assert.equal((await send(house, asked(inSession(id, theirs)))).status, 404, method)
      assert.equal((await send(house, asked(inSession(id, sameSubject)))).status, 404, method)
    }
    assert.equal((await send(house, legacy(echo, inSession(id, token)))).status, 200)
  })

  it('is not begun without a scope of ours', async () => {
    isShort((await sessionFor(await tokenFor('openid'))).answer, 'mcp:discover')
  })

  it('does nothing of a batch of which one part is out of reach', async () => {
    const token = await tokenFor('peer:read')
    const params = { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: {} }
    const begun = await send(house, legacy(rpc('initialize', params), bearer(token)))
    const headers = { ...bearer(token), 'mcp-session-id': String(begun.headers['mcp-session-id']) }
    const write = rpc('tools/call', { name: 'write', arguments: {} }, 2)
    const batch = JSON.stringify([echo, write])
    assert.equal((await send(house, legacy(batch, headers))).status, 403)
  })

  it('of a client that cannot read a 403 is told in words', async () => {
    const token = await tokenFor('mcp:discover')
    for (const name of ['codex-mcp-client', 'opencode', 'gemini-cli-mcp-client']) {
      const { id } = await sessionFor(token, name)
      const answer = await send(house, legacy(echo, inSession(id, token)))
      assert.equal(answer.status, 200)
      const { isError, content } = answer.json.result
      assert.equal(isError, true)
      assert.match(
        content[0].text,
        /^More permission is needed: tool:peer\.echo\. Nothing was executed\./,
      )
    }
    const meta = envelope({ 'io.modelcontextprotocol/clientInfo': { name: 'opencode' } })
    const asked = modern('tools/call', { params: { name: 'echo' }, meta, headers: bearer(token) })
    assert.equal((await send(house, asked)).json.result.isError, true)
  })
})
