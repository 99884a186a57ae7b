import { z } from 'zod'

const NAME = z.string().min(1).max(500)

/** Whose calls are counted together; what is absent tells none apart. */
const Key = z.strictObject({
  principal: NAME.optional(),
  client: NAME.optional(),
  tool: NAME.optional(),
  server: NAME.optional(),
  view: z.string().max(500).optional(),
})

/** What one limit has counted under one key, and what is left of it. */
const QuotaLine = z.object({
  quota: z.string(),
  limit: z.enum(['rate', 'budget', 'atOnce']),
  key: z.record(z.string(), z.string()),
  /** The calls it allows: at one moment, in its span, under way. */
  max: z.int(),
  left: z.int(),
  /** When a budget begins anew, in milliseconds since the epoch. */
  until: z.int().optional(),
})
export type QuotaLine = z.output<typeof QuotaLine>

const ResetQuota = z.strictObject({
  quota: z.string().min(1).max(64),
  /** Default: every counter of it. */
  key: Key.optional(),
  reason: z.string().min(1).max(1_000),
})
export type ResetQuota = z.output<typeof ResetQuota>

/** Limits, as whoever keeps the house sees them. */
export const QUOTA_OPERATIONS = {
  /** What the limits have counted, and what is left of them. */
  listQuotas: {
    method: 'GET',
    path: '/admin/quotas',
    input: z.strictObject({}),
    output: z.array(QuotaLine),
  },
  /** Counts anew; answers with what was forgotten. */
  resetQuota: {
    method: 'POST',
    path: '/admin/quota/reset',
    input: ResetQuota,
    output: z.array(QuotaLine),
  },
} as const
