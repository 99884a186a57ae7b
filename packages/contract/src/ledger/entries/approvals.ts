/** A yes by one person alone, a yes in advance, and what went on to others. */
import { z } from 'zod'
import { approval, asks, count, moment, object, text, texts } from './shapes.ts'

/** Break-glass, and what somebody else found of it; and whom a question went on to. */
export const GLASS_ENTRIES = {
  'approval.escalated': z.strictObject({ ...approval, group: text, to: text, afterMs: count }),
  /** What whoever asks said of their own call, through the client of their agent. */
  'approval.self': z.strictObject({
    call: text,
    principal: text,
    verdict: z.enum(['approve', 'deny']),
    means: z.literal('self'),
    policies: texts,
    bound: object,
  }),
  'break-glass.used': z.strictObject({
    ...approval,
    by: text,
    group: text,
    means: text,
    reason: text,
    asks,
    bound: object,
  }),
  'break-glass.unreviewed': z.strictObject({ ...approval, by: text, days: count }),
  'break-glass.reviewed': z.strictObject({
    ...approval,
    by: text,
    verdict: z.enum(['justified', 'unjustified']),
    comment: text.optional(),
  }),
} as const

const maker = z.strictObject({ by: text, groups: texts, means: text })

/** Standing grants: the loudest lines there are. Bounds of arguments are told by path, not by value. */
export const GRANT_ENTRIES = {
  'grant.made': z.strictObject({
    grant: text,
    owner: text,
    principal: text,
    client: text.optional(),
    what: object,
    bounds: object,
    uses: count,
    from: moment,
    until: moment,
    hours: text.optional(),
    asks,
    makers: z.array(maker).readonly(),
    state: z.enum(['pending', 'active']),
    /** It goes on when definitions and policies change: whoever made it said so. */
    isAnyVersion: z.boolean(),
    approval: text.optional(),
    reason: text.optional(),
  }),
  /** One more of those who would have been asked, as far as it takes several. */
  'grant.agreed': z.strictObject({
    grant: text,
    by: text,
    groups: texts,
    means: text,
    state: z.enum(['pending', 'active']),
  }),
  'grant.ended': z.strictObject({ grant: text, why: text }),
  'grant.revoked': z.strictObject({ grant: text, by: text, reason: text.optional(), left: count }),
} as const
