import { z } from 'zod'
import { count, folded, text } from './shapes.ts'

/** What others are told, and what they may say from outside. */
export const FEED_ENTRIES = {
  /** Its receiver wants no more (410 Gone), or somebody stopped it: events wait in the ledger. */
  'webhook.disabled': z.strictObject({ webhook: text, problem: text, by: text.optional() }),
  'webhook.enabled': z.strictObject({ webhook: text, by: text }),
  /** An event was not taken for a day, and was put aside: the place in the ledger names it. */
  'webhook.dead': z.strictObject({
    webhook: text,
    event: count,
    kind: text,
    attempts: count,
    problem: text,
  }),
  /** A decision from outside that did not count. */
  'decision.refused': z.union([
    z.strictObject({ reason: text, decider: text.optional(), approval: text.optional() }),
    folded,
  ]),
} as const
