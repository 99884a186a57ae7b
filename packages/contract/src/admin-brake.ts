import { z } from 'zod'

const NAME = z.string().min(1).max(500)

/** What is stopped: all of it that there is, whoever asks. */
export const Stopped = z.discriminatedUnion('what', [
  z.strictObject({ what: z.literal('everything') }),
  z.strictObject({ what: z.literal('server'), server: NAME }),
  z.strictObject({ what: z.literal('tool'), server: NAME, tool: NAME }),
  z.strictObject({ what: z.literal('client'), client: NAME }),
  z.strictObject({ what: z.literal('principal'), principal: NAME }),
  /** By the id that entries have of it, or by what its client calls it; of one principal or of any. */
  z.strictObject({ what: z.literal('run'), run: NAME, principal: NAME.exactOptional() }),
])
export type Stopped = z.output<typeof Stopped>

/** A standing order that nothing of this is called until it is lifted. */
export const Brake = z.object({
  id: z.string(),
  stopped: Stopped,
  reason: z.string(),
  by: z.string(),
  /** Milliseconds since the epoch. */
  at: z.int(),
})
export type Brake = z.output<typeof Brake>

export const Pulled = z.object({
  brake: Brake,
  /** Tasks that were under way and were cancelled. */
  cancelled: z.array(z.string()),
})
