// Official clients that have never seen this gateway: they find out how, get in, and ask for more.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { DpopSession } from '@modelcontextprotocol/client'
import { startIssuer, type FakeIssuer } from './fake-issuer.ts'
import { openGuarded, type GuardedHouse } from './guarded-house.ts'
import { callAsking, comeIn, comeInOld, makeVisitor, type Browse } from './visitor.ts'

let issuer: FakeIssuer
let house: GuardedHouse
before(async () => {
  issuer = await startIssuer()
  house = await openGuarded({ auth: { issuers: [{ issuer: issuer.issuer }] } })
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await issuer[Symbol.asyncDispose]()
})

/** A browser that agrees to everything. */
const agree: Browse = async (url) => {
  const { headers } = await fetch(url, { redirect: 'manual' })
  return new URL(headers.get('location') ?? '')
}
const visit = (session?: DpopSession) =>
  makeVisitor({
    browse: agree,
    client: { client_id: 'story' },
    ...(session ? { session } : {}),
  })

for (const [era, mode] of [
  ['2025-11-25', 'legacy'],
  ['2026-07-28', 'auto'],
] as const) {
  describe(`an official client of ${era}`, () => {
    it('finds the way in, with the least that lets it, and asks once for each tool', async () => {
      // RS2, RS3, RS13, SC5
      issuer.authorized.length = 0
      const visitor = visit()
      const inside = await comeIn(visitor, mode, house.at('peer'))
      assert.equal(inside.client.getNegotiatedProtocolVersion(), era)
      assert.deepEqual(issuer.authorized, ['mcp:discover'])
      const { tools } = await inside.client.listTools()
      assert.ok(tools.some(({ name }) => name === 'write'))
      assert.match(await callAsking(visitor, inside, 'echo'), /\{\}/)
      await callAsking(visitor, inside, 'seen')
      assert.deepEqual(issuer.authorized.slice(0, 2), [
        'mcp:discover',
        'mcp:discover tool:peer.echo',
      ])
      assert.equal(issuer.authorized.length, 3)
      assert.deepEqual(
        new Set(issuer.authorized[2]?.split(' ')),
        new Set(['mcp:discover', 'tool:peer.echo', 'tool:peer.seen']),
      )
      assert.match(await callAsking(visitor, inside, 'echo'), /\{\}/)
      assert.equal(issuer.authorized.length, 3)
      await inside.client.close()
    })

    it('gets in with a token that is bound to its key', async () => {
      // DP2
      const visitor = visit(await DpopSession.create())
      const inside = await comeIn(visitor, mode, house.at('peer'))
      assert.equal(visitor.tokens()?.token_type, 'DPoP')
      assert.match(await callAsking(visitor, inside, 'echo'), /\{\}/)
      await inside.client.close()
    })

    it('repeats the nonce that it is given', async () => {
      // DP5b
      const auth = { issuers: [{ issuer: issuer.issuer, dpop: 'required' }], dpopNonces: true }
      await using strict = await openGuarded({ auth })
      const visitor = visit(await DpopSession.create())
      const inside = await comeIn(visitor, mode, strict.at('peer'))
      assert.match(await callAsking(visitor, inside, 'echo'), /\{\}/)
      await inside.client.close()
    })
  })
}

describe('an official client of SDK v1', () => {
  it('finds the way in, and loses nothing when it asks for more', async () => {
    // RS14: it asks for exactly what a challenge names.
    issuer.authorized.length = 0
    const visitor = visit()
    const { call, close } = await comeInOld(visitor, house.at('peer'))
    assert.equal(await call('echo'), undefined)
    assert.match(JSON.stringify(await call('echo')), /\{\}/)
    assert.equal(await call('seen'), undefined)
    assert.match(JSON.stringify(await call('seen')), /content/)
    assert.match(JSON.stringify(await call('echo')), /\{\}/)
    assert.deepEqual(issuer.authorized, [
      'mcp:discover',
      'mcp:discover tool:peer.echo',
      'mcp:discover tool:peer.echo tool:peer.seen',
    ])
    await close()
  })
})
