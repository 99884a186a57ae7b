// What the embedded server says of itself, and that nobody can make it say anything else.

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { text } from 'node:stream/consumers'
import { openAs, post, type AsPlan } from './as-house.ts'

const PATHS = [
  '/.well-known/oauth-authorization-server/oauth',
  '/.well-known/openid-configuration/oauth',
  '/oauth/.well-known/openid-configuration',
]

test('its metadata is where each kind of client looks for it, and exact', async () => {
  // AS2, AS3, AS4, AS5, AS6, AS27, DP7
  await using as = await openAs()
  const { issuer } = as
  for (const path of PATHS) {
    const answer = await fetch(`${as.origin}${path}`)
    assert.equal(answer.status, 200, path)
    const told = (await answer.json()) as Record<string, unknown>
    assert.deepEqual(
      {
        issuer: told['issuer'],
        authorization: told['authorization_endpoint'],
        token: told['token_endpoint'],
        keys: told['jwks_uri'],
        pushed: told['pushed_authorization_request_endpoint'],
        revocation: told['revocation_endpoint'],
        pkce: told['code_challenge_methods_supported'],
        types: told['response_types_supported'],
        iss: told['authorization_response_iss_parameter_supported'],
        described: told['client_id_metadata_document_supported'],
        methods: told['token_endpoint_auth_methods_supported'],
        grants: told['grant_types_supported'],
        registration: told['registration_endpoint'],
        introspection: told['introspection_endpoint'],
      },
      {
        issuer,
        authorization: `${issuer}/authorize`,
        token: `${issuer}/token`,
        keys: `${issuer}/jwks`,
        pushed: `${issuer}/par`,
        revocation: `${issuer}/revoke`,
        pkce: ['S256'],
        types: ['code'],
        iss: true,
        described: true,
        methods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
        grants: ['authorization_code', 'refresh_token', 'client_credentials'],
        registration: undefined,
        introspection: undefined,
      },
    )
    for (const name of ['dpop', 'token_endpoint_auth']) {
      const algorithms = told[`${name}_signing_alg_values_supported`]
      assert.ok(Array.isArray(algorithms) && algorithms.length > 0)
      assert.ok(
        algorithms.every((one) => one !== 'none' && !String(one).startsWith('HS')),
        name,
      )
    }
  }
})

test('what is off is not offered, and what is on is', async () => {
  // AS19: registration is off unless it is switched on.
  const settings: AsPlan['settings'] = {
    registration: true,
    metadataClients: { from: 'off', domains: [], reach: 'public' },
  }
  await using as = await openAs({ settings })
  const told = (await (await fetch(`${as.origin}${PATHS[0]}`)).json()) as Record<string, unknown>
  assert.equal(told['registration_endpoint'], `${as.issuer}/register`)
  assert.equal(told['client_id_metadata_document_supported'], undefined)
})

test('its keys are published without their private parts', async () => {
  await using as = await openAs()
  const { keys } = (await (await fetch(`${as.issuer}/jwks`)).json()) as { keys: object[] }
  assert.equal(keys.length, 1)
  assert.deepEqual(Object.keys(keys[0] ?? {}).toSorted(), [
    'alg',
    'crv',
    'kid',
    'kty',
    'use',
    'x',
    'y',
  ])
})

test('the public origin is what is configured, whatever a request or a proxy says', async () => {
  // AS3, AS17: a forged Host would put a stranger into the metadata of all who cache it.
  await using as = await openAs({ origin: 'https://mcp.example' })
  const headers = {
    host: 'evil.example',
    forwarded: 'host=evil.example;proto=http',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'http',
    'x-forwarded-prefix': '/evil',
  }
  for (const path of PATHS) {
    const told = await new Promise<string>((resolve, reject) => {
      request(`${as.origin}${path}`, { headers }, (answer) => {
        resolve(text(answer))
      })
        .on('error', reject)
        .end()
    })
    assert.doesNotMatch(told, /evil/)
    assert.match(told, /"issuer":"https:\/\/mcp\.example\/oauth"/)
    assert.match(told, /"token_endpoint":"https:\/\/mcp\.example\/oauth\/token"/)
  }
})

test('behind https its cookies are for https alone', async () => {
  // AS24
  await using as = await openAs({ origin: 'https://mcp.example' })
  await as.server.clients.add(
    { client_id: 'c', client_name: 'C', redirect_uris: ['https://c.example/cb'] },
    'admin',
  )
  const asked = new URLSearchParams({
    client_id: 'c',
    response_type: 'code',
    redirect_uri: 'https://c.example/cb',
    code_challenge: 'x'.repeat(43),
    code_challenge_method: 'S256',
  })
  const answer = await fetch(`${as.origin}/oauth/authorize?${asked.toString()}`, {
    redirect: 'manual',
  })
  assert.equal(answer.status, 303)
  assert.match(answer.headers.get('location') ?? '', /^\/oauth\/interaction\//)
  const cookies = answer.headers.getSetCookie()
  assert.ok(cookies.length > 0)
  for (const cookie of cookies) {
    assert.match(cookie, /^__Secure-/)
    for (const word of ['secure', 'httponly', 'samesite=lax', 'path=/oauth']) {
      assert.ok(cookie.toLowerCase().includes(word), `${word} is missing: ${cookie}`)
    }
  }
})

test('endpoints that are off, and paths that are none, answer nothing', async () => {
  await using as = await openAs()
  for (const path of ['register', 'introspect', 'me', 'device/auth', 'session/end', 'nothing']) {
    const { status } = await post(`${as.issuer}/${path}`, { token: 'x' })
    assert.equal(status, 404, path)
  }
})
