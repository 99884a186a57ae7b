import { z } from 'zod'

/** What the house shows to servers behind it, as an administrator sees it: never a token. */
const SERVER = z.string().min(1).max(64)
const PRINCIPAL = z.string().min(1).max(500)

/** One credential. Without `principal` it is the house's own; times are milliseconds since the epoch. */
export const ConnectionLine = z.object({
  server: z.string(),
  principal: z.string().optional(),
  issuer: z.string(),
  resource: z.string(),
  client: z.string(),
  scopes: z.array(z.string()),
  tokenType: z.string(),
  isBound: z.boolean(),
  hasRefresh: z.boolean(),
  expiresAt: z.number().optional(),
  status: z.enum(['connected', 'reconnect_required']),
  /** Counts its renewals from 1. */
  version: z.int(),
})

export const ConnectionOf = z.strictObject({ server: SERVER, principal: PRINCIPAL.optional() })

/** Whether its issuer ended it too (RFC 7009). */
export const RemovedConnection = z.object({ server: z.string(), isRevoked: z.boolean() })

/** The page on which somebody connects an account. */
export const ConnectionPage = z.object({ url: z.string() })

export const Rekeyed = z.object({ count: z.int() })
