// Tokens that are bound to a key: what a proof must say, and that one is good for one request.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { exportJWK } from 'jose'
import type { Answer } from '../stories/raw.ts'
import { makeKey, seconds, startIssuer, type FakeIssuer, type SigningKey } from './fake-issuer.ts'
import {
  bearer,
  challenged,
  listing,
  openGuarded,
  proofMaker,
  send,
  type GuardedHouse,
  type Proving,
} from './guarded-house.ts'

let issuer: FakeIssuer
let house: GuardedHouse
let key: SigningKey
let token: string
let maker: ReturnType<typeof proofMaker>
before(async () => {
  issuer = await startIssuer()
  key = await makeKey()
  house = await openGuarded({ auth: { issuers: [{ issuer: issuer.issuer }] } })
  maker = proofMaker(key, house.audience('peer'))
  token = await bound()
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await issuer[Symbol.asyncDispose]()
})

const bound = async (claims = {}): Promise<string> =>
  issuer.mint({
    claims: { aud: house.audience('peer'), cnf: { jkt: await maker.jkt() }, ...claims },
  })

const show = (proof: string | readonly string[], shown = token): Promise<Answer> =>
  send(house, listing({ authorization: `DPoP ${shown}`, dpop: proof as never }))

const proof = (proving: Proving = {}): Promise<string> => maker.prove({ token, ...proving })

function isRefused(answer: Answer, why: RegExp): void {
  assert.equal(answer.status, 401, answer.text)
  assert.match(challenged(answer), /^DPoP error="invalid_dpop_proof"/)
  assert.match(challenged(answer), why)
  assert.match(challenged(answer), /algs="ES256 /)
}

describe('a bound token', () => {
  it('is taken with a proof of its key, and again with another', async () => {
    // DP2
    assert.equal((await show(await proof())).status, 200)
    assert.equal((await show(await proof())).status, 200)
  })

  it('is never a bearer token, nor a bearer token a bound one', async () => {
    // DP10
    const down = await send(house, listing(bearer(token)))
    assert.equal(down.status, 401)
    assert.match(challenged(down), /error="invalid_token"/)
    const withProof = await send(house, listing({ ...bearer(token), dpop: await proof() }))
    assert.equal(withProof.status, 401)
    const free = await issuer.mint({ claims: { aud: house.audience('peer') } })
    const up = await show(await maker.prove({ token: free }), free)
    assert.equal(up.status, 401)
    assert.match(challenged(up), /error="invalid_token"/)
  })

  it('is for its audience with a proof too', async () => {
    // DP6
    const elsewhere = await bound({ aud: house.audience() })
    const answer = await show(await maker.prove({ token: elsewhere }), elsewhere)
    assert.match(challenged(answer), /error="invalid_token".*audience/)
  })

  const now = seconds()
  const wrong: readonly (readonly [string, () => Promise<string | readonly string[]>, RegExp])[] = [
    ['that is not there', async () => [], /needs a DPoP proof/],
    ['that is no token', async () => 'x.y.z', /malformed/],
    ['for another method', () => proof({ claims: { htm: 'GET' } }), /another method/],
    ['for another view', () => proof({ claims: { htu: house.audience() } }), /another URL/],
    [
      'for another slash',
      () => proof({ claims: { htu: `${house.audience('peer')}/` } }),
      /another URL/,
    ],
    [
      'for another host',
      () => proof({ claims: { htu: 'https://evil.example/mcp/peer' } }),
      /another URL/,
    ],
    [
      'for another port',
      () => proof({ claims: { htu: 'http://127.0.0.1:1/mcp/peer' } }),
      /another URL/,
    ],
    ['for no URL', () => proof({ claims: { htu: 'mcp' } }), /another URL/],
    ['for another token', () => proof({ token: 'another' }), /another token/],
    ['for no token', () => maker.prove(), /another token/],
    ['of six minutes ago', () => proof({ claims: { iat: now - 360 } }), /not of this time/],
    ['of six minutes from now', () => proof({ claims: { iat: now + 360 } }), /not of this time/],
    ['without a time', () => proof({ claims: { iat: undefined } }), /malformed/],
    ['without an id', () => proof({ claims: { jti: undefined } }), /malformed/],
    ['with an empty id', () => proof({ claims: { jti: '' } }), /jti/],
    ['with an id that is no text', () => proof({ claims: { jti: 7 } }), /jti/],
    ['of type JWT', () => proof({ header: { typ: 'JWT' } }), /malformed/],
    ['of type at+jwt', () => proof({ header: { typ: 'at+jwt' } }), /malformed/],
    ['without its key', () => proof({ header: { jwk: undefined } }), /malformed/],
    [
      'that shows its private key',
      async () => proof({ header: { jwk: await exportJWK(key.privateKey) } }),
      /malformed/,
    ],
    [
      'signed with another key than it names',
      async () => otherKey(await makeKey(), key),
      /signature/,
    ],
    ['of another key', async () => otherKey(await makeKey()), /another key/],
    ['that is expired', () => proof({ claims: { exp: 1 } }), /malformed/],
    ['twice in one header', async () => `${await proof()}, ${await proof()}`, /More than one/],
    ['in two headers', async () => [await proof(), await proof()], /More than one/],
    ['of 9 KiB', () => proof({ claims: { x: 'x'.repeat(9_000) } }), /too large/],
  ]
  for (const [what, make, why] of wrong) {
    it(`is refused with a proof ${what}`, async () => {
      // DP2, DP3, DP4
      isRefused(await show(await make()), why)
    })
  }

  it('is taken with a proof whose URL is written another way', async () => {
    const { port } = new URL(house.audience())
    for (const htu of [
      `HTTP://127.0.0.1:${port}/mcp/peer`,
      `http://127.0.0.1:${port}/mcp/peer?x=1#y`,
    ]) {
      assert.equal((await show(await proof({ claims: { htu } }))).status, 200, htu)
    }
  })
})

const otherKey = (signing: SigningKey, named = signing): Promise<string> =>
  proofMaker({ ...named, privateKey: signing.privateKey }, house.audience('peer')).prove({ token })

describe('one proof', () => {
  it('shown by thirty-two at once lets in exactly one', async () => {
    // DP5
    const one = await proof()
    const answers = await Promise.all(Array.from({ length: 32 }, () => show(one)))
    const statuses = answers.map(({ status }) => status)
    assert.equal(statuses.filter((status) => status === 200).length, 1, String(statuses))
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      isRefused(answer, /used before/)
    }
  })

  it('is remembered over a restart', async () => {
    // DP5
    const data = mkdtempSync(join(tmpdir(), 'countersign-proof-'))
    const auth = { issuers: [{ issuer: issuer.issuer, audience: 'api://countersign' }] }
    const claims = { aud: 'api://countersign', cnf: { jkt: await maker.jkt() } }
    const shown = await issuer.mint({ claims })
    let one: string | undefined
    try {
      for (const expected of [200, 401]) {
        await using again = await openGuarded({
          auth,
          data,
          listen: { publicUrl: 'http://localhost:1' },
        })
        one ??= await maker.prove({ token: shown, claims: { htu: 'http://localhost:1/mcp/peer' } })
        const asked = listing({ authorization: `DPoP ${shown}`, dpop: one })
        assert.equal((await send(again, asked)).status, expected)
      }
    } finally {
      rmSync(data, { recursive: true, force: true })
    }
  })
})

describe('an issuer', () => {
  it('whose tokens must be bound has no bearer tokens', async () => {
    const auth = { issuers: [{ issuer: issuer.issuer, dpop: 'required' }] }
    await using strict = await openGuarded({ auth })
    const free = await issuer.mint({ claims: { aud: strict.audience('peer') } })
    isRefused(await send(strict, listing(bearer(free))), /bound to a key/)
  })

  it('from which no proofs are taken has no bound tokens either', async () => {
    const auth = { issuers: [{ issuer: issuer.issuer, dpop: 'off' }] }
    await using plain = await openGuarded({ auth })
    const nothing = await send(plain, listing())
    assert.doesNotMatch(challenged(nothing), /DPoP/)
    const claims = { aud: plain.audience('peer'), cnf: { jkt: await maker.jkt() } }
    const shown = await issuer.mint({ claims })
    for (const scheme of ['DPoP', 'Bearer']) {
      const headers = { authorization: `${scheme} ${shown}`, dpop: await maker.prove() }
      const answer = await send(plain, listing(headers))
      assert.match(challenged(answer), /error="invalid_token"/)
    }
  })
})

describe('where nonces are asked for', () => {
  it('a proof repeats the one it was given, and no other', async () => {
    // DP5b
    const auth = { issuers: [{ issuer: issuer.issuer }], dpopNonces: true }
    await using strict = await openGuarded({ auth })
    const mine = proofMaker(key, strict.audience('peer'))
    const claims = { aud: strict.audience('peer'), cnf: { jkt: await mine.jkt() } }
    const shown = await issuer.mint({ claims })
    const showNonce = async (nonce?: string): Promise<Answer> => {
      const made = await mine.prove({ token: shown, claims: { nonce } })
      return send(strict, listing({ authorization: `DPoP ${shown}`, dpop: made }))
    }
    const first = await showNonce()
    assert.equal(first.status, 401)
    assert.match(challenged(first), /^DPoP error="use_dpop_nonce"/)
    const nonce = String(first.headers['dpop-nonce'])
    assert.equal((await showNonce(nonce)).status, 200)
    for (const other of ['', 'made-up', `${nonce}x`]) {
      assert.match(challenged(await showNonce(other)), /use_dpop_nonce/, other)
    }
  })
})
