// Which tokens open a view and which do not: each wrong audience, issuer, algorithm, type, time and key.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { SignJWT, UnsecuredJWT } from 'jose'
import { ask, legacy, modern, rpc, type Answer } from '../stories/raw.ts'
import { makeKey, seconds, startIssuer, type FakeIssuer, type Minting } from './fake-issuer.ts'
import {
  bearer,
  calling,
  challenged,
  listing,
  openGuarded,
  send,
  type GuardedHouse,
} from './guarded-house.ts'

let issuer: FakeIssuer
let stranger: FakeIssuer
let old: FakeIssuer
let house: GuardedHouse
before(async () => {
  issuer = await startIssuer('/realms/work')
  stranger = await startIssuer()
  old = await startIssuer()
  house = await openGuarded({
    auth: {
      issuers: [
        { issuer: issuer.issuer, algorithms: ['ES256'] },
        { issuer: old.issuer, tokenType: 'jwt', scopesClaim: 'scp', clientClaim: 'azp' },
      ],
    },
  })
})
after(async () => {
  await house[Symbol.asyncDispose]()
  for (const one of [issuer, stranger, old]) await one[Symbol.asyncDispose]()
})

const FULL = 'mcp:discover peer:admin'

const good = (minting: Minting = {}): Promise<string> =>
  issuer.mint({
    ...minting,
    claims: { aud: house.audience('peer'), scope: FULL, ...minting.claims },
  })

const answered = async (token: string): Promise<Answer> => send(house, listing(bearer(token)))

async function refuses(token: string, why: RegExp): Promise<void> {
  const answer = await answered(token)
  assert.equal(answer.status, 401, answer.text)
  assert.match(challenged(answer), /^Bearer error="invalid_token"/)
  assert.match(challenged(answer), why)
  assert.match(challenged(answer), /resource_metadata="http/)
  assert.equal(answer.json.error.code, 10_401)
}

describe('a token', () => {
  it('of our issuer for this view lets in, with every method', async () => {
    // RS7, RS10
    const token = await good()
    assert.equal((await answered(token)).status, 200)
    assert.equal((await send(house, calling('echo', bearer(token)))).status, 200)
    const upper = await send(house, listing({ authorization: `bEARER  ${token}` }))
    assert.equal(upper.status, 200)
  })

  const hourAgo = seconds() - 3_600
  const wrong: readonly (readonly [string, () => Promise<string>, RegExp])[] = [
    ['for another view', () => good({ claims: { aud: house.audience('other') } }), /audience/],
    ['for all servers at once', () => good({ claims: { aud: house.audience() } }), /audience/],
    [
      'for this address and more',
      () => good({ claims: { aud: `${house.audience('peer')}/` } }),
      /audience/,
    ],
    [
      'for our origin',
      () => good({ claims: { aud: new URL(house.audience()).origin } }),
      /audience/,
    ],
    ['for others only', () => good({ claims: { aud: ['https://a.example', 'b'] } }), /audience/],
    ['for nobody', () => good({ claims: { aud: undefined } }), /aud/],
    ['for a number', () => good({ claims: { aud: 7 } }), /aud/],
    [
      'of another issuer',
      () => stranger.mint({ claims: { aud: house.audience('peer') } }),
      /issuer/,
    ],
    [
      'of another issuer that claims to be ours',
      () => stranger.mint({ claims: { iss: issuer.issuer, aud: house.audience('peer') } }),
      /unknown key/,
    ],
    [
      'of an issuer almost like ours',
      () => good({ claims: { iss: `${issuer.issuer}/` } }),
      /issuer/,
    ],
    ['of no issuer', () => good({ claims: { iss: undefined } }), /issuer/],
    ['without a type', () => good({ header: { typ: undefined } }), /no access token/],
    ['of type JWT', () => good({ header: { typ: 'JWT' } }), /no access token/],
    ['that is a proof', () => good({ header: { typ: 'dpop+jwt' } }), /no access token/],
    [
      'that is an assertion of an enterprise',
      () => good({ header: { typ: 'oauth-id-jag+jwt' } }),
      /no access token/,
    ],
    ['that is an identity token', () => good({ claims: { nonce: 'n' } }), /no access token/],
    ['that has expired', () => good({ claims: { exp: hourAgo } }), /expired/],
    ['that is not valid yet', () => good({ claims: { nbf: seconds() + 3_600 } }), /not valid yet/],
    ['issued in the future', () => good({ claims: { iat: seconds() + 3_600 } }), /future/],
    ['that never expires', () => good({ claims: { exp: undefined } }), /exp/],
    ['without a subject', () => good({ claims: { sub: undefined } }), /sub/],
    ['with an empty subject', () => good({ claims: { sub: '' } }), /subject/],
    [
      'with a subject of 300 characters',
      () => good({ claims: { sub: 'x'.repeat(300) } }),
      /subject/,
    ],
    ['without a client', () => good({ claims: { client_id: undefined } }), /client_id/],
    ['without an id', () => good({ claims: { jti: undefined } }), /jti/],
    ['bound to a certificate', () => good({ claims: { cnf: { 'x5t#S256': 'abc' } } }), /bound/],
    ['acting for a chain that is too long', () => good({ claims: { act: chain(5) } }), /chain/],
    ['acting for nobody', () => good({ claims: { act: {} } }), /chain/],
    [
      'signed with a key nobody published',
      async () => good({ key: await makeKey() }),
      /unknown key/,
    ],
    [
      'signed with an algorithm that is not named',
      async () => good({ key: await makeKey('RS256') }),
      /algorithm/,
    ],
    [
      'with a critical header we do not know',
      () => good({ header: { crit: ['x-new'], 'x-new': 1 } }),
      /malformed|signature/,
    ],
    [
      'signed with another key under the id of ours',
      async () => good({ key: await makeKey(), header: { kid: issuer.keys[0]?.kid } }),
      /signature/,
    ],
    [
      'that brings its own key',
      async () => {
        const key = await makeKey()
        return good({ key, header: { jwk: key.jwk, jku: 'https://evil.example/jwks' } })
      },
      /unknown key/,
    ],
  ]
  for (const [what, make, why] of wrong) {
    it(`${what} does not let in`, async () => {
      // RS8, RS9, GV4
      await refuses(await make(), why)
    })
  }

  it('without a signature, or changed after it was signed, does not let in', async () => {
    const claims = { aud: house.audience('peer'), sub: 'ada', iss: issuer.issuer, client_id: 'x' }
    const none = new UnsecuredJWT({ ...claims, jti: 'j' }).setIssuedAt().setExpirationTime('5m')
    await refuses(none.encode(), /./)
    const token = await good()
    const [head, , signature] = token.split('.')
    const other = Buffer.from(JSON.stringify({ ...claims, scope: 'x', iat: 1, exp: 9e9, jti: 'j' }))
    await refuses(`${head}.${other.toString('base64url')}.${signature}`, /signature/)
    await refuses(token.slice(0, -6), /signature/)
  })

  it('whose secret is a public key does not let in', async () => {
    // The classic: HS256 with what everybody can read.
    const claims = { aud: house.audience('peer'), scope: FULL, client_id: 'x', jti: 'j' }
    const forged = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
      .setIssuer(issuer.issuer)
      .setSubject('ada')
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(new TextEncoder().encode('x'.repeat(64)))
    await refuses(forged, /algorithm/)
  })

  it('is taken a little before and after its time, as clocks differ', async () => {
    for (const claims of [
      { exp: seconds() - 10 },
      { nbf: seconds() + 10 },
      { iat: seconds() + 10 },
    ]) {
      assert.equal((await answered(await good({ claims }))).status, 200)
    }
  })

  it('for several audiences is for each of them', async () => {
    const aud = ['account', house.audience('peer')]
    assert.equal((await answered(await good({ claims: { aud } }))).status, 200)
  })

  it('of an older server is read by the claims that were configured', async () => {
    const claims = {
      aud: house.audience('peer'),
      scp: ['mcp:discover', 'peer:read'],
      scope: undefined,
      client_id: undefined,
      azp: 'old client',
      jti: undefined,
    }
    const token = await old.mint({ claims, header: { typ: undefined } })
    assert.equal((await send(house, calling('echo', bearer(token)))).status, 200)
    for (const [minting, why] of [
      [{ claims: { ...claims, nonce: 'n' }, header: { typ: 'JWT' } }, /no access token/],
      [{ claims: { ...claims, typ: 'ID' }, header: { typ: 'JWT' } }, /no access token/],
      [{ claims, header: { typ: 'logout+jwt' } }, /no access token/],
      [{ claims, header: { typ: 5 } }, /cannot be checked/],
    ] as const) {
      await refuses(await old.mint(minting), why)
    }
  })
})

const chain = (length: number): Record<string, unknown> =>
  length === 1 ? { sub: 'a' } : { sub: 'a', act: chain(length - 1) }

describe('without a usable token', () => {
  it('a challenge says where to go and what to ask for, and names no error', async () => {
    // RS2, RS3, RS30
    for (const headers of [{}, { authorization: 'Basic YTpi' }, { authorization: '' }]) {
      const answer = await send(house, listing(headers))
      assert.equal(answer.status, 401)
      assert.doesNotMatch(challenged(answer), /error/)
      assert.match(challenged(answer), /^Bearer scope="mcp:discover", resource_metadata="/)
      assert.match(challenged(answer), /, DPoP .*algs="ES256 /)
    }
  })

  it('every method is refused alike, before its body is looked at', async () => {
    // RS10
    const url = house.at('peer')
    for (const method of ['POST', 'GET', 'DELETE', 'PUT']) {
      assert.equal((await ask(url, { method })).status, 401, method)
    }
    const unread = { headers: { 'content-type': 'text/plain', 'content-length': 9e6 } }
    assert.equal((await ask(url, { ...unread, method: 'POST', body: '{' })).status, 401)
    const initialize = legacy(rpc('initialize', { protocolVersion: '2025-11-25' }))
    assert.equal((await ask(url, initialize)).status, 401)
  })

  it('what is malformed is a bad request, and never a reason to sign in again', async () => {
    // RS11, RS12
    const token = await good()
    const inUrl = new URL(`${house.audience('peer')}?access_token=${token}`)
    const twice = { authorization: [`Bearer ${token}`, `Bearer ${token}`] }
    for (const answer of [
      await ask(inUrl, listing()),
      await ask(inUrl, listing(bearer(token))),
      await send(house, listing({ authorization: 'Bearer' })),
      await send(house, listing({ authorization: `Bearer ${token} ${token}` })),
      await send(house, listing({ authorization: 'Bearer ä' })),
      await send(house, listing(twice as never)),
    ]) {
      assert.equal(answer.status, 400, answer.text)
      assert.match(challenged(answer), /error="invalid_request"/)
    }
  })

  it('nothing of a token is in any answer', async () => {
    const token = await good({ claims: { exp: 1 } })
    const { text, headers } = await answered(token)
    assert.doesNotMatch(text + JSON.stringify(headers), new RegExp(token.slice(-40)))
  })
})

describe('a page of another origin', () => {
  it('is refused with a good token too, and shown no way in', async () => {
    // RS18
    const headers = { ...bearer(await good()), origin: 'https://evil.example' }
    const answer = await send(house, listing(headers))
    assert.equal(answer.status, 403)
    assert.equal(challenged(answer), '')
  })

  it('of ours may show its token and read what is wanted of it', async () => {
    const headers = { origin: 'http://localhost:6274', 'access-control-request-headers': 'dpop' }
    const preflight = await ask(house.at('peer'), { method: 'OPTIONS', headers })
    assert.equal(preflight.status, 204)
    assert.match(String(preflight.headers['access-control-allow-headers']), /authorization, dpop/)
    const exposed = String(preflight.headers['access-control-expose-headers'])
    assert.match(exposed, /WWW-Authenticate, DPoP-Nonce/)
  })
})

describe('metadata', () => {
  it('is at both well-known forms, for each view by its own name', async () => {
    // RS1, RS2, RS5, RS6, RS27, RS28
    const origin = new URL(house.audience()).origin
    const base = `${origin}/.well-known/oauth-protected-resource`
    for (const [path, resource] of [
      ['', house.audience()],
      ['/mcp', house.audience()],
      ['/mcp/peer', house.audience('peer')],
    ] as const) {
      const { status, json } = await ask(new URL(base + path), { method: 'GET' })
      assert.equal(status, 200)
      assert.equal(json.resource, resource)
      assert.deepEqual(json.authorization_servers, [issuer.issuer, old.issuer])
      assert.deepEqual(json.scopes_supported, ['mcp:discover', 'peer:read'])
      assert.deepEqual(json.bearer_methods_supported, ['header'])
      assert.equal(json.dpop_bound_access_tokens_required, false)
    }
    for (const path of ['/mcp/nobody', '/mcp/peer/x', '/other']) {
      assert.equal((await ask(new URL(base + path), { method: 'GET' })).status, 404)
    }
    assert.equal((await ask(new URL(base), { method: 'POST' })).status, 405)
  })

  it('and audiences go by the name that clients know us under, never by what they say', async () => {
    // RS9, RS28
    await using known = await openGuarded({
      listen: { publicUrl: 'https://mcp.example' },
      auth: { issuers: [{ issuer: issuer.issuer }] },
    })
    const named = { host: 'mcp.example', 'x-forwarded-host': 'evil.example' }
    const answer = await send(known, listing(named))
    const metadata = 'https://mcp.example/.well-known/oauth-protected-resource/mcp/peer'
    assert.ok(challenged(answer).includes(`resource_metadata="${metadata}"`))
    const at = new URL(new URL(metadata).pathname, known.at())
    const { json } = await ask(at, { method: 'GET', headers: named })
    assert.equal(json.resource, 'https://mcp.example/mcp/peer')
    for (const [aud, expected] of [
      ['https://mcp.example/mcp/peer', 200],
      ['https://mcp.example/mcp/peer/', 401],
      ['https://evil.example/mcp/peer', 401],
      [known.audience('peer'), 401],
    ] as const) {
      const token = await issuer.mint({ claims: { aud } })
      for (const host of ['mcp.example', '127.0.0.1']) {
        const { status } = await send(known, listing({ ...bearer(token), host }))
        assert.equal(status, expected, `${aud} as ${host}`)
      }
    }
    const elsewhere = await send(known, listing({ host: 'evil.example' }))
    assert.equal(elsewhere.status, 403)
  })

  it('is what a challenge points at', async () => {
    const answer = await send(house, modern('server/discover'))
    const url = /resource_metadata="([^"]+)"/.exec(challenged(answer))?.[1] ?? ''
    const { json } = await ask(new URL(url), { method: 'GET' })
    assert.equal(json.resource, house.audience('peer'))
  })
})
