import type { IncomingHttpHeaders } from 'node:http'
import { Fault } from '@countersign/contract'

/** The host names under which we are meant to be reached. */
export type Hosts = ReadonlySet<string>

/**
 * Refuses callers that reached us by a name that is not ours: a page on the web that was made to
 * resolve to this machine (DNS rebinding). Returns the origin to answer to, if there is one.
 *
 * 2025-11-25 Transports, Security Warning; 2026-07-28 Streamable HTTP, Security (H-021 to H-023).
 */
export function checkCaller(hosts: Hosts, headers: IncomingHttpHeaders): string | undefined {
  const host = headers.host === undefined ? undefined : nameOf(`http://${headers.host}`)
  if (host === undefined || !hosts.has(host)) {
    throw new Fault('http/origin', 'This Host is not served here.')
  }
  const { origin } = headers
  if (origin === undefined) return undefined
  const name = nameOf(origin)
  if (name === undefined || !hosts.has(name)) {
    throw new Fault('http/origin', 'Pages of this Origin may not use this server.')
  }
  return origin
}

/** Names by URL: every client sends the same one or two, and parsing a URL costs microseconds. */
const known = new Map<string, string | undefined>()
const KNOWN_MAX = 256

function nameOf(url: string): string | undefined {
  if (known.has(url)) return known.get(url)
  const name = parseName(url)
  if (known.size < KNOWN_MAX && url.length < 256) known.set(url, name)
  return name
}

function parseName(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { protocol, hostname } = new URL(url)
  return protocol === 'http:' || protocol === 'https:' ? hostname : undefined
}

/** What a page of an accepted origin may send and see (H-039). Preflights need no authentication. */
export function corsHeaders(
  origin: string | undefined,
  asked: string | undefined,
): Readonly<Record<string, string>> {
  if (origin === undefined) return {}
  const mirrored = (asked ?? '').split(',').map((name) => name.trim().toLowerCase())
  const allowed = [...ALLOWED, ...mirrored.filter((name) => /^mcp-param-[\w-]+$/.test(name))]
  return {
    'access-control-allow-origin': origin,
    vary: 'Origin',
    'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
    'access-control-allow-headers': allowed.join(', '),
    'access-control-expose-headers': 'Mcp-Session-Id, WWW-Authenticate, DPoP-Nonce',
    'access-control-max-age': '600',
  }
}

const ALLOWED = [
  'authorization',
  'dpop',
  'content-type',
  'accept',
  'last-event-id',
  'mcp-session-id',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
]
