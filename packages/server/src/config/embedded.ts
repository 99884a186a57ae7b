import { z } from 'zod'
import type { EmbeddedSettings } from '#auth'
import { duration, durationText } from './limits.ts'
import type { Complain, Path } from './mistake.ts'
import { delegationSchema, enterprisesSchema, programsOf, workloadsSchema } from './workloads.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const DOMAINS_MAX = 1_000

/** RFC 9700 §2.2: whoever steals one has it for minutes. */
const ACCESS = { min: 30_000, max: HOUR_MS }
const ACCESS_MS = 5 * MINUTE_MS
const REFRESH = { min: MINUTE_MS, max: 365 * DAY_MS }
const IDLE_MS = 8 * HOUR_MS
const REFRESH_MS = 30 * DAY_MS
const HOST = /^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/

const clientsSchema = z
  .strictObject({
    from: z
      .enum(['open', 'listed', 'off'])
      .default('open')
      .describe(
        'Clients that describe themselves at a URL: any that is public, those of `domains` alone, or none. People are always asked before one gets anything.',
      ),
    domains: z
      .array(z.string().regex(HOST))
      .max(DOMAINS_MAX)
      .default([])
      .describe('Their hosts: `example.com` is that host, `*.example.com` every host below it.'),
    network: z
      .enum(['public', 'private'])
      .default('public')
      .describe(
        'Where their descriptions and keys may be. `private` also allows inside addresses.',
      ),
  })
  .prefault({})
  .describe('Client ID Metadata Documents: clients that nobody has to register.')

export const embeddedSchema = z
  .strictObject({
    accessToken: duration(ACCESS)
      .default(ACCESS_MS)
      .describe(
        `How long an access token is good: up to ${durationText(ACCESS.max)}. Short, because whoever finds one may use it until then.`,
      ),
    refreshIdle: duration(REFRESH)
      .default(IDLE_MS)
      .describe('A client that was not used for this long asks its person to sign in again.'),
    refresh: duration(REFRESH)
      .default(REFRESH_MS)
      .describe('However often it was used: after this long people consent again.'),
    clients: clientsSchema,
    registration: z
      .boolean()
      .default(false)
      .describe(
        'Whether any client may register itself (RFC 7591). For old clients that can do nothing else.',
      ),
    dpop: z
      .enum(['accepted', 'required'])
      .default('accepted')
      .describe('Whether tokens may, or must, be bound to a key of their client (RFC 9449).'),
    workloads: workloadsSchema,
    enterprises: enterprisesSchema,
    delegation: delegationSchema,
  })
  .describe(
    'An authorization server of our own, at /oauth: people sign in here and consent to what clients may do.',
  )

type Written = z.output<typeof embeddedSchema>

/** What the section means; complains about what cannot be meant. */
export function embeddedOf(written: Written, at: Path, complain: Complain): EmbeddedSettings {
  const { accessToken, refreshIdle, refresh, clients, registration, dpop, ...programs } = written
  const { from, domains, network } = clients
  if ((from === 'listed') !== domains.length > 0) {
    const where = [...at, 'clients']
    if (from === 'listed') complain([...where, 'domains'], 'empty', 'name the hosts, or use off')
    else complain([...where, 'domains'], 'means nothing', 'it is for `from: listed`')
  }
  if (refreshIdle > refresh) {
    complain([...at, 'refreshIdle'], 'longer than refresh', 'it would never be reached')
  }
  return {
    accessTokenMs: accessToken,
    refreshIdleMs: refreshIdle,
    refreshMs: refresh,
    metadataClients: { from, domains, reach: network },
    registration,
    dpop,
    ...programsOf(programs, { at, complain }),
  }
}
