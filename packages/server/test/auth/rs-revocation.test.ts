// What is revoked is over: for the next request, for streams that are open, and after a restart.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { makeFolder } from '../stories/house.ts'
import { begin, legacy, modern, type Answer, type Coming } from '../stories/raw.ts'
import { seconds, startIssuer, type FakeIssuer } from './fake-issuer.ts'
import { bearer, calling, challenged, listing, openGuarded, send } from './guarded-house.ts'
import type { GuardedHouse } from './guarded-house.ts'

const folder = makeFolder()
let issuer: FakeIssuer
let house: GuardedHouse
const open = (): Promise<GuardedHouse> =>
  openGuarded({
    data: folder.path,
    listen: { publicUrl: 'http://localhost:1' },
    auth: { issuers: [{ issuer: issuer.issuer }] },
  })
before(async () => {
  issuer = await startIssuer()
  house = await open()
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await issuer[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

const tokenFor = (claims: object = {}): Promise<string> =>
  issuer.mint({
    claims: { aud: 'http://localhost:1/mcp/peer', scope: 'peer:admin', ...claims },
  })
const shown = (token: string): Promise<Answer> => send(house, listing(bearer(token)))

function isRevoked(answer: Answer): void {
  assert.equal(answer.status, 401, answer.text)
  assert.match(challenged(answer), /error="invalid_token", error_description="It was revoked\."/)
}

describe('a token', () => {
  it('that was taken a moment ago is refused once it is revoked, and no other is', async () => {
    // AS39, RS7
    const [one, other] = [await tokenFor({ jti: 'one' }), await tokenFor({ jti: 'other' })]
    for (const token of [one, other]) assert.equal((await shown(token)).status, 200)
    await house.house.admin.revoke({ token: 'one' })
    isRevoked(await shown(one))
    assert.equal((await shown(other)).status, 200)
    const noted = (await house.house.ledger.read({ after: 0 })).filter(
      ({ kind }) => kind === 'revoked',
    )
    assert.deepEqual(noted.at(-1)?.body, { kind: 'token', id: 'one' })
  })

  it('goes with its client, and with whoever it acts for or through', async () => {
    const robot = { sub: 'robot', iss: issuer.issuer, client_id: 'robots' }
    const through = await tokenFor({ sub: 'dora', act: robot })
    const bad = await tokenFor({ sub: 'dora', client_id: 'bad' })
    const good = await tokenFor({ sub: 'dora', client_id: 'good' })
    for (const token of [through, bad, good]) assert.equal((await shown(token)).status, 200)
    await house.house.admin.revoke({ client: 'bad' })
    isRevoked(await shown(bad))
    await house.house.admin.revoke({ client: 'robots' })
    isRevoked(await shown(through))
    assert.equal((await shown(good)).status, 200)
    await house.house.admin.revoke({ user: `${issuer.issuer}#dora` })
    isRevoked(await shown(good))
    assert.equal((await shown(await tokenFor({ sub: 'dora', iat: seconds() + 2 }))).status, 200)
  })

  it('is revoked by exactly one name', async () => {
    for (const input of [{}, { user: 'a', token: 'b' }]) {
      await assert.rejects(house.house.admin.revoke(input), /exactly one/)
    }
  })
})

describe('what is open', () => {
  const listen = (token: string): Promise<Coming> => {
    const params = { notifications: { toolsListChanged: true } }
    const asked = modern('subscriptions/listen', { params, headers: bearer(token) })
    return begin(house.at('peer'), asked)
  }
  const wait = (token: string): Promise<Coming> =>
    begin(house.at('peer'), calling('wait', bearer(token)))
  const standing = async (token: string): Promise<Coming> => {
    const url = house.at('peer')
    const asked = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'r', version: '0' },
    }
    const begun = await send(
      house,
      legacy({ jsonrpc: '2.0', id: 1, method: 'initialize', params: asked }, bearer(token)),
    )
    const id = begun.headers['mcp-session-id']
    const headers = { ...bearer(token), accept: 'text/event-stream', 'mcp-session-id': id }
    return begin(url, { method: 'GET', headers })
  }

  it('with a revoked token ends, and nobody else’s does', async () => {
    // AS39
    const ada = await tokenFor({ sub: 'eve' })
    const bob = await tokenFor({ sub: 'bob' })
    const ending = await Promise.all([listen(ada), standing(ada)])
    const staying = await listen(bob)
    let hasEnded = false
    const staysOpen = staying.ended.finally(() => {
      hasEnded = true
    })
    const call = wait(ada)
    await house.house.admin.revoke({ user: `${issuer.issuer}#eve` })
    for (const stream of ending) await stream.ended
    // It is cancelled before it is answered, or as its answer begins.
    await call.then(
      (coming) => coming.ended,
      () => undefined,
    )
    await staying.event(({ method }) => /acknowledged/.test(method))
    assert.equal(hasEnded, false)
    staying.drop()
    await staysOpen
  })
})

describe('after a restart', () => {
  it('what was revoked is revoked still', async () => {
    const token = await tokenFor({ jti: 'before' })
    assert.equal((await shown(token)).status, 200)
    await house.house.admin.revoke({ token: 'before' })
    await house[Symbol.asyncDispose]()
    house = await open()
    isRevoked(await shown(token))
  })
})
