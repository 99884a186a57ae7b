/** A call that waits for the yes of people, as the control plane shows it to whoever decides. */
import { z } from 'zod'
import {
  GlassLine,
  GrantBeside,
  GrantLine,
  GrantOf,
  NewGrant,
  ReviewGlass,
  RevokeGrant,
} from './admin-grant.ts'
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
  asks: z.array(
    z.object({
      group: z.string(),
      quorum: z.int(),
      policies: z.array(z.string()),
      /** Who may answer too, once nobody has for so long. */
      escalate: z.object({ to: z.string(), afterMs: z.int() }).optional(),
    }),
  ),
  /** What the policies say to whoever decides. */
  message: z.string().optional(),
  bound: Bound,
  answers: z.array(Answer),
  /** Somebody said yes instead of all who were asked. */
  breakGlass: z.object({ by: z.string(), reason: z.string(), at: z.int() }).optional(),
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

const ID = z.string().min(1).max(64)
const REASON = z.string().min(1).max(1_000)
const STATE = `(?:${ADMIN_APPROVAL_STATES.join('|')})`
/** Several states with commas between them: `open,approved`. */
const States = z.string().regex(new RegExp(`^${STATE}(?:,${STATE}){0,5}$`))
/** As a query has it. */
const Flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')])

/** By which people say yes or no: now, in advance, and looking back. */
export const APPROVAL_OPERATIONS = {
  /** Calls that wait for people, and what was said to those before; the newest first. */
  listApprovals: {
    method: 'GET',
    path: '/admin/approvals',
    input: z.strictObject({
      states: States.optional(),
      limit: z.coerce.number().int().min(1).max(500).default(100),
    }),
    output: z.array(ApprovalLine),
  },
  getApproval: {
    method: 'GET',
    path: '/admin/approval',
    input: z.strictObject({ id: ID }),
    output: ApprovalDetail,
  },
  /**
   * Says yes or no, as the principal `operator`. A yes counts if that is in a group asked for; with
   * `breakGlass` instead of all who are asked, if it may do that. `grant` allows the same from now on.
   */
  decideApproval: {
    method: 'POST',
    path: '/admin/approval/decide',
    input: z.strictObject({
      id: ID,
      verdict: z.enum(APPROVAL_VERDICTS),
      reason: REASON.optional(),
      breakGlass: z.boolean().optional(),
      grant: GrantBeside.optional(),
    }),
    output: ApprovalDetail,
  },
  /** Yeses by one person alone that nobody else has looked at; with `all` those that are done, too. */
  listReviews: {
    method: 'GET',
    path: '/admin/reviews',
    input: z.strictObject({ all: Flag.optional() }),
    output: z.array(GlassLine),
  },
  /** Says what `operator` found of one; never of its own. */
  reviewApproval: {
    method: 'POST',
    path: '/admin/review',
    input: ReviewGlass,
    output: GlassLine,
  },
  /** The newest first; with `all` those that have ended, too. */
  listGrants: {
    method: 'GET',
    path: '/admin/grants',
    input: z.strictObject({ all: Flag.optional() }),
    output: z.array(GrantLine),
  },
  getGrant: { method: 'GET', path: '/admin/grant', input: GrantOf, output: GrantLine },
  /** Made by `operator`, who has to be in a group that would be asked. */
  makeGrant: { method: 'POST', path: '/admin/grant/make', input: NewGrant, output: GrantLine },
  /** One more of those who would be asked. */
  agreeGrant: { method: 'POST', path: '/admin/grant/agree', input: GrantOf, output: GrantLine },
  revokeGrant: {
    method: 'POST',
    path: '/admin/grant/revoke',
    input: RevokeGrant,
    output: GrantLine,
  },
} as const
