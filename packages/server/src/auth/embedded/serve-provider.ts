import type { IncomingMessage, ServerResponse } from 'node:http'
import { addressOf } from '../address-of.ts'
import type { AuthorizationServer, Live } from './authorization-server.ts'
import type { Made } from './configuration.ts'
import { pacer } from './flood.ts'
import { isClientUrl } from './metadata-clients.ts'

/** What a token request, an assertion or a client's description may be; the provider's own is 56 KiB. */
const BODY_BYTES_MAX = 32_768
/** A client that refreshes or is sent around by a loop; people and programs need far less. */
const OF_ONE_ADDRESS = { burst: 300, perMinute: 600, keysMax: 10_000 }

/** Below which path of the public origin it is. */
export const OAUTH_PATH = '/oauth'
const OAUTH_METADATA = '/.well-known/oauth-authorization-server'
const OPENID_METADATA = '/.well-known/openid-configuration'
/** AS2: where RFC 8414 and OpenID Connect look for an issuer with a path. */
const WELL_KNOWN: Readonly<Record<string, string>> = {
  [`${OAUTH_METADATA}${OAUTH_PATH}`]: OAUTH_METADATA,
  [`${OPENID_METADATA}${OAUTH_PATH}`]: OPENID_METADATA,
}

export const isOauthPath = (path: string): boolean =>
  path === OAUTH_PATH || path.startsWith(`${OAUTH_PATH}/`) || Object.hasOwn(WELL_KNOWN, path)

/** Puts the provider behind the front door: its prefix, its metadata, its limits. */
export function serveProvider(
  made: Made,
  live: () => Promise<Live>,
): AuthorizationServer['answer'] {
  const { rooms, issuer } = made
  const passes = pacer(rooms.world, OF_ONE_ADDRESS)
  const address = addressOf(issuer)
  const isTooMuch = (request: IncomingMessage, inner: string): boolean =>
    !READ_BY_ALL.includes(inner) && !passes(address(request))
  return async (request, response) => {
    const { path, search } = partsOf(request.url ?? '/')
    const inner = WELL_KNOWN[path] ?? (path.slice(OAUTH_PATH.length) || '/')
    overwriteHead(request, issuer)
    if (isTooLarge(request)) {
      refuse(response, TOO_LARGE)
      return
    }
    if (isTooMuch(request, inner)) {
      refuse(response, TOO_MANY)
      return
    }
    const { interact, handle } = await live()
    const uid = /^\/interaction\/([\w-]{1,64})(?:\/|$)/.exec(inner)?.[1]
    if (uid !== undefined) return interact(request, response, uid)
    if ((await rooms.pages?.(request, response)) === true) return
    if (await sendsToSignIn(made, request, response)) return
    // Going on after a page takes no parameters; the provider breaks over some that are there.
    request.url = inner.startsWith('/authorize/') ? inner : `${inner}${search}`
    Object.assign(request, { baseUrl: OAUTH_PATH })
    await handle(request, response)
  }
}

function partsOf(url: string): { readonly path: string; readonly search: string } {
  const at = url.indexOf('?')
  return at === -1 ? { path: url, search: '' } : { path: url.slice(0, at), search: url.slice(at) }
}

const isTooLarge = ({ headers }: IncomingMessage): boolean =>
  Number(headers['content-length'] ?? 0) > BODY_BYTES_MAX

/** What stays open, however much else somebody asks for. */
const READ_BY_ALL = [OAUTH_METADATA, OPENID_METADATA, '/jwks']

/**
 * The provider builds URLs of what it finds here, so it finds what the configuration says. Whom to
 * count tries of a password for builds nothing, and stays.
 */
function overwriteHead(request: IncomingMessage, issuer: string): void {
  const { host, protocol } = new URL(issuer)
  const { headers } = request
  for (const name of Object.keys(headers)) {
    if (name !== 'x-forwarded-for' && /^(?:x-)?forwarded/.test(name)) delete headers[name]
  }
  headers.host = host
  headers['x-forwarded-proto'] = protocol.slice(0, -1)
}

/** AS13: before anything is fetched that a stranger's link names, somebody of ours signs in. */
async function sendsToSignIn(
  { rooms, settings, issuer }: Made,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const url = new URL(request.url ?? '/', issuer)
  if (url.pathname !== `${OAUTH_PATH}/authorize`) return false
  const id = url.searchParams.get('client_id') ?? ''
  if (settings.metadataClients.from === 'off' || !isClientUrl(id)) return false
  if (url.searchParams.get('prompt') === 'none') return false
  if ((await rooms.people.personOf(request)) !== undefined) return false
  rooms.people.send(response, `${url.pathname}${url.search}`)
  return true
}

interface Problem {
  readonly status: number
  readonly error: string
  readonly description: string
}

const TOO_LARGE: Problem = {
  status: 413,
  error: 'invalid_request',
  description: `At most ${String(BODY_BYTES_MAX)} bytes are read.`,
}
const TOO_MANY: Problem = {
  status: 429,
  error: 'temporarily_unavailable',
  description: 'Too many requests. Try again in a while.',
}
const RETRY_AFTER_S = '10'

function refuse(response: ServerResponse, { status, error, description }: Problem): void {
  if (status === TOO_MANY.status) response.setHeader('retry-after', RETRY_AFTER_S)
  response.setHeader('connection', 'close')
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify({ error, error_description: description }))
}
