// What clients are told beside yes and no: nonces, names of scopes, extensions, and what is their own.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ask, envelope, modern, type Answer } from '../stories/raw.ts'
import { makeKey, startIssuer, type FakeIssuer } from './fake-issuer.ts'
import {
  bearer,
  calling,
  challenged,
  listing,
  openGuarded,
  proofMaker,
  scopesIn,
  send,
} from './guarded-house.ts'

let issuer: FakeIssuer
let other: FakeIssuer
before(async () => {
  ;[issuer, other] = await Promise.all([startIssuer(), startIssuer()])
})
after(async () => {
  for (const one of [issuer, other]) await one[Symbol.asyncDispose]()
})

describe('a client that proves its key with our nonces', () => {
  it('is given a fresh one with each answer, and is never refused again', async () => {
    // DP5b
    const auth = { issuers: [{ issuer: issuer.issuer }], dpopNonces: true }
    await using house = await openGuarded({ auth })
    const maker = proofMaker(await makeKey(), house.audience('peer'))
    const cnf = { jkt: await maker.jkt() }
    const token = await issuer.mint({ claims: { aud: house.audience('peer'), cnf } })
    const show = async (nonce?: string): Promise<Answer> => {
      const dpop = await maker.prove({ token, claims: { nonce } })
      return send(house, listing({ authorization: `DPoP ${token}`, dpop }))
    }
    let answer = await show()
    const seen = new Set<string>()
    for (let round = 0; round < 4; round++) {
      const nonce = String(answer.headers['dpop-nonce'])
      seen.add(nonce)
      answer = await show(nonce)
      assert.equal(answer.status, 200)
    }
    assert.equal(seen.size, 4)
    const free = await issuer.mint({ claims: { aud: house.audience('peer') } })
    const plain = await send(house, listing(bearer(free)))
    assert.equal(plain.headers['dpop-nonce'], undefined)
  })

  it('is given none where none is asked for', async () => {
    await using house = await openGuarded({ auth: { issuers: [{ issuer: issuer.issuer }] } })
    const maker = proofMaker(await makeKey(), house.audience('peer'))
    const cnf = { jkt: await maker.jkt() }
    const token = await issuer.mint({ claims: { aud: house.audience('peer'), cnf } })
    const dpop = await maker.prove({ token })
    const answer = await send(house, listing({ authorization: `DPoP ${token}`, dpop }))
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['dpop-nonce'], undefined)
  })
})

describe('an issuer whose scopes have a prefix', () => {
  it('is asked for them with it, and its tokens are read with it or without', async () => {
    // RS3, RS13
    const prefix = 'api://0a1b/'
    const auth = {
      issuers: [{ issuer: issuer.issuer, scopePrefix: prefix }, { issuer: other.issuer }],
    }
    await using house = await openGuarded({ auth })
    const path = '/.well-known/oauth-protected-resource/mcp/peer'
    const { json } = await ask(new URL(path, house.at()), { method: 'GET' })
    assert.deepEqual(json.scopes_supported, [`${prefix}mcp:discover`, `${prefix}peer:read`])
    assert.deepEqual(scopesIn(await send(house, listing())), [`${prefix}mcp:discover`])
    const calls = async (by: FakeIssuer, scope: string): Promise<Answer> => {
      const token = await by.mint({ claims: { aud: house.audience('peer'), scope } })
      return send(house, calling('echo', bearer(token)))
    }
    for (const scope of ['mcp:discover', `${prefix}mcp:discover`]) {
      const answer = await calls(issuer, scope)
      assert.deepEqual(scopesIn(answer), [`${prefix}tool:peer.echo`])
    }
    for (const scope of ['tool:peer.echo', `${prefix}tool:peer.echo`]) {
      assert.equal((await calls(issuer, scope)).status, 200)
    }
    // What another issuer calls its scopes is its own affair.
    assert.deepEqual(scopesIn(await calls(other, 'mcp:discover')), ['tool:peer.echo'])
    assert.equal((await calls(other, `${prefix}tool:peer.echo`)).status, 403)
  })
})

describe('server/discover', () => {
  const extensionsOf = async (auth: object): Promise<readonly string[]> => {
    await using house = await openGuarded({
      auth: { issuers: [{ issuer: issuer.issuer }], ...auth },
    })
    const token = await issuer.mint({ claims: { aud: house.audience('peer') } })
    const { json } = await send(house, modern('server/discover', { headers: bearer(token) }))
    return Object.keys(json.result.capabilities.extensions)
  }
  const TASKS = 'io.modelcontextprotocol/tasks'

  it('declares the ways to a token that are our own, and those of nobody else', async () => {
    // RS29
    assert.deepEqual(await extensionsOf({}), [TASKS])
    const embedded = await extensionsOf({ embedded: {} })
    assert.deepEqual(embedded, [TASKS, 'io.modelcontextprotocol/oauth-client-credentials'])
  })
})

describe('with no more than mcp:discover', () => {
  it('somebody follows what is their own, and nothing of anybody else', async () => {
    // RS24, RS25
    await using house = await openGuarded({
      tasks: { after: '200 ms' },
      auth: { issuers: [{ issuer: issuer.issuer }] },
    })
    const tokenOf = (sub: string, scope = 'mcp:discover'): Promise<string> =>
      issuer.mint({ claims: { aud: house.audience('peer'), sub, scope } })
    const meta = envelope({}, { extensions: { 'io.modelcontextprotocol/tasks': {} } })
    const headers = bearer(await tokenOf('ada', 'peer:admin'))
    const slow = modern('tools/call', { params: { name: 'wait', arguments: {} }, meta, headers })
    const { json } = await send(house, slow)
    const taskId: string = json.result.taskId
    const about = async (method: string, sub: string): Promise<Answer> =>
      send(house, modern(method, { params: { taskId }, meta, headers: bearer(await tokenOf(sub)) }))
    const own = async (tool: string, sub: string, args: object): Promise<Answer> => {
      const params = { name: tool, arguments: args }
      return send(house, modern('tools/call', { params, headers: bearer(await tokenOf(sub)) }))
    }
    assert.equal((await about('tasks/get', 'ada')).json.result.status, 'working')
    assert.equal((await about('tasks/get', 'eve')).json.error.code, -32602)
    assert.match(JSON.stringify((await own('countersign_pending', 'ada', {})).json), /wait/)
    const nothing = await own('countersign_pending', 'eve', {})
    assert.match(nothing.json.result.content[0].text, /No request of yours/)
    const theirs = await own('countersign_cancel', 'eve', { id: taskId })
    assert.equal(challenged(theirs), '')
    assert.equal(theirs.json.result.isError, true)
    assert.equal((await about('tasks/cancel', 'ada')).status, 200)
  })
})
