// The authorization code grant of the embedded server, and everything that is wrong with a request.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import {
  authorizeUrl,
  CALLBACK,
  CLIENT,
  letIn,
  makeBrowser,
  makePkce,
  openAs,
  redeem,
  refresh,
  register,
  sentBack,
  type TestAs,
} from './as-house.ts'

let as: TestAs
before(async () => {
  as = await openAs()
  await register(as)
  await register(as, { client_id: 'other', redirect_uris: ['https://other.example/back'] })
  await register(as, { client_id: 'brief', grant_types: ['authorization_code'] })
})
after(async () => {
  await as[Symbol.asyncDispose]()
})

test('a person lets a client in: a code, and a token for one resource', async () => {
  // AS5, AS16, AS18, AS42, RFC 9068
  const pkce = makePkce()
  const back = await sentBack(as, {}, pkce)
  assert.equal(`${back.origin}${back.pathname}`, CALLBACK)
  for (const name of ['code', 'state', 'iss']) {
    assert.equal(back.searchParams.getAll(name).length, 1, name)
  }
  assert.equal(back.searchParams.get('iss'), as.issuer)
  assert.equal(back.searchParams.get('state'), 'st')
  const { status, headers, json } = await redeem(as, back, pkce)
  assert.equal(status, 200, JSON.stringify(json))
  assert.match(headers.get('content-type') ?? '', /^application\/json/)
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.equal(json['token_type'], 'Bearer')
  assert.equal(json['expires_in'], 300)
  assert.equal(json['scope'], 'mcp:discover peer:read')
  assert.equal(decodeProtectedHeader(String(json['access_token'])).typ, 'at+jwt')
  const {
    jti,
    gid,
    iat = 0,
    exp = 0,
    auth_time: signedInAt,
    ...claims
  } = decodeJwt(String(json['access_token']))
  assert.deepEqual(claims, {
    iss: as.issuer,
    sub: 'ada',
    aud: as.resource(),
    client_id: CLIENT,
    scope: 'mcp:discover peer:read',
    cat: 7,
  })
  assert.equal(exp - iat, 300)
  assert.ok(typeof jti === 'string' && typeof gid === 'string')
  // PO-069: RFC 9068 §2.2.1
  assert.ok(typeof signedInAt === 'number' && signedInAt <= iat && signedInAt > iat - 60)
})

test('a refresh token is good once; who shows it again ends all that came of it', async () => {
  // AS18, AS39
  const { json } = await letIn(as)
  const next = await refresh(as, String(json['refresh_token']))
  assert.equal(next.status, 200, JSON.stringify(next.json))
  assert.notEqual(next.json['refresh_token'], json['refresh_token'])
  const [given, renewed] = [json, next.json].map((one) => decodeJwt(String(one['access_token'])))
  assert.equal(renewed?.aud, as.resource())
  // PO-069: nobody has signed in anew.
  assert.ok(given?.['auth_time'] !== undefined && given['auth_time'] === renewed['auth_time'])
  const again = await refresh(as, String(json['refresh_token']))
  assert.deepEqual([again.status, again.json['error']], [400, 'invalid_grant'])
  const later = await refresh(as, String(next.json['refresh_token']))
  assert.equal(later.json['error'], 'invalid_grant')
})

test('a code is good once; who shows it again ends what came of it', async () => {
  const pkce = makePkce()
  const back = await sentBack(as, {}, pkce)
  const { json } = await redeem(as, back, pkce)
  const again = await redeem(as, back, pkce)
  assert.deepEqual([again.status, again.json['error']], [400, 'invalid_grant'])
  assert.equal((await refresh(as, String(json['refresh_token']))).json['error'], 'invalid_grant')
})

test('a client that asks for no refresh token when it registers gets none', async () => {
  // AS21
  const pkce = makePkce()
  const back = await sentBack(as, { client_id: 'brief' }, pkce)
  const { json } = await redeem(as, back, pkce, { client_id: 'brief' })
  assert.equal(json['refresh_token'], undefined)
  assert.ok(json['access_token'])
})

test('a refresh may ask for less, and never for more', async () => {
  const { json } = await letIn(as)
  const more = await refresh(as, String(json['refresh_token']), { scope: 'peer:admin' })
  assert.equal(more.json['error'], 'invalid_scope')
  const less = await refresh(as, String(json['refresh_token']), { scope: 'mcp:discover' })
  assert.equal(less.json['scope'], 'mcp:discover')
  const elsewhere = await refresh(as, String(less.json['refresh_token']), {
    resource: as.resource('peer'),
  })
  assert.equal(elsewhere.json['error'], 'invalid_target')
})

test('a refresh for another resource is refused, and the token is good still', async () => {
  const { json } = await letIn(as)
  const token = String(json['refresh_token'])
  const wrong = await refresh(as, token, { resource: as.resource('peer') })
  assert.deepEqual([wrong.status, wrong.json['error']], [400, 'invalid_target'])
  assert.equal((await refresh(as, token)).status, 200)
})

test('who names no scope gets the least there is, and what means nothing is passed over', async () => {
  // AS26
  for (const [scope, granted] of [
    [undefined, 'mcp:discover'],
    ['offline_access', 'mcp:discover'],
    ['peer:read nothing:here', 'peer:read'],
    ['tool:peer.echo', 'tool:peer.echo'],
  ] as const) {
    const { json } = await letIn(as, { scope })
    assert.equal(json['scope'], granted, String(scope))
  }
})

test('who names no resource gets a token for the view of all servers', async () => {
  const { json } = await letIn(as, { resource: undefined })
  assert.equal(decodeJwt(String(json['access_token'])).aud, as.resource())
})

test('a step up asks only for what is new, and the token holds both', async () => {
  as.folk.consents.length = 0
  as.folk.account = 'step'
  const browser = makeBrowser(as.origin)
  for (const scope of ['peer:read', 'peer:read peer:write']) {
    const back = await browser.go(
      authorizeUrl(as, makePkce(), { scope, client_id: 'other', redirect_uri: undefined }),
    )
    assert.ok(back instanceof URL, JSON.stringify(back))
  }
  as.folk.account = 'ada'
  assert.deepEqual(
    as.folk.consents.map(({ scopes }) => scopes),
    [['peer:read'], ['peer:write']],
  )
})

test('a token holds only what was consented to', async () => {
  as.folk.grants = (scopes) => scopes.filter((scope) => scope !== 'peer:write')
  const { json } = await letIn(as, { scope: 'peer:read peer:write' })
  as.folk.grants = (scopes) => scopes
  assert.equal(json['scope'], 'peer:read')
})

test('who may not come in any more gets no further token', async () => {
  as.folk.account = 'bob'
  const { json } = await letIn(as)
  as.folk.account = 'ada'
  as.folk.gone.add('bob')
  assert.equal((await refresh(as, String(json['refresh_token']))).json['error'], 'invalid_grant')
})

test('class scopes are of the catalogue that was shown with them', async () => {
  // AS38: later tokens of this consent are of its epoch still.
  const { json } = await letIn(as)
  as.catalogue.epoch = 9
  const next = await refresh(as, String(json['refresh_token']))
  const other = await letIn(as)
  as.catalogue.epoch = 7
  assert.equal(decodeJwt(String(next.json['access_token']))['cat'], 7)
  assert.equal(decodeJwt(String(other.json['access_token']))['cat'], 9)
})

/** What is wrong, and the error that the client is sent back with. */
const SENT_BACK: readonly (readonly [
  string,
  Readonly<Record<string, string | undefined>>,
  string,
])[] = [
  ['no PKCE', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
  ['PKCE in the clear', { code_challenge_method: 'plain' }, 'invalid_request'],
  ['an implicit grant', { response_type: 'token' }, 'unsupported_response_type'],
  ['another resource', { resource: 'https://elsewhere.example/mcp' }, 'invalid_target'],
  ['a resource with a slash', { resource: 'SLASH' }, 'invalid_target'],
  ['a resource with a fragment', { resource: 'https://x.example/mcp#a' }, 'invalid_target'],
  ['scopes that all mean nothing', { scope: 'a:read b:read' }, 'invalid_scope'],
  ['a scope that is none', { scope: 'a"b' }, 'invalid_scope'],
  ['no page where one is needed', { prompt: 'none' }, 'login_required'],
]

for (const [what, over, error] of SENT_BACK) {
  test(`the client is told what is wrong, and by whom: ${what}`, async () => {
    // AS1, AS4: one flow, with S256; AS5: `iss` in errors too.
    const resource = over['resource'] === 'SLASH' ? `${as.resource()}/` : over['resource']
    const back = await sentBack(as, { ...over, ...('resource' in over ? { resource } : {}) })
    // What asks for a token in the URL is answered in its fragment.
    const told = new URLSearchParams(back.search === '' ? back.hash.slice(1) : back.search)
    assert.equal(told.get('error'), error, back.href)
    assert.equal(told.get('iss'), as.issuer)
    assert.equal(told.get('state'), 'st')
    assert.equal(told.get('code') ?? told.get('access_token'), null)
  })
}

/** Whoever is sent elsewhere is not sent at all. */
const ON_PAGE: readonly (readonly [string, Readonly<Record<string, string | undefined>>])[] = [
  ['another redirect URI', { redirect_uri: 'https://attacker.example/cb' }],
  ['a longer redirect URI', { redirect_uri: `${CALLBACK}/more` }],
  ['a redirect URI with a query', { redirect_uri: `${CALLBACK}?a=1` }],
  [
    'another port where ports are exact',
    { client_id: 'other', redirect_uri: 'https://other.example:8443/back' },
  ],
  ['another loopback name', { redirect_uri: 'http://localhost:3999/callback' }],
  ['a client that nobody knows', { client_id: 'nobody' }],
  ['no client', { client_id: undefined }],
  ['a code that runs in a page', { redirect_uri: 'javascript:alert(1)' }],
]

for (const [what, over] of ON_PAGE) {
  test(`nobody is redirected to where no client is: ${what}`, async () => {
    // AS16, AS17
    const page = await makeBrowser(as.origin).go(authorizeUrl(as, makePkce(), over))
    assert.ok(!(page instanceof URL))
    assert.equal(page.status, 400)
    assert.doesNotMatch(page.text, /attacker|alert\(1\)/)
  })
}

test('a program on the machine of a person may listen on any port', async () => {
  // CO5: RFC 8252 §7.3, for native clients alone
  const back = await sentBack(as, { redirect_uri: 'http://127.0.0.1:51234/callback' })
  assert.equal(back.port, '51234')
})

/** What is wrong with the exchange of a good code. */
const EXCHANGES: readonly (readonly [
  string,
  Readonly<Record<string, string | undefined>>,
  string,
])[] = [
  ['another verifier', { code_verifier: 'x'.repeat(43) }, 'invalid_grant'],
  ['no verifier', { code_verifier: undefined }, 'invalid_grant'],
  ['another redirect URI', { redirect_uri: 'http://127.0.0.1:1/other' }, 'invalid_grant'],
  ['another client', { client_id: 'other' }, 'invalid_grant'],
  ['no such client', { client_id: 'nobody' }, 'invalid_client'],
  ['no client', { client_id: undefined }, 'invalid_request'],
  ['another resource', { resource: 'https://elsewhere.example/mcp' }, 'invalid_target'],
  ['no such code', { code: 'made-up' }, 'invalid_grant'],
  ['no such grant', { grant_type: 'password' }, 'unsupported_grant_type'],
]

for (const [what, over, error] of EXCHANGES) {
  test(`a code is not exchanged with ${what}`, async () => {
    const pkce = makePkce()
    const { status, json, headers } = await redeem(as, await sentBack(as, {}, pkce), pkce, over)
    assert.equal(json['error'], error, JSON.stringify(json))
    assert.equal(status, error === 'invalid_client' ? 401 : 400)
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.equal(json['access_token'], undefined)
  })
}

test('each token leaves a line, and no token or code stands in it', async () => {
  // RS17, RS26
  as.notes.length = 0
  const pkce = makePkce()
  const back = await sentBack(as, {}, pkce)
  const { json } = await redeem(as, back, pkce)
  await redeem(as, back, pkce)
  const [issued, refused] = as.notes
  assert.equal(issued?.kind, 'token.issued')
  assert.equal(issued.body['subject'], 'ada')
  assert.equal(issued.body['resource'], as.resource())
  assert.deepEqual(issued.body['scopes'], ['mcp:discover', 'peer:read'])
  assert.equal(refused?.kind, 'token.refused')
  assert.equal(refused.body['error'], 'invalid_grant')
  const told = JSON.stringify([as.notes, as.log])
  for (const secret of [
    json['access_token'],
    json['refresh_token'],
    back.searchParams.get('code'),
  ]) {
    assert.ok(!told.includes(String(secret)))
  }
})

test('nothing that could be shown is in the records', async () => {
  // RS26: who reads the database can show nothing of it.
  const pkce = makePkce()
  const back = await sentBack(as, {}, pkce)
  const { json } = await redeem(as, back, pkce)
  const kinds = ['RefreshToken', 'AuthorizationCode', 'Session', 'Interaction', 'Grant']
  const kept: unknown[] = []
  for (const kind of kinds) kept.push(...(await as.records.list(`oauth.${kind}`, { limit: 500 })))
  assert.ok(kept.length > 5)
  const text = JSON.stringify(kept)
  for (const secret of [json['refresh_token'], back.searchParams.get('code')]) {
    assert.ok(!text.includes(String(secret)))
  }
})
