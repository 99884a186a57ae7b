import { z } from 'zod'

const Json = z.record(z.string(), z.json())

/** Which policies were in force. */
const Version = z.object({ number: z.int(), digest: z.string() })

/** What was decided about a round of a call, and by what. */
const Decision = z.object({
  kind: z.enum(['allow', 'ask', 'deny']),
  policies: z.array(z.string()),
  version: Version.optional(),
})

/**
 * One round of a call: asked, judged, and carried out or not. A plain call has one; whoever came back
 * with answers, or was tried again after a crash, has more.
 */
const Round = z.object({
  call: z.string(),
  round: z.int(),
  openedAt: z.int(),
  /** Of the arguments, never themselves. */
  arguments: z.string(),
  decision: Decision,
  /** With which credential of ours the server was called; absent where it wants none. */
  credential: z.string().optional(),
  closedAt: z.int().optional(),
  /** Absent while nobody knows. */
  outcome: z.string().optional(),
  reason: z.string().optional(),
  isError: z.boolean().optional(),
  durationMs: z.number().optional(),
})

/** Anything else that was written down about it: tasks, approvals, settlements. */
const Event = z.object({ at: z.int(), kind: z.string(), body: Json })

/** Who asked, on whose behalf, under what, what was decided, and what came of it. Version 1. */
export const Custody = z.object({
  custody: z.literal('countersign-custody/1'),
  call: z.string(),
  principal: z.string(),
  /** How it was proved, which token, which scopes about this server, who acted; absent in local mode. */
  authority: Json.optional(),
  client: z.string(),
  view: z.string(),
  server: z.string(),
  method: z.string(),
  name: z.string(),
  effect: z.string(),
  /** Of the definition that was called. */
  definition: z.string().optional(),
  rounds: z.array(Round),
  events: z.array(Event),
  /** Its task, when it became one, as it stands now. */
  task: z.object({ id: z.string(), state: z.string() }).optional(),
  /** What of the ledger proves this; `countersign receipt` has the proofs. */
  ledger: z.object({ origin: z.string(), entries: z.array(z.int()), isSigned: z.boolean() }),
})
