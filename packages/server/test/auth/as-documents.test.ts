// Clients that describe themselves at a URL (Client ID Metadata Documents), over real TLS.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { exportJWK } from 'jose'
import { systemWorld } from '#base'
import {
  ASSERTION_TYPE,
  authorizeUrl,
  CALLBACK,
  makeBrowser,
  makePkce,
  openAs,
  post,
  redeem,
  refresh,
  sentBack,
  SETTINGS,
  signed,
  type AsPlan,
  type TestAs,
} from './as-house.ts'
import { startDocuments, type Documents } from './as-documents.ts'
import { makeKey } from './fake-issuer.ts'

let documents: Documents
let as: TestAs
let aheadMs = 0
/** A minute passes with each description, so that none is refused because there were others. */
const unhurried = { ...systemWorld, monotonic: () => systemWorld.monotonic() + aheadMs }
const openWith = (plan: AsPlan = {}): Promise<TestAs> =>
  openAs({ world: unhurried, ...plan, resolve: documents.resolve })
before(async () => {
  documents = await startDocuments()
  as = await openWith()
})
after(async () => {
  await as[Symbol.asyncDispose]()
  await documents[Symbol.asyncDispose]()
})

/** Pushes a request of this client: the way to be looked at without a browser. */
const pushed = (at: TestAs, client_id: string) => {
  aheadMs += 60_000
  const { searchParams } = new URL(authorizeUrl(at, makePkce(), { client_id }))
  return post(`${at.origin}/oauth/par`, Object.fromEntries(searchParams))
}

test('a client that nobody registered is let in by what it says of itself', async () => {
  // AS6, AS7
  const client_id = documents.client('/good.json')
  const pkce = makePkce()
  const { status, json } = await redeem(as, await sentBack(as, { client_id }, pkce), pkce, {
    client_id,
  })
  assert.equal(status, 200, JSON.stringify(json))
  const next = await refresh(as, String(json['refresh_token']), { client_id })
  assert.equal(next.status, 200, JSON.stringify(next.json))
  assert.equal((await pushed(as, client_id)).status, 201)
  assert.equal(documents.asked.filter((path) => path === '/good.json').length, 1, 'it is kept')
})

test('nothing is fetched for a browser in which nobody is signed in', async () => {
  // AS13
  const client_id = documents.client('/unasked.json')
  as.folk.account = undefined
  const page = await makeBrowser(as.origin).go(authorizeUrl(as, makePkce(), { client_id }))
  const silent = await makeBrowser(as.origin).go(
    authorizeUrl(as, makePkce(), { client_id, prompt: 'none' }),
  )
  as.folk.account = 'ada'
  assert.ok(!(page instanceof URL))
  assert.equal(page.text, 'sign in')
  assert.ok(!(silent instanceof URL) && silent.status >= 400)
  assert.ok(!documents.asked.includes('/unasked.json'))
})

type Loose = Readonly<Record<string, unknown>>

/** What may not stand in a description. */
const WRONG: readonly (readonly [string, Loose])[] = [
  ['another client_id', { client_id: 'https://clients.example/other.json' }],
  ['no client_id', { client_id: undefined }],
  ['no name', { client_name: undefined }],
  ['an empty name', { client_name: '  ' }],
  ['no redirect URIs', { redirect_uris: undefined }],
  ['empty redirect URIs', { redirect_uris: [] }],
  ['a redirect URI without TLS', { redirect_uris: ['http://evil.example/cb'] }],
  ['a redirect URI of a program', { redirect_uris: ['javascript:alert(1)'] }],
  ['a secret', { client_secret: 'x'.repeat(32) }],
  ['an end of a secret', { client_secret_expires_at: 0 }],
  ['a method with a secret', { token_endpoint_auth_method: 'client_secret_basic' }],
  ['a posted secret', { token_endpoint_auth_method: 'client_secret_post' }],
  ['a secret that signs', { token_endpoint_auth_method: 'client_secret_jwt' }],
  ['a redirect URI on the web of a native client', { redirect_uris: ['http://a.example/'] }],
]

for (const [at, [what, over]] of WRONG.entries()) {
  test(`a description is not believed with ${what}`, async () => {
    // AS7, AS9, AS17
    const path = `/wrong-${String(at)}.json`
    const { status, json } = await pushed(as, documents.client(path, over))
    assert.ok(documents.asked.includes(path))
    assert.ok([400, 401].includes(status), String(status))
    assert.match(String(json['error']), /^invalid_(?:client|client_metadata|redirect_uri)$/)
  })
}

test('a description with a private key is not believed', async () => {
  const { privateKey } = await makeKey()
  const client_id = documents.client('/private.json', {
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [await exportJWK(privateKey)] },
  })
  assert.equal((await pushed(as, client_id)).json['error'], 'invalid_client_metadata')
})

/** What may not be answered in place of a description. */
const ANSWERS: readonly (readonly [string, string | Loose, object])[] = [
  ['a redirect', '', { status: 302, headers: { location: '/good.json' } }],
  ['a permanent redirect', '', { status: 308, headers: { location: '/good.json' } }],
  ['what is not there', '{}', { status: 404 }],
  ['a failure', '{}', { status: 500 }],
  ['another success', '{}', { status: 201 }],
  ['a text', 'hello', {}],
  ['a list', '[]', {}],
  ['nothing', '', {}],
]

for (const [at, [what, text, answer]] of ANSWERS.entries()) {
  test(`it is no description: ${what}`, async () => {
    // AS10, SS5
    const path = `/answer-${String(at)}.json`
    documents.put(path, text, answer)
    const first = documents.asked.length
    const { status, json } = await pushed(as, documents.url(path))
    assert.ok([400, 401].includes(status), String(status))
    assert.match(String(json['error']), /^invalid_client/)
    assert.deepEqual(documents.asked.slice(first), [path], 'and nothing else was asked for')
    // What failed is not kept: the next one is asked for, and believed.
    documents.client(path)
    assert.equal((await pushed(as, documents.url(path))).status, 201)
  })
}

test('a description is at most five kilobytes', async () => {
  // AS11, SS8
  const large = documents.client('/large.json', { pad: 'x'.repeat(5_200) })
  assert.match(String((await pushed(as, large)).json['error']), /^invalid_client/)
  const fits = documents.client('/fits.json', { pad: 'x'.repeat(4_000) })
  assert.equal((await pushed(as, fits)).status, 201)
})

test('no URL leads where nobody should be led, and none is connected to', async () => {
  // AS8, SS1, SS2, SS3, SS9
  await using strict = await openWith({
    settings: { metadataClients: { ...SETTINGS.metadataClients, reach: 'public' } },
  })
  const first = documents.connections()
  const { port } = new URL(documents.url('/'))
  const urls = [
    documents.url('/good.json'),
    `https://127.0.0.1:${port}/good.json`,
    `https://localhost:${port}/good.json`,
    `https://[::1]:${port}/good.json`,
    `https://2130706433:${port}/good.json`,
    `https://inside.example:${port}/good.json`,
    `https://cloud.example/latest/meta-data/`,
    'https://169.254.169.254/latest/meta-data/',
    'https://10.0.0.1/client.json',
    'https://[::ffff:127.0.0.1]/client.json',
  ]
  for (const url of urls) {
    const { status, json } = await pushed(strict, url)
    assert.ok([400, 401].includes(status), url)
    assert.doesNotMatch(JSON.stringify(json), /ECONN|may not be reached|leads where/, 'no reason')
  }
  assert.equal(documents.connections(), first)
  assert.ok(strict.log.length >= urls.length - 1, 'the log says why')
})

test('a URL is the id of a client only as the rule has it', async () => {
  // AS8
  const first = documents.connections()
  const { host } = new URL(documents.url('/'))
  const urls = [
    `https://${host}`,
    `https://${host}/`,
    `http://${host}/good.json`,
    `https://user@${host}/good.json`,
    `https://user:pass@${host}/good.json`,
    `https://${host}/good.json#part`,
    `https://${host}/a/../good.json`,
    `https://${host}/./good.json`,
    `https://${host}/%2e%2e/good.json`,
    `https://${host}/a b.json`,
    `https://${host}\\good.json`,
    `ftp://${host}/good.json`,
    `https://${host}/${'x'.repeat(600)}`,
  ]
  for (const url of urls) {
    const { status, json } = await pushed(as, url)
    assert.ok([400, 401].includes(status), url)
    assert.equal(json['error'], 'invalid_client', url)
  }
  assert.equal(documents.connections(), first)
})

test('only listed domains are asked, where domains are listed', async () => {
  // AS14
  await using listed = await openWith({
    settings: {
      metadataClients: {
        from: 'listed',
        domains: ['other.example', '*.clients.example'],
        reach: 'loopback',
      },
    },
  })
  documents.put('/d.json', {})
  const first = documents.asked.length
  for (const host of ['clients.example', 'evilother.example', 'other.example.evil.example']) {
    assert.notEqual((await pushed(listed, documents.url('/d.json', host))).status, 201, host)
  }
  assert.equal(documents.asked.length, first)
  for (const host of ['other.example', 'deep.clients.example']) {
    const client_id = documents.url(`/${host}.json`, host)
    documents.put(`/${host}.json`, { client_id, client_name: 'D', redirect_uris: [CALLBACK] })
    assert.equal((await pushed(listed, client_id)).status, 201, host)
  }
})

test('where they are off, a URL is the id of nobody', async () => {
  await using off = await openWith({
    settings: { metadataClients: { from: 'off', domains: [], reach: 'loopback' } },
  })
  const first = documents.connections()
  assert.equal((await pushed(off, documents.client('/off.json'))).json['error'], 'invalid_client')
  assert.equal(documents.connections(), first)
})

test('documents are not asked for without end', async () => {
  // AS13
  await using limited = await openWith({ world: systemWorld })
  const first = documents.asked.length
  for (let at = 0; at < 30; at++) await pushed(limited, documents.url(`/many-${String(at)}.json`))
  const asked = documents.asked.length - first
  assert.ok(asked > 0 && asked <= 12, String(asked))
})

test('a program that describes itself with its keys gets what an administrator gave it', async () => {
  // WI10
  await using machines = await openWith()
  const key = await makeKey()
  documents.put('/keys.json', { keys: [key.jwk] })
  const client_id = documents.client('/robot.json', {
    token_endpoint_auth_method: 'private_key_jwt',
    jwks_uri: documents.url('/keys.json'),
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  })
  const ask = async () =>
    post(`${machines.issuer}/token`, {
      grant_type: 'client_credentials',
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: await signed(key, {
        iss: client_id,
        sub: client_id,
        aud: machines.issuer,
        jti: randomUUID(),
      }),
      resource: machines.resource(),
      scope: 'peer:read',
    })
  assert.equal((await ask()).json['error'], 'unauthorized_client')
  await machines.server.clients.allow(client_id, { views: [''], scopes: ['peer:read'] })
  const { status, json } = await ask()
  assert.equal(status, 200, JSON.stringify(json))
})

test('a client that is not what was consented to is asked about again', async () => {
  // AS15: a new process has no document in memory, as after an hour.
  const client_id = documents.client('/changing.json')
  const pkce = makePkce()
  const back = await sentBack(as, { client_id }, pkce)
  const { json } = await redeem(as, back, pkce, { client_id })
  const records = as.records
  await using next = await openWith({ records: () => records, origin: as.origin })
  const same = await refresh(next, String(json['refresh_token']), { client_id })
  assert.equal(same.status, 200, JSON.stringify(same.json))
  documents.client('/changing.json', { redirect_uris: [CALLBACK, 'https://new.example/cb'] })
  await using later = await openWith({ records: () => records, origin: as.origin })
  const changed = await refresh(later, String(same.json['refresh_token']), { client_id })
  assert.deepEqual([changed.status, changed.json['error']], [400, 'invalid_grant'])
})
