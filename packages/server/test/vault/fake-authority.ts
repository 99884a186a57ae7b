// A protected server and its authorization server, which work, remember everything and can misbehave.

import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { decodeJwt } from 'jose'

type Loose = Readonly<Record<string, unknown>>

interface Grant {
  readonly id: string
  readonly client: string
  readonly scope: string
  readonly resource: string
  readonly bound: boolean
  readonly challenge?: string
}

export interface Authority extends AsyncDisposable {
  readonly issuer: string
  /** The protected server. */
  readonly url: string
  /** Every form that the token endpoint was sent, oldest first, with how the client proved itself. */
  readonly asked: { readonly form: Loose; readonly basic: string | undefined }[]
  readonly registrations: Loose[]
  readonly revoked: string[]
  /** Fields of the metadata that replace what is true; undefined removes one. */
  metadata: Loose
  /** The same for the metadata of the protected server; undefined: it has none. */
  resource: Loose | undefined
  /** What the server's challenge says beside where its metadata is. */
  challenge: string
  /** Scopes a request must have. */
  needs: readonly string[]
  /** Seconds. */
  lifetime: number | undefined
  /** Fields of the answers of the token endpoint that replace what is true. */
  answer: Loose
  rotates: boolean
  /** Refresh tokens that were shown after they had been used. */
  reused: number
  /** Answers token requests with this error. */
  error: string | undefined
  /** Held back until it resolves: token requests. */
  gate: Promise<void>
  /** Whether the token endpoint insists on a nonce. */
  needsNonce: boolean
  isDown: boolean
  /** Every path that was asked for, oldest first. */
  readonly paths: string[]
  /** Where the metadata of the server and of the authorization server are. */
  resourceAt: string
  metadataAt: string
  /** The challenge leaves out where the metadata is. */
  omitsMetadataUrl: boolean
  /** Where paths lead instead. */
  redirects: ReadonlyMap<string, string>
  /** Makes every access token of now worthless. */
  readonly endAll: () => void
  /** What a person's browser brings back from the authorization page. */
  readonly consent: (url: string, iss?: string | null) => Promise<URLSearchParams>
  /** One request to the protected server, with these headers. */
  readonly call: (headers: Readonly<Record<string, string>>) => Promise<Response>
}

interface State extends Omit<
  Authority,
  'endAll' | 'consent' | 'call' | typeof Symbol.asyncDispose
> {
  readonly codes: Map<string, Grant>
  readonly access: Map<string, Grant>
  readonly refresh: Map<string, { grant: Grant; isUsed: boolean }>
}

export async function startAuthority(over: Partial<State> = {}): Promise<Authority> {
  const state: State = {
    issuer: '',
    url: '',
    asked: [],
    registrations: [],
    revoked: [],
    metadata: {},
    resource: {},
    challenge: '',
    needs: [],
    lifetime: 300,
    answer: {},
    rotates: true,
    reused: 0,
    error: undefined,
    gate: Promise.resolve(),
    needsNonce: false,
    isDown: false,
    paths: [],
    resourceAt: '/.well-known/oauth-protected-resource/mcp',
    metadataAt: '/.well-known/oauth-authorization-server/as',
    omitsMetadataUrl: false,
    redirects: new Map(),
    codes: new Map(),
    access: new Map(),
    refresh: new Map(),
    ...over,
  }
  const server: Server = createServer((request, response) => {
    serve(state, request, response).catch((thrown: unknown) => {
      response.writeHead(500).end(String(thrown))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  return Object.assign(state, {
    issuer: `${origin}/as`,
    url: `${origin}/mcp`,
    endAll: () => {
      state.access.clear()
    },
    consent: (url: string, iss?: string | null) => consent(state, url, iss),
    call: (headers: Readonly<Record<string, string>>) =>
      fetch(state.url, { method: 'POST', headers, body: '{}' }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

const dropped = (fields: Loose): Loose =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

function metadataOf({ issuer, metadata }: State): Loose {
  return dropped({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    registration_endpoint: `${issuer}/register`,
    revocation_endpoint: `${issuer}/revoke`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'none'],
    authorization_response_iss_parameter_supported: true,
    dpop_signing_alg_values_supported: ['ES256'],
    ...metadata,
  })
}

async function serve(state: State, request: IncomingMessage, response: ServerResponse) {
  const url = new URL(request.url ?? '/', state.issuer)
  const say = (status: number, json: unknown, headers: Loose = {}): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers } as never)
    response.end(JSON.stringify(json))
  }
  if (state.isDown) return void request.socket.destroy()
  const body = await text(request)
  state.paths.push(url.pathname)
  const elsewhere = state.redirects.get(url.pathname)
  if (elsewhere !== undefined) return void response.writeHead(307, { location: elsewhere }).end()
  switch (url.pathname) {
    case state.resourceAt:
      if (!state.resource) return say(404, {})
      return say(
        200,
        dropped({ resource: state.url, authorization_servers: [state.issuer], ...state.resource }),
      )
    case state.metadataAt:
      return say(200, metadataOf(state))
    case '/as/register': {
      const made = { ...JSON.parse(body), client_id: randomUUID(), client_secret: randomUUID() }
      state.registrations.push(made)
      return say(201, { ...made, client_secret_expires_at: 0 })
    }
    case '/as/token':
      return answerToken(state, request, new URLSearchParams(body), say)
    case '/as/revoke':
      state.revoked.push(new URLSearchParams(body).get('token') ?? '')
      return say(200, {})
    case '/mcp':
      return resource(state, request, say)
    default:
      return say(404, {})
  }
}

type Say = (status: number, json: unknown, headers?: Loose) => void

async function answerToken(
  state: State,
  request: IncomingMessage,
  form: URLSearchParams,
  say: Say,
) {
  const basic = request.headers.authorization
  state.asked.push({ form: Object.fromEntries(form), basic })
  await state.gate
  const proof = request.headers['dpop']
  const nonce = typeof proof === 'string' ? decodeJwt(proof)['nonce'] : undefined
  if (state.needsNonce && typeof proof === 'string' && nonce !== 'as-nonce') {
    return say(400, { error: 'use_dpop_nonce' }, { 'dpop-nonce': 'as-nonce' })
  }
  if (state.error !== undefined) {
    return say(400, { error: state.error, error_description: 'hush-hush' })
  }
  const grant = grantFor(state, form, basic)
  if (!grant) return say(400, { error: 'invalid_grant' })
  if (form.get('requested_token_type')?.endsWith(':id-jag') === true) {
    const issued_token_type = form.get('requested_token_type')
    return say(200, { access_token: 'jag-of-ada', issued_token_type, token_type: 'N_A' })
  }
  const bound = typeof proof === 'string'
  say(200, { ...issue(state, { ...grant, bound }), ...state.answer })
}

function grantFor(
  state: State,
  form: URLSearchParams,
  basic: string | undefined,
): Grant | undefined {
  const said = (name: string): string => form.get(name) ?? ''
  const wanted = said('resource')
  if (said('grant_type') === 'refresh_token') return refreshed(state, said('refresh_token'))
  if (said('grant_type') !== 'authorization_code') {
    const client = basic ?? said('client_id')
    return { id: randomUUID(), client, scope: said('scope'), resource: wanted, bound: false }
  }
  const grant = state.codes.get(said('code'))
  state.codes.delete(said('code'))
  const digest = createHash('sha256').update(said('code_verifier')).digest('base64url')
  return grant?.challenge === digest && grant.resource === wanted ? grant : undefined
}

function refreshed(state: State, token: string): Grant | undefined {
  const known = state.refresh.get(token)
  if (known?.isUsed === true && state.rotates) {
    state.reused += 1
    return undefined
  }
  if (known) known.isUsed = true
  return known?.grant
}

function issue(state: State, grant: Grant): Loose {
  const access = `at-${randomUUID()}`
  state.access.set(access, grant)
  const refresh = `rt-${randomUUID()}`
  const hasRefresh = grant.challenge !== undefined
  if (hasRefresh) state.refresh.set(refresh, { grant, isUsed: false })
  return dropped({
    access_token: access,
    token_type: grant.bound ? 'DPoP' : 'Bearer',
    expires_in: state.lifetime,
    scope: grant.scope === '' ? undefined : grant.scope,
    refresh_token: hasRefresh ? refresh : undefined,
  })
}

function resource(state: State, request: IncomingMessage, say: Say): void {
  const [scheme = '', shown = ''] = (request.headers.authorization ?? '').split(' ')
  const grant = state.access.get(shown)
  const path = state.resourceAt
  const metadata = state.omitsMetadataUrl
    ? 'realm="mcp"'
    : `resource_metadata="${new URL(state.url).origin}${path}"`
  const challenged = (error: string) => ({
    'www-authenticate': `Bearer ${error}${metadata}${state.challenge}`,
  })
  const expected = grant?.bound === true ? 'dpop' : 'bearer'
  if (!grant || scheme.toLowerCase() !== expected || grant.resource !== state.url) {
    return say(401, {}, challenged(shown === '' ? '' : 'error="invalid_token", '))
  }
  const has = grant.scope.split(' ')
  if (state.needs.some((scope) => !has.includes(scope))) {
    const scope = state.needs.join(' ')
    return say(403, {}, challenged(`error="insufficient_scope", scope="${scope}", `))
  }
  say(200, { scopes: has })
}

/** The person agrees at once. `iss`: what the answer says instead of the truth; null: nothing. */
async function consent(state: State, url: string, iss?: string | null): Promise<URLSearchParams> {
  const asked = new URL(url).searchParams
  const code = randomUUID()
  state.codes.set(code, {
    id: randomUUID(),
    client: asked.get('client_id') ?? '',
    scope: asked.get('scope') ?? '',
    resource: asked.get('resource') ?? '',
    bound: asked.has('dpop_jkt'),
    challenge: asked.get('code_challenge') ?? '',
  })
  const answer = new URLSearchParams({ code, state: asked.get('state') ?? '' })
  if (iss !== null) answer.set('iss', iss ?? state.issuer)
  return answer
}
