import { isIPv4 } from 'node:net'
import type { z } from 'zod'
import type { Complain } from './mistake.ts'
import type { listenSchema } from './schema.ts'

export interface Listen {
  readonly host: string
  readonly port: number
  /** The origin clients see, without a slash at the end. */
  readonly publicUrl?: string
  /** Addresses and networks whose word on where a request comes from counts. */
  readonly proxies: readonly string[]
}

const AUTHORIZATION =
  'refused: listening on other addresses needs authorization, which is not configured'
const NEEDS_ISSUERS = 'configure `auth.issuers`'

/** True for an address only this machine can reach. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (bare === 'localhost' || bare === '::1') return true
  return isIPv4(bare) && bare.startsWith('127.')
}

/**
 * Whoever can reach us can use every server, so nobody but this machine may, until callers prove who
 * they are. Then what they prove it for has to have a name, and tokens travel encrypted.
 */
export function listenOf(
  read: z.output<typeof listenSchema>,
  isGuarded: boolean,
  complain: Complain,
): Listen {
  const { host, port, publicUrl, proxies } = read
  const isOpen = !isLoopback(host)
  if (isOpen && !isGuarded) {
    complain(['listen', 'host'], AUTHORIZATION, `use 127.0.0.1, or ${NEEDS_ISSUERS}`)
  }
  if (isOpen && isGuarded && publicUrl === undefined) {
    const remedy = 'say what clients reach us as: tokens are made for it'
    complain(['listen', 'publicUrl'], 'missing', `${remedy}, such as https://mcp.example`)
  }
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  if (publicUrl === undefined) return { host: bare, port, proxies }
  return { host: bare, port, proxies, publicUrl: originIn(publicUrl, isGuarded, complain) }
}

function originIn(publicUrl: string, isGuarded: boolean, complain: Complain): string {
  const at = ['listen', 'publicUrl']
  if (!URL.canParse(publicUrl)) {
    complain(at, 'not a URL', 'for example https://mcp.example')
    return publicUrl
  }
  const url = new URL(publicUrl)
  const origin = `${url.protocol}//${url.host}`
  if (!['http:', 'https:'].includes(url.protocol) || url.href !== `${origin}/`) {
    complain(at, 'more or less than an origin', 'scheme, host and port only: https://mcp.example')
  } else if (!isLoopback(url.hostname)) {
    if (!isGuarded) complain(at, AUTHORIZATION, `remove it, or ${NEEDS_ISSUERS}`)
    else if (url.protocol !== 'https:') {
      complain(at, 'not https', 'tokens would travel unencrypted; put TLS in front of us')
    }
  }
  return origin
}
