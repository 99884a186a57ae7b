// Tokens that are bound to keys, at the token endpoint.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { decodeJwt } from 'jose'
import {
  letIn,
  makePkce,
  openAs,
  redeem,
  refresh,
  register,
  sentBack,
  type TestAs,
} from './as-house.ts'
import { makeKey, seconds } from './fake-issuer.ts'
import { proofMaker } from './guarded-house.ts'

let as: TestAs
let url: string
before(async () => {
  as = await openAs()
  url = `${as.issuer}/token`
  await register(as)
  await register(as, { client_id: 'bound', dpop_bound_access_tokens: true })
})
after(async () => {
  await as[Symbol.asyncDispose]()
})

test('a proof binds the tokens that come of it to its key', async () => {
  // AS41, DP1, DP9
  const { prove, jkt } = proofMaker(await makeKey(), url)
  const { json } = await letIn(as, {}, { dpop: await prove() })
  assert.equal(json['token_type'], 'DPoP')
  assert.deepEqual(decodeJwt(String(json['access_token']))['cnf'], { jkt: await jkt() })
  const bare = await refresh(as, String(json['refresh_token']))
  assert.equal(bare.json['error'], 'invalid_grant', 'without a proof')
  const thief = proofMaker(await makeKey(), url)
  const stolen = await refresh(as, String(json['refresh_token']), {}, { dpop: await thief.prove() })
  assert.equal(stolen.json['error'], 'invalid_grant', 'with the proof of another key')
  const next = await refresh(as, String(json['refresh_token']), {}, { dpop: await prove() })
  assert.equal(next.status, 200, JSON.stringify(next.json))
  assert.equal(next.json['token_type'], 'DPoP')
})

/** What is wrong with a proof. */
const WRONG = [
  ['another method', { claims: { htm: 'GET' } }],
  ['another URL', { claims: { htu: 'https://elsewhere.example/token' } }],
  ['a time long past', { claims: { iat: seconds() - 600 } }],
  ['a time to come', { claims: { iat: seconds() + 600 } }],
  ['no jti', { claims: { jti: undefined } }],
  ['another type', { header: { typ: 'jwt' } }],
  ['a key that is not in it', { header: { jwk: undefined } }],
] as const

for (const [what, proving] of WRONG) {
  test(`a proof is refused for ${what}`, async () => {
    const pkce = makePkce()
    const back = await sentBack(as, {}, pkce)
    const { prove } = proofMaker(await makeKey(), url)
    const { status, json } = await redeem(as, back, pkce, {}, { dpop: await prove(proving) })
    assert.equal(status, 400)
    assert.match(String(json['error']), /^(?:invalid_dpop_proof|use_dpop_nonce)$/)
    assert.equal(json['access_token'], undefined)
  })
}

test('a proof is good once', async () => {
  // DP5
  const { prove } = proofMaker(await makeKey(), url)
  const dpop = await prove()
  assert.equal((await letIn(as, {}, { dpop })).status, 200)
  assert.equal((await letIn(as, {}, { dpop })).json['error'], 'invalid_grant')
})

test('a client that said its tokens are bound gets none without a proof', async () => {
  // DP8
  const pkce = makePkce()
  const back = await sentBack(as, { client_id: 'bound' }, pkce)
  const { json } = await redeem(as, back, pkce, { client_id: 'bound' })
  assert.equal(json['error'], 'invalid_grant')
})

test('where proofs are required, no client gets a token without one', async () => {
  await using strict = await openAs({ settings: { dpop: 'required' } })
  await register(strict)
  const bare = await letIn(strict)
  assert.deepEqual([bare.status, bare.json['error']], [400, 'invalid_dpop_proof'])
  const { prove } = proofMaker(await makeKey(), `${strict.issuer}/token`)
  const good = await letIn(strict, {}, { dpop: await prove() })
  assert.equal(good.status, 200, JSON.stringify(good.json))
  assert.equal(strict.server.settings.dpop, 'required')
})

test('where nonces are asked for, a proof without ours is sent back with one', async () => {
  await using strict = await openAs({ dpopNonces: true })
  await register(strict)
  const { prove } = proofMaker(await makeKey(), `${strict.issuer}/token`)
  const pkce = makePkce()
  const back = await sentBack(strict, {}, pkce)
  const first = await redeem(strict, back, pkce, {}, { dpop: await prove() })
  assert.deepEqual([first.status, first.json['error']], [400, 'use_dpop_nonce'])
  const nonce = first.headers.get('dpop-nonce') ?? ''
  const made = await redeem(
    strict,
    back,
    pkce,
    {},
    { dpop: await prove({ claims: { nonce: 'x' } }) },
  )
  assert.equal(made.json['error'], 'use_dpop_nonce')
  const good = await redeem(strict, back, pkce, {}, { dpop: await prove({ claims: { nonce } }) })
  assert.equal(good.status, 200, JSON.stringify(good.json))
})
