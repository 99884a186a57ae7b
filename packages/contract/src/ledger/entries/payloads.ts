import { z } from 'zod'
import { count, text, texts } from './shapes.ts'

/** What calls carried: who read it, and what was destroyed. */
export const PAYLOAD_ENTRIES = {
  /** Before it is read; `call` when it was one, `calls` when it was several. */
  'payload.read': z.strictObject({
    by: text,
    call: text.exactOptional(),
    calls: texts.exactOptional(),
    why: text.exactOptional(),
  }),
  /** The proof stands; what was kept of the subject is gone. */
  erasure: z.strictObject({
    subject: text,
    by: text,
    reason: text.exactOptional(),
    /** Whether there was a key, which salted digests and sealed payloads. */
    hadKey: z.boolean(),
    payloads: count,
    tasks: count,
    approvals: count,
    /** Standing grants, with what they were bound to. */
    grants: count,
    /** Whether the database files were written anew, so that nothing of it is left in them. */
    isScrubbed: z.boolean(),
  }),
  /** A call that follows from this one: `by` is its id. */
  'call.followed': z.strictObject({ call: text, by: text, why: z.enum(['undo', 'reconcile']) }),
} as const
