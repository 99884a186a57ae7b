// The embedded server of a whole house: what an administrator registers, and calls with its tokens.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { decodeProtectedHeader } from 'jose'
import { post, type Posted } from './as-house.ts'
import { bearer, calling, openGuarded, send, type GuardedHouse } from './guarded-house.ts'

let house: GuardedHouse
let origin: string
before(async () => {
  house = await openGuarded({ auth: { embedded: {} } })
  origin = new URL(house.audience()).origin
})
after(async () => {
  await house[Symbol.asyncDispose]()
})

const basic = (id: string, secret = ''): Readonly<Record<string, string>> => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
})

const tokenOf = async (id: string, secret: string | undefined): Promise<Posted> =>
  post(
    `${origin}/oauth/token`,
    { grant_type: 'client_credentials', resource: house.audience('peer'), scope: 'peer:read' },
    basic(id, secret),
  )

test('the resource says who issues its tokens: ourselves', async () => {
  // RS1, AS2: from the resource to the metadata of its issuer, without a word of configuration.
  const described = await fetch(`${origin}/.well-known/oauth-protected-resource/mcp/peer`)
  const { authorization_servers: servers } = (await described.json()) as Record<string, string[]>
  assert.deepEqual(servers, [`${origin}/oauth`])
  const metadata = await fetch(`${origin}/.well-known/oauth-authorization-server/oauth`)
  const { issuer } = (await metadata.json()) as Record<string, string>
  assert.equal(issuer, `${origin}/oauth`)
})

test('a program that was registered calls with a token of its own, until it is removed', async () => {
  const { admin } = house.house
  const { client, secret } = await admin.addClient({
    name: 'Robot',
    method: 'client_secret_basic',
    views: ['peer'],
    scopes: ['mcp:discover', 'peer:read'],
  })
  const { status, json } = await tokenOf(client.id, secret)
  assert.equal(status, 200, JSON.stringify(json))
  const headers = bearer(String(json['access_token']))
  const read = await send(house, calling('echo', headers))
  assert.equal(read.status, 200, read.text)
  const write = await send(house, calling('seen', headers))
  assert.equal(write.status, 403, write.text)
  const elsewhere = await send(house, calling('peer_echo', headers), '')
  assert.equal(elsewhere.status, 401, 'for another view')
  assert.deepEqual(
    (await admin.listClients({})).map(({ id, scopes }) => [id, scopes]),
    [[client.id, ['mcp:discover', 'peer:read']]],
  )
  await admin.removeClient({ id: client.id })
  assert.equal((await tokenOf(client.id, secret)).status, 401)
  const gone = await send(house, calling('echo', headers))
  assert.equal(gone.status, 401, 'what it was given ended with it')
})

test('an administrator may not make a client that nobody could trust', async () => {
  // AS16, AS17, AS28
  const add = (over: object) => () =>
    house.house.admin.addClient({ name: 'Bad', ...over }).then(
      () => assert.fail(JSON.stringify(over)),
      (thrown: unknown) => {
        throw thrown
      },
    )
  for (const over of [
    {},
    { redirectUris: ['http://evil.example/cb'] },
    { redirectUris: ['https://a.example/#x'] },
    { scopes: ['peer:read'], views: [''] },
    { scopes: ['peer:read'], views: ['nowhere'], method: 'client_secret_basic' },
    { scopes: ['peer:read'], method: 'client_secret_basic' },
    { redirectUris: ['https://a.example/cb'], method: 'private_key_jwt' },
    { redirectUris: ['https://a.example/cb'], id: 'with blanks' },
  ]) {
    await assert.rejects(add(over), { code: 'rpc/bad-params' }, JSON.stringify(over))
  }
})

test('the next signing key is published as soon as it is made', async () => {
  const { kid } = await house.house.admin.rotateKeys({})
  const published = async (): Promise<readonly string[]> => {
    const { keys } = (await (await fetch(`${origin}/oauth/jwks`)).json()) as {
      keys: { kid: string }[]
    }
    return keys.map((key) => key.kid)
  }
  const { client, secret } = await house.house.admin.addClient({
    name: 'Signed',
    method: 'client_secret_basic',
    views: ['peer'],
    scopes: ['peer:read'],
  })
  const { json } = await tokenOf(client.id, secret)
  assert.ok((await published()).includes(kid))
  assert.notEqual(decodeProtectedHeader(String(json['access_token'])).kid, kid)
})
