// A small authorization server that works: it signs, publishes, rotates, introspects and asks nobody.

import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import {
  calculateJwkThumbprint,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  SignJWT,
  type CryptoKey,
  type JWK,
} from 'jose'

type Loose = Readonly<Record<string, unknown>>

export interface SigningKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

export async function makeKey(alg = 'ES256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const kid = randomUUID()
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

/** What a token says beside or instead of what is usual; undefined leaves a claim out. */
export interface Minting {
  readonly claims?: Loose
  readonly header?: Loose
  readonly key?: SigningKey
}

export interface FakeIssuer extends AsyncDisposable {
  readonly issuer: string
  readonly mint: (minting?: Minting) => Promise<string>
  /** A new key signs from now on; those before are published no longer. */
  readonly rotate: () => Promise<void>
  /** The keys that are published; the first one signs. */
  readonly keys: readonly SigningKey[]
  /** How often each path was asked for. */
  readonly asked: Map<string, number>
  /** What introspection says, by token. */
  readonly opaque: Map<string, Loose>
  /** Scopes that clients asked for at the authorization endpoint, oldest first. */
  readonly authorized: string[]
  /** Fields of the metadata that replace what is true. */
  metadata: Loose
  /** Paths that are not there. */
  readonly hidden: Set<string>
  /** Answers nothing but 500. */
  isDown: boolean
}

export const INTROSPECTING = { clientId: 'gate way', clientSecret: 'p+ä:s' }

interface State {
  readonly asked: Map<string, number>
  readonly opaque: Map<string, Loose>
  readonly authorized: string[]
  readonly codes: Map<string, { scope: string; resource: string; challenge: string }>
  issuer: string
  keys: SigningKey[]
  readonly hidden: Set<string>
  metadata: Loose
  isDown: boolean
}

export async function startIssuer(path = ''): Promise<FakeIssuer> {
  const state: State = {
    asked: new Map(),
    opaque: new Map(),
    authorized: [],
    codes: new Map(),
    issuer: '',
    keys: [await makeKey()],
    hidden: new Set(),
    metadata: {},
    isDown: false,
  }
  const server = createServer((request, response) => {
    serve(state, request, response).catch((thrown: unknown) => {
      response.writeHead(500).end(String(thrown))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  state.issuer = `http://127.0.0.1:${port}${path}`
  return Object.assign(state, {
    mint: (minting: Minting = {}) => mint(state, minting),
    rotate: async () => {
      state.keys = [await makeKey()]
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

export const seconds = (): number => Math.floor(Date.now() / 1_000)

function mint(
  { issuer, keys }: State,
  { claims, header, key = keys[0] }: Minting,
): Promise<string> {
  if (!key) throw new Error('no key')
  const usual = {
    iss: issuer,
    sub: 'ada',
    client_id: 'story',
    scope: 'mcp:discover',
    iat: seconds(),
    exp: seconds() + 300,
    jti: randomUUID(),
  }
  const said = Object.fromEntries(
    Object.entries({ ...usual, ...claims }).filter(([, value]) => value !== undefined),
  )
  return new SignJWT(said)
    .setProtectedHeader(dropped({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header }) as never)
    .sign(key.privateKey, { crit: { 'x-new': true } })
}

const dropped = (fields: Loose): Loose =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

async function serve(state: State, request: IncomingMessage, response: ServerResponse) {
  const url = new URL(request.url ?? '/', state.issuer)
  state.asked.set(url.pathname, (state.asked.get(url.pathname) ?? 0) + 1)
  const say = (status: number, json: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(json))
  }
  const { pathname } = new URL(state.issuer)
  const path = pathname === '/' ? '' : pathname
  if (state.isDown) return say(500, {})
  if (state.hidden.has(url.pathname)) return say(404, {})
  switch (url.pathname) {
    case `/.well-known/oauth-authorization-server${path}`:
    case `${path}/.well-known/openid-configuration`:
      return say(200, metadataOf(state))
    case '/jwks':
      return say(200, { keys: state.keys.map(({ jwk }) => jwk) })
    case '/introspect':
      return introspect(state, request, say)
    case '/authorize':
      response.writeHead(302, { location: authorize(state, url.searchParams) }).end()
      return
    case '/token':
      return say(...(await exchange(state, request)))
    default:
      return say(404, {})
  }
}

function metadataOf({ issuer, metadata }: State): Loose {
  const { origin } = new URL(issuer)
  return dropped({
    issuer,
    jwks_uri: `${origin}/jwks`,
    introspection_endpoint: `${origin}/introspect`,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none'],
    dpop_signing_alg_values_supported: ['ES256'],
    authorization_response_iss_parameter_supported: true,
    ...metadata,
  })
}

async function introspect(
  { opaque }: State,
  request: IncomingMessage,
  say: (status: number, json: unknown) => void,
): Promise<void> {
  const encoded = request.headers.authorization?.replace('Basic ', '') ?? ''
  const [id, secret] = Buffer.from(encoded, 'base64')
    .toString()
    .split(':')
    .map((part) => new URLSearchParams(`x=${part}`).get('x'))
  if (id !== INTROSPECTING.clientId || secret !== INTROSPECTING.clientSecret) return say(401, {})
  const token = new URLSearchParams(await text(request)).get('token') ?? ''
  return say(200, opaque.get(token) ?? { active: false })
}

/** Everybody consents to everything at once. */
function authorize(state: State, params: URLSearchParams): string {
  const code = randomUUID()
  const scope = params.get('scope') ?? ''
  state.authorized.push(scope)
  const challenge = params.get('code_challenge') ?? ''
  state.codes.set(code, { scope, resource: params.get('resource') ?? '', challenge })
  const back = new URL(params.get('redirect_uri') ?? '')
  back.searchParams.set('code', code)
  back.searchParams.set('state', params.get('state') ?? '')
  back.searchParams.set('iss', state.issuer)
  return back.href
}

async function exchange(state: State, request: IncomingMessage): Promise<[number, unknown]> {
  const form = new URLSearchParams(await text(request))
  const code = form.get('code') ?? ''
  const given = state.codes.get(code)
  state.codes.delete(code)
  const verifier = createHash('sha256')
    .update(form.get('code_verifier') ?? '')
    .digest('base64url')
  if (!given || given.challenge !== verifier) return [400, { error: 'invalid_grant' }]
  const proof = request.headers['dpop']
  const jwk = typeof proof === 'string' ? decodeProtectedHeader(proof).jwk : undefined
  const cnf = jwk ? { jkt: await calculateJwkThumbprint(jwk) } : undefined
  const { scope, resource } = given
  const access_token = await mint(state, { claims: { aud: resource, scope, cnf } })
  return [200, { access_token, token_type: cnf ? 'DPoP' : 'Bearer', expires_in: 300, scope }]
}
