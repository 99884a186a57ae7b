/** A call that waits for the yes of people, as the control plane shows it to whoever decides. */
import { z } from 'zod'
import { EFFECTS } from './tool.ts'

/** `approved` is not sent yet; `used` is, or was about to be; `void` no longer fits its call. */
export const ADMIN_APPROVAL_STATES = [
  'open',
  'approved',
  'denied',
  'expired',
  'void',
  'used',
] as const

/** What can be said to it. */
export const APPROVAL_VERDICTS = ['approve', 'deny'] as const

const Answer = z.object({
  /** The id of a principal; `operator` for whoever holds the token of the data folder. */
  by: z.string(),
  groups: z.array(z.string()),
  verdict: z.enum(APPROVAL_VERDICTS),
  reason: z.string().optional(),
  means: z.string(),
  at: z.int(),
})

/** All that a yes is bound to: when one of these is different, it does not count. */
const Bound = z.object({
  principal: z.string(),
  client: z.string(),
  /** Every program between the principal and us. None of them may approve. */
  actors: z.array(z.string()),
  view: z.string(),
  server: z.string(),
  tool: z.string(),
  effect: z.enum(EFFECTS),
  /** Digest of the definition. */
  definition: z.string(),
  /** Digest of the canonical arguments. */
  arguments: z.string(),
  policy: z.object({ number: z.int(), digest: z.string() }),
})

/** One line of a list. Times are in milliseconds since the epoch. */
export const ApprovalLine = z.object({
  id: z.string(),
  task: z.string(),
  /** Its id in the ledger. */
  call: z.string(),
  state: z.enum(ADMIN_APPROVAL_STATES),
  /** Who has to say yes: each group with its quorum, and the policies that ask for it. */
  asks: z.array(z.object({ group: z.string(), quorum: z.int(), policies: z.array(z.string()) })),
  /** What the policies say to whoever decides. */
  message: z.string().optional(),
  bound: Bound,
  answers: z.array(Answer),
  createdAt: z.int(),
  expiresAt: z.int(),
  endedAt: z.int().optional(),
  /** Why it is void. */
  why: z.string().optional(),
})

/** Everything that whoever decides has to see: exactly what would be sent, and for which definition. */
export const ApprovalDetail = ApprovalLine.extend({
  /** The tool as the client called it. */
  name: z.string(),
  arguments: z.record(z.string(), z.json()),
  /** The server's own words about its tool; nobody vouches for them. */
  title: z.string().optional(),
  description: z.string().optional(),
})
