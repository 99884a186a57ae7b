// Clients that prove who they are: secrets, keys, registration; and programs without a person.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { decodeJwt } from 'jose'
import { openRevocations } from '#auth'
import { systemWorld } from '#base'
import { openStore, RECORD_TABLES, storeRecords } from '#store'
import { silentLog } from '#telemetry'
import {
  ASSERTION_TYPE,
  authorizeUrl,
  CALLBACK,
  CLIENT,
  letIn,
  makeBrowser,
  makePkce,
  openAs,
  post,
  redeem,
  refresh,
  register,
  sentBack,
  signed,
  type Posted,
  type TestAs,
} from './as-house.ts'
import { makeKey, seconds, type SigningKey } from './fake-issuer.ts'

const SECRET = 'a-secret-of-many-characters'

let as: TestAs
let key: SigningKey
let other: SigningKey
before(async () => {
  as = await openAs()
  key = await makeKey()
  other = await makeKey()
  await register(as)
  const machine = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] }
  await register(as, {
    ...machine,
    client_id: 'robot',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [key.jwk] },
  })
  await register(as, {
    ...machine,
    client_id: 'secretive',
    token_endpoint_auth_method: 'client_secret_basic',
    client_secret: SECRET,
  })
  await register(as, {
    ...machine,
    client_id: 'unknown-to-admin',
    token_endpoint_auth_method: 'client_secret_basic',
    client_secret: SECRET,
  })
  await as.server.clients.allow('robot', { views: [''], scopes: ['mcp:discover', 'peer:read'] })
  await as.server.clients.allow('secretive', { views: ['peer'], scopes: ['peer:read'] })
})
after(async () => {
  await as[Symbol.asyncDispose]()
})

type Fields = Readonly<Record<string, unknown>>

const assertion = (claims: Fields = {}, header: Fields = {}, by = key): Promise<string> =>
  signed(by, { iss: 'robot', sub: 'robot', aud: as.issuer, jti: randomUUID(), ...claims }, header)

const byKey = async (
  client_assertion: string,
  over: Readonly<Record<string, string | undefined>> = {},
): Promise<Posted> =>
  post(`${as.issuer}/token`, {
    grant_type: 'client_credentials',
    client_assertion_type: ASSERTION_TYPE,
    client_assertion,
    resource: as.resource(),
    scope: 'peer:read',
    ...over,
  })

const basic = (id: string, secret = SECRET) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
})

test('a program with keys gets a token of its own, with what an administrator gave it', async () => {
  // AS27, AS28, WI10
  const { status, json } = await byKey(await assertion())
  assert.equal(status, 200, JSON.stringify(json))
  const { sub, aud, scope, client_id: client } = decodeJwt(String(json['access_token']))
  assert.deepEqual(
    { sub, aud, scope, client },
    { sub: 'robot', aud: as.resource(), scope: 'peer:read', client: 'robot' },
  )
  assert.equal(json['refresh_token'], undefined)
})

test('a program that names no scope gets the least there is', async () => {
  // AS26
  const { json } = await byKey(await assertion(), { scope: undefined })
  assert.equal(json['scope'], 'mcp:discover')
  // Also one that was given something else by name: that implies it.
  const form = { grant_type: 'client_credentials', resource: as.resource('peer') }
  const implied = await post(`${as.issuer}/token`, form, basic('secretive'))
  assert.equal(implied.json['scope'], 'mcp:discover', JSON.stringify(implied.json))
})

test('a client assertion is good once', async () => {
  const once = await assertion()
  assert.equal((await byKey(once)).status, 200)
  const again = await byKey(once)
  assert.deepEqual([again.status, again.json['error']], [401, 'invalid_client'])
})

/** What is wrong with an assertion. */
const WRONG: readonly (readonly [string, () => Promise<string>])[] = [
  ['the token endpoint as its audience', () => assertion({ aud: `${as.issuer}/token` })],
  ['several audiences', () => assertion({ aud: [as.issuer, 'https://elsewhere.example'] })],
  ['another audience', () => assertion({ aud: 'https://elsewhere.example' })],
  ['no audience', () => assertion({ aud: undefined })],
  ['another issuer', () => assertion({ iss: 'somebody' })],
  ['another subject', () => assertion({ sub: 'secretive', iss: 'secretive' })],
  ['a subject that is not its issuer', () => assertion({ sub: CLIENT })],
  ['no jti', () => assertion({ jti: undefined })],
  ['no end', () => assertion({ exp: undefined })],
  ['an end that is past', () => assertion({ exp: seconds() - 60 })],
  ['a start that is to come', () => assertion({ nbf: seconds() + 300 })],
  ['a key that is not its own', () => assertion({}, { kid: key.kid }, other)],
  ['a key that nobody knows', () => assertion({}, {}, other)],
  ['no signature', async () => `${(await assertion()).split('.').slice(0, 2).join('.')}.`],
  [
    'the algorithm none',
    async () => {
      const [, body = ''] = (await assertion()).split('.')
      return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`
    },
  ],
]

for (const [what, make] of WRONG) {
  test(`a client is not who it says with an assertion with ${what}`, async () => {
    // AT5
    const { status, json } = await byKey(await make())
    assert.ok(status === 401 || status === 400, String(status))
    assert.match(String(json['error']), /^invalid_(?:client|request)$/)
    assert.equal(json['access_token'], undefined)
  })
}

test('a program with a secret gets a token for its view, and for no other', async () => {
  const ask = (form: Readonly<Record<string, string>>, headers = basic('secretive')) =>
    post(`${as.issuer}/token`, { grant_type: 'client_credentials', ...form }, headers)
  const resource = as.resource('peer')
  const good = await ask({ resource, scope: 'peer:read' })
  assert.equal(good.status, 200, JSON.stringify(good.json))
  assert.equal((await ask({ resource: as.resource() })).json['error'], 'invalid_target')
  assert.equal((await ask({ resource, scope: 'peer:admin' })).json['error'], 'invalid_scope')
  const both = await ask({ resource, scope: 'peer:read peer:admin' })
  assert.equal(both.json['scope'], 'peer:read')
  for (const wrong of [basic('secretive', 'wrong'), basic('nobody'), basic('robot')]) {
    const { status, json } = await ask({ resource }, wrong)
    assert.deepEqual([status, json['error']], [401, 'invalid_client'])
  }
  const twice = await ask({ resource, client_id: 'secretive', client_secret: SECRET })
  assert.equal(twice.json['error'], 'invalid_request')
})

test('a client that no administrator gave scopes gets no token of its own', async () => {
  const form = { grant_type: 'client_credentials', resource: as.resource() }
  const { status, json } = await post(`${as.issuer}/token`, form, basic('unknown-to-admin'))
  assert.deepEqual([status, json['error']], [400, 'unauthorized_client'])
  const person = await post(`${as.issuer}/token`, { ...form, client_id: CLIENT })
  assert.equal(person.json['access_token'], undefined)
})

test('a client that was removed is not known any more', async () => {
  await register(as, { client_id: 'short-lived' })
  const { json } = await letIn(as, { client_id: CLIENT })
  assert.equal(await as.server.clients.remove('short-lived'), true)
  const page = await makeBrowser(as.origin).go(
    authorizeUrl(as, makePkce(), { client_id: 'short-lived' }),
  )
  assert.ok(!(page instanceof URL) && page.status === 400)
  assert.ok(json['access_token'])
})

test('what a client was given it may give back, and nobody else may', async () => {
  // AS39: RFC 7009
  await register(as, { client_id: 'stranger' })
  const { json } = await letIn(as)
  const token = String(json['refresh_token'])
  const strange = await post(`${as.issuer}/revoke`, { token, client_id: 'stranger' })
  assert.notEqual(strange.status, 500)
  const next = await refresh(as, token)
  assert.equal(next.status, 200, 'a stranger ended it')
  const given = { token: String(next.json['refresh_token']), client_id: CLIENT }
  assert.equal((await post(`${as.issuer}/revoke`, given)).status, 200)
  assert.equal((await refresh(as, given.token)).json['error'], 'invalid_grant')
  assert.equal((await post(`${as.issuer}/revoke`, { ...given, token: 'x' })).status, 200)
})

test('a request may be pushed first, and then only by whoever pushed it', async () => {
  const pkce = makePkce()
  const form = Object.fromEntries(new URL(authorizeUrl(as, pkce)).searchParams)
  const { status, json } = await post(`${as.issuer}/par`, form)
  assert.equal(status, 201, JSON.stringify(json))
  const asked = { client_id: CLIENT, request_uri: String(json['request_uri']) }
  const url = (over: Readonly<Record<string, string>> = {}): string =>
    `${as.issuer}/authorize?${new URLSearchParams({ ...asked, ...over }).toString()}`
  await register(as, { client_id: 'thief' })
  const stolen = await makeBrowser(as.origin).go(url({ client_id: 'thief' }))
  assert.ok(!(stolen instanceof URL) || stolen.searchParams.get('code') === null)
  const back = await makeBrowser(as.origin).go(url())
  assert.ok(back instanceof URL, JSON.stringify(back))
  assert.equal((await redeem(as, back, pkce)).status, 200)
  const again = await makeBrowser(as.origin).go(url())
  assert.ok(!(again instanceof URL) || again.searchParams.get('code') === null)
  const bad = await post(`${as.issuer}/par`, { ...form, redirect_uri: 'https://evil.example/' })
  assert.equal(bad.status, 400)
})

/** What a client that registers itself may not say. */
const UNREGISTERED: readonly (readonly [string, Fields])[] = [
  ['a redirect URI without TLS', { redirect_uris: ['http://evil.example/cb'] }],
  ['a redirect URI with a fragment', { redirect_uris: ['https://a.example/cb#x'] }],
  ['a redirect URI that is a program', { redirect_uris: ['javascript:alert(1)'] }],
  ['no redirect URI', { redirect_uris: [] }],
  [
    'a native client on the web',
    { application_type: 'native', redirect_uris: ['http://a.example/'] },
  ],
  ['an implicit grant', { response_types: ['token'], grant_types: ['implicit'] }],
]

test('where it is on, a client may register itself, under the same rules', async () => {
  // AS19, AS20
  await using open = await openAs({ settings: { registration: true } })
  const ask = (fields: Fields) =>
    fetch(`${open.issuer}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ client_name: 'Old', redirect_uris: [CALLBACK], ...fields }),
    })
  const good = await ask({
    application_type: 'native',
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
  })
  const made = (await good.json()) as Record<string, unknown>
  assert.equal(good.status, 201, JSON.stringify(made))
  assert.equal(made['application_type'], 'native')
  const client_id = String(made['client_id'])
  const back = await sentBack(open, { client_id, redirect_uri: 'http://127.0.0.1:1234/callback' })
  assert.ok(back.searchParams.get('code'))
  const listed = await open.server.clients.list()
  assert.equal(listed.find(({ id }) => id === client_id)?.by, 'registration')
  for (const [what, fields] of UNREGISTERED) {
    const refused = await ask(fields)
    assert.equal(refused.status, 400, what)
    assert.match(await refused.text(), /invalid_(?:redirect_uri|client_metadata)/, what)
  }
})

test('an access token may be given back before its time, on every node', async () => {
  // AS39: RFC 7009 §2; and what an administrator revoked is not refreshed.
  const records = storeRecords(systemWorld, openStore(':memory:', [RECORD_TABLES]))
  const log = silentLog
  const revocations = await openRevocations({ world: systemWorld, log, records, isShared: false })
  await using open = await openAs({ revocations })
  await register(open)
  await register(open, { client_id: 'stranger' })
  const { json } = await letIn(open)
  const token = String(json['access_token'])
  const { jti: tokenId, gid } = decodeJwt(token)
  const isRevoked = (): boolean => revocations.isRevoked({ id: '', tokenId })
  const strange = await post(`${open.issuer}/revoke`, { token, client_id: 'stranger' })
  assert.equal(strange.status, 200)
  assert.equal(isRevoked(), false, 'a stranger ended it')
  const forged = `${token.slice(0, -8)}AAAAAAAA`
  await post(`${open.issuer}/revoke`, { token: forged, client_id: CLIENT })
  assert.equal(isRevoked(), false, 'a forged one ended it')
  const own = await post(`${open.issuer}/revoke`, { token, client_id: CLIENT })
  assert.equal(own.status, 200)
  assert.equal(isRevoked(), true)
  await revocations.revoke({ kind: 'grant', id: String(gid) })
  const next = await refresh(open, String(json['refresh_token']))
  assert.equal(next.json['error'], 'invalid_grant')
  revocations.close()
})
