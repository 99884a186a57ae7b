// A small OpenID provider that works: it knows one person, and says of them what a test wants.

import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { SignJWT } from 'jose'
import { makeKey, seconds, type SigningKey } from './fake-issuer.ts'

type Loose = Readonly<Record<string, unknown>>

export interface FakeProvider extends AsyncDisposable {
  readonly issuer: string
  /** Claims of the next ID tokens, beside or instead of what is right. */
  claims: Loose
  /** What stands in the redirect beside or instead of what is right; undefined leaves it out. */
  back: Readonly<Record<string, string | undefined>>
  /** The key that signs, instead of the published one. */
  forger: SigningKey | undefined
  /** What the authorization endpoint was asked, newest last. */
  readonly asked: URLSearchParams[]
}

export const PROVIDER_CLIENT = { clientId: 'countersign', clientSecret: 'a+secret:ä' }

export async function startProvider(): Promise<FakeProvider> {
  const key = await makeKey('ES256')
  const codes = new Map<string, URLSearchParams>()
  const state: FakeProvider = {
    issuer: '',
    claims: {},
    back: {},
    forger: undefined,
    asked: [],
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
  const server = createServer((request, response) => {
    answer({ state, key, codes }, request, response).catch((cause: unknown) => {
      response.writeHead(500).end(String(cause))
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return Object.assign(state, { issuer: `http://127.0.0.1:${String(port)}` })
}

interface Inside {
  readonly state: FakeProvider
  readonly key: SigningKey
  readonly codes: Map<string, URLSearchParams>
}

type Json = (value: unknown, status?: number) => void

async function answer(
  inside: Inside,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', inside.state.issuer)
  const json: Json = (value, status = 200) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(value))
  }
  switch (url.pathname) {
    case '/.well-known/openid-configuration':
      return json(metadataOf(inside.state.issuer))
    case '/jwks':
      return json({ keys: [inside.key.jwk] })
    case '/authorize':
      response.writeHead(303, { location: authorized(inside, url.searchParams) }).end()
      return
    case '/token':
      return redeem(inside, request, json)
    default:
      return json({ error: 'not_found' }, 404)
  }
}

const metadataOf = (issuer: string): Loose => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/jwks`,
  response_types_supported: ['code'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['ES256'],
  code_challenge_methods_supported: ['S256'],
  authorization_response_iss_parameter_supported: true,
})

function authorized({ state, codes }: Inside, asked: URLSearchParams): string {
  state.asked.push(asked)
  const code = randomUUID()
  codes.set(code, asked)
  const back = new URL(asked.get('redirect_uri') ?? '')
  const said = { code, state: asked.get('state') ?? '', iss: state.issuer, ...state.back }
  for (const [name, value] of Object.entries(said)) {
    if (value !== undefined) back.searchParams.set(name, value)
  }
  return back.href
}

async function redeem(
  { state, key, codes }: Inside,
  request: IncomingMessage,
  json: Json,
): Promise<void> {
  const sent = new URLSearchParams(await text(request))
  const asked = codes.get(sent.get('code') ?? '')
  codes.delete(sent.get('code') ?? '')
  const verifier = sent.get('code_verifier') ?? ''
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const { clientId, clientSecret } = PROVIDER_CLIENT
  const basic = Buffer.from([clientId, clientSecret].map(encodeURIComponent).join(':'))
  const isKnown = request.headers.authorization === `Basic ${basic.toString('base64')}`
  if (!isKnown) return json({ error: 'invalid_client' }, 401)
  if (!asked || asked.get('code_challenge') !== challenge) {
    return json({ error: 'invalid_grant' }, 400)
  }
  const claims = {
    iss: state.issuer,
    sub: 'subject-1',
    aud: clientId,
    iat: seconds(),
    exp: seconds() + 300,
    nonce: asked.get('nonce'),
    preferred_username: 'grace',
    ...state.claims,
  }
  const idToken = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: key.kid })
    .sign((state.forger ?? key).privateKey)
  json({ access_token: 'x', token_type: 'Bearer', expires_in: 60, id_token: idToken })
}
