// An authorization server that others wrote, as the issuer of a view: an official client gets in.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { DpopSession } from '@modelcontextprotocol/client'
import { modern } from '../stories/raw.ts'
import { freePort, startGlewlwyd, whyNoGlewlwyd, type Glewlwyd } from './glewlwyd.ts'
import { bearer, calling, openGuarded, send, type GuardedHouse } from './guarded-house.ts'
import { callAsking, comeIn, makeVisitor } from './visitor.ts'

describe('behind Glewlwyd', { skip: whyNoGlewlwyd, timeout: 60_000 }, () => {
  const SCOPES = ['mcp:discover', 'tool:peer.echo']
  let issuer: Glewlwyd
  let house: GuardedHouse
  before(async () => {
    // Each has to know the other’s address before it starts.
    const port = await freePort()
    const resource = `http://127.0.0.1:${port}/mcp/peer`
    issuer = await startGlewlwyd({ resource, scopes: SCOPES, client: 'story' })
    const listen = { port }
    house = await openGuarded({ listen, auth: { issuers: [{ issuer: issuer.issuer }] } })
  })
  after(async () => {
    await house?.[Symbol.asyncDispose]()
    await issuer?.[Symbol.asyncDispose]()
  })

  const visit = (session?: DpopSession) =>
    makeVisitor({
      browse: issuer.agree,
      client: { client_id: 'story' },
      ...(session ? { session } : {}),
    })

  for (const mode of ['legacy', 'auto'] as const) {
    it(`a client (${mode}) finds it, gets a token for this view, and asks for one tool more`, async () => {
      // RS1, RS7, RS13
      const visitor = visit()
      const inside = await comeIn(visitor, mode, house.at('peer'))
      assert.deepEqual(visitor.asked, ['mcp:discover'])
      assert.match(await callAsking(visitor, inside, 'echo'), /\{\}/)
      assert.deepEqual(visitor.asked[1]?.split(' ').toSorted(), SCOPES)
      await inside.client.close()
    })
  }

  it('its token opens this view, and neither another one nor a tool that was not asked for', async () => {
    // RS9, AT1
    const visitor = visit()
    const inside = await comeIn(visitor, 'auto', house.at('peer'))
    await inside.client.close()
    const headers = bearer(visitor.tokens()?.access_token ?? '')
    const discover = modern('server/discover', { headers })
    assert.equal((await send(house, discover)).status, 200)
    assert.equal((await send(house, discover, '')).status, 401)
    assert.equal((await send(house, calling('write', headers))).status, 403)
  })

  it('its token may be bound to a key, and is worth nothing without it', async () => {
    // DP2, DP10
    const visitor = visit(await DpopSession.create())
    const inside = await comeIn(visitor, 'auto', house.at('peer'))
    const { access_token: token = '', token_type: type } = visitor.tokens() ?? {}
    assert.equal(type?.toLowerCase(), 'dpop')
    assert.match(await callAsking(visitor, inside, 'echo'), /\{\}/)
    await inside.client.close()
    const stolen = modern('server/discover', { headers: bearer(token) })
    assert.equal((await send(house, stolen)).status, 401)
  })
})
