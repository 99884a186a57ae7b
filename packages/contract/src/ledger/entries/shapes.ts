import { z } from 'zod'
import type { Json, JsonObject } from '../../json.ts'

export const text = z.string()
/** Milliseconds since the epoch. */
export const moment = z.int()
export const count = z.int().nonnegative()
export const texts = z.array(z.string()).readonly()
/** `sha256:` and hex, or of a keyed hash where payloads are kept per subject. */
export const digest = z.string()

export const json: z.ZodType<Json, Json> = z.json().meta({ id: 'json' })
/** What another room, or another program, gives a shape to. */
export const object: z.ZodType<JsonObject, JsonObject> = z.record(z.string(), json)

/** Beyond so many in a minute strangers bring about no entries of their own: the rest is counted. */
export const folded = z.strictObject({ more: count, withinMs: count.optional() })

/** Which policies were in force. */
export const version = z.strictObject({ number: z.int(), digest })

/** An approval: what a person says yes or no to, with all that it is bound to. */
export const approval = { approval: text, task: text, call: text } as const
/** Who is asked, and whom it goes to when nobody answers. */
export const asks = z
  .array(
    z.strictObject({
      group: text,
      quorum: count,
      escalate: z.strictObject({ to: text, afterMs: count }).optional(),
      policies: texts,
    }),
  )
  .readonly()
