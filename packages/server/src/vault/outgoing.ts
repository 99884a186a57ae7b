import type { FetchLike } from '@modelcontextprotocol/client'
import { Unfetched, type Reach, type SafeFetch } from '#auth'
import type { ProtectedServer } from './settings.ts'

/** The network's own way for the library that speaks OAuth: every request takes it (OC25, SS1-SS8). */
export function fetchFor(safeFetch: SafeFetch, server: ProtectedServer): FetchLike {
  const home = new URL(server.url)
  const homeReach: Reach = isLoopback(home.hostname) ? 'loopback' : (server.auth.reach ?? 'public')
  const reach = server.auth.reach ?? homeReach
  return async (input, init = {}) => {
    const url = String(input)
    // The operator wrote the server's own address down; what it names was written by others.
    const isHome = URL.canParse(url) && new URL(url).origin === home.origin
    const { method = 'GET', body } = init
    if (method !== 'GET' && method !== 'POST') throw new Unfetched(`${method} is never asked`)
    const { status, text, headers } = await safeFetch.ask({
      url,
      reach: isHome ? homeReach : reach,
      method,
      headers: Object.fromEntries(new Headers(init.headers)),
      ...(body === undefined || body === null ? {} : { body: textOf(body) }),
    })
    return new Response(NO_BODY.has(status) ? null : text, { status, headers: flat(headers) })
  }
}

const NO_BODY = new Set([204, 205, 304])

function textOf(body: unknown): string {
  if (typeof body === 'string') return body
  if (body instanceof URLSearchParams) return body.toString()
  throw new Unfetched('a body that is no text')
}

/** The body is read already: what described its transfer is not true of the text. */
function flat(headers: Readonly<Record<string, string | string[] | undefined>>): Headers {
  const made = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    if (name === 'content-encoding' || name === 'content-length' || value === undefined) continue
    for (const one of typeof value === 'string' ? [value] : value) made.append(name, one)
  }
  return made
}

export const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname)
