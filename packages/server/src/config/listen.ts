import { isIPv4 } from 'node:net'
import type { z } from 'zod'
import type { Complain } from './mistake.ts'
import type { listenSchema } from './schema.ts'

export interface Listen {
  readonly host: string
  readonly port: number
  /** The origin clients see, without a slash at the end. */
  readonly publicUrl?: string
}

const AUTHORIZATION =
  'refused: listening on other addresses needs authorization, which is not configured'

/** True for an address only this machine can reach. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (bare === 'localhost' || bare === '::1') return true
  return isIPv4(bare) && bare.startsWith('127.')
}

/** Whoever can reach us can use every server, so nobody but this machine may, until callers prove who they are. */
export function listenOf(read: z.output<typeof listenSchema>, complain: Complain): Listen {
  const { host, port, publicUrl } = read
  if (!isLoopback(host)) complain(['listen', 'host'], AUTHORIZATION, 'use 127.0.0.1')
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  if (publicUrl === undefined) return { host: bare, port }
  const at = ['listen', 'publicUrl']
  if (!URL.canParse(publicUrl)) {
    complain(at, 'not a URL', 'for example https://mcp.example')
    return { host: bare, port }
  }
  const url = new URL(publicUrl)
  const origin = `${url.protocol}//${url.host}`
  if (!['http:', 'https:'].includes(url.protocol) || url.href !== `${origin}/`) {
    complain(at, 'more or less than an origin', 'scheme, host and port only: https://mcp.example')
  } else if (!isLoopback(url.hostname)) {
    complain(at, AUTHORIZATION, 'remove it, or name this machine')
  }
  return { host: bare, port, publicUrl: origin }
}
