import type { IncomingMessage, ServerResponse } from 'node:http'
import { isObject, own, type Fault, type FaultCode } from '@countersign/contract'
import {
  ALGORITHMS,
  asAskedOf,
  DISCOVER,
  METADATA_PATH,
  resourceMetadata,
  type Guard,
  type Knock,
  type Principal,
} from '#auth'
import type { View } from '#registry'

/** What the door knows of authorization: who keeps it, and under which address we are known. */
export interface Protection {
  readonly guard: Guard
  /** Our public origin, given the port that a request came to; never from what the request says. */
  readonly origin: (port: number) => string
}

const MCP = '/mcp'

const originFor = ({ origin }: Protection, request: IncomingMessage): string =>
  origin(request.socket.localPort ?? 0)

/** The canonical URL of a view: no slash at its end (MCP, Canonical Server URI). */
const pathOf = (view: string): string => (view === '' ? MCP : `${MCP}/${view}`)

/** The head of a request, for whoever decides who asks. */
export function knockOf(protection: Protection, request: IncomingMessage, view: string): Knock {
  const origin = originFor(protection, request)
  const { authorization = [], dpop = [] } = request.headersDistinct
  return {
    method: request.method ?? '',
    url: `${origin}${request.url ?? '/'}`,
    resource: `${origin}${pathOf(view)}`,
    authorization,
    dpop,
  }
}

/** The view whose metadata is asked for, or undefined for any other path (RFC 9728 §3.1). */
export function viewDescribedAt(path: string): string | undefined {
  if (path === METADATA_PATH || path === `${METADATA_PATH}${MCP}`) return ''
  const inserted = `${METADATA_PATH}${MCP}/`
  return path.startsWith(inserted) ? path.slice(inserted.length) : undefined
}

/** Public by nature: whoever has no token yet reads it. */
export function describe(
  protection: Protection,
  view: View,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const resource = `${originFor(protection, request)}${pathOf(view.id)}`
  response.writeHead(200, {
    'content-type': 'application/json',
    'cache-control': 'max-age=300',
  })
  response.end(JSON.stringify(resourceMetadata(protection.guard.settings(), resource, view)))
}

/** What RFC 6750 §3.1 and RFC 9449 §7.1 call each of our faults. */
const ERRORS: Readonly<Partial<Record<FaultCode, string>>> = {
  'auth/malformed': 'invalid_request',
  'auth/token': 'invalid_token',
  'auth/proof': 'invalid_dpop_proof',
  'auth/nonce': 'use_dpop_nonce',
  'auth/scope': 'insufficient_scope',
}
const OF_PROOF: readonly string[] = ['auth/proof', 'auth/nonce'] satisfies FaultCode[]

/**
 * Says what would be let in, where authorization is what is missing. Bearer comes first: older
 * clients read no further. Without credentials there is no error to name (RFC 6750 §3.1).
 */
export function challenge(
  protection: Protection,
  fault: Fault,
  view: string,
  response: ServerResponse,
  who?: Principal,
): void {
  if (!fault.code.startsWith('auth/') || fault.code === 'auth/unavailable') return
  const { guard } = protection
  const error = ERRORS[fault.code]
  const metadata = `${originFor(protection, response.req)}${METADATA_PATH}${pathOf(view)}`
  const common = [
    ...(error === undefined
      ? []
      : [`error="${error}"`, `error_description="${quotable(fault.message)}"`]),
    ...(OF_PROOF.includes(fault.code)
      ? []
      : [`scope="${scopesIn(fault).map(asAskedOf(guard.settings(), who)).join(' ')}"`]),
    `resource_metadata="${metadata}"`,
  ].join(', ')
  const takesProofs = guard.settings().issuers.some(({ dpop }) => dpop !== 'off')
  const algs = `algs="${ALGORITHMS.join(' ')}"`
  const challenges = [
    ...(OF_PROOF.includes(fault.code) ? [] : [`Bearer ${common}`]),
    ...(takesProofs ? [`DPoP ${common}, ${algs}`] : []),
  ]
  response.setHeader('www-authenticate', challenges)
  response.setHeader('cache-control', 'no-store')
  if (fault.code === 'auth/nonce') response.setHeader('dpop-nonce', guard.nonce())
}

/** What this very call needs, or what it takes to come in at all. */
function scopesIn({ data }: Fault): readonly string[] {
  const scopes = isObject(data) ? own(data, 'scopes') : undefined
  return Array.isArray(scopes) && scopes.length > 0 ? scopes.map(String) : [DISCOVER]
}

/**
 * RFC 9449 §8.2: whoever repeats our nonces is given the next one in good time, so that no request of
 * theirs is refused for an old one.
 */
export function renewNonce({ guard }: Protection, { dpop }: Knock, response: ServerResponse): void {
  if (dpop.length > 0 && guard.settings().dpopNonces) {
    response.setHeader('dpop-nonce', guard.nonce())
  }
}

/** RFC 6750 §3: an error description has neither quotes nor backslashes, nor anything but ASCII. */
const quotable = (text: string): string =>
  text.replaceAll(/["\\]/g, "'").replaceAll(/[^\u0020-\u007E]/g, '?')
