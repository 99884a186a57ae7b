/** A yes in advance, and what somebody found of a yes by one person alone, as the control plane has them. */
import { z } from 'zod'
import { EFFECTS } from './tool.ts'

const NAME = z.string().min(1).max(500)
const TOOL = z.string().min(1).max(256)
const GRANT_ID = z.string().min(1).max(64)
const WHY = z.string().min(1).max(1_000)

/** `pending` needs more people; `active` is good for calls; the rest are ends. */
export const ADMIN_GRANT_STATES = ['pending', 'active', 'used', 'expired', 'revoked'] as const

/** What one argument has to be. */
export const GRANT_TESTS = ['equals', 'oneOf', 'min', 'max', 'prefix'] as const

const ArgumentBound = z.strictObject({
  /** As policies name arguments: `filter.owner`. */
  path: z.string().min(1).max(512),
  test: z.enum(GRANT_TESTS),
  value: z.json(),
})

/** A tool, a server with all its tools, or every tool of a label. */
const What = z.union([
  z.strictObject({ server: z.string().min(1).max(64), tool: TOOL.optional() }),
  z.strictObject({ label: z.string().min(1).max(64) }),
])

/** A standing grant as somebody wants it. Times are in milliseconds since the epoch. */
export const NewGrant = z.strictObject({
  /** Whose calls: the id of a principal. */
  principal: NAME,
  /** Through this client alone; otherwise through any. */
  client: z.string().min(1).max(2_048).optional(),
  what: What,
  /** The groups that would be asked. */
  groups: z.array(z.string().min(1).max(64)).min(1).max(20),
  /** Of those arguments that no line names, anything goes. */
  where: z.array(ArgumentBound).max(20).default([]),
  /** These arguments and no others. */
  exactly: z.record(z.string(), z.json()).optional(),
  uses: z.int().min(1),
  from: z.int().optional(),
  until: z.int(),
  /** `mon-fri 08:00-18:00`, in the time zone of the policies. */
  hours: z.string().max(40).optional(),
  /** Who answers for it; otherwise whoever makes it. */
  owner: NAME.optional(),
  /** Goes on when definitions and policies change, whatever they change to. */
  isAnyVersion: z.boolean().default(false),
  reason: WHY.optional(),
})

/** What comes with a yes: as many calls like this one. */
export const GrantBeside = z.strictObject({
  uses: z.int().min(1),
  until: z.int(),
  /** The same tool with other arguments, too. */
  isAnyArguments: z.boolean().default(false),
})

export const GrantLine = z.object({
  id: z.string(),
  state: z.enum(ADMIN_GRANT_STATES),
  owner: z.string(),
  principal: z.string(),
  client: z.string().optional(),
  /** Through exactly these programs. */
  actors: z.array(z.string()).optional(),
  what: What,
  isExact: z.boolean(),
  where: z.array(ArgumentBound),
  uses: z.int(),
  left: z.int(),
  from: z.int(),
  until: z.int(),
  hours: z.string().optional(),
  asks: z.array(z.object({ group: z.string(), quorum: z.int() })),
  makers: z.array(
    z.object({ by: z.string(), groups: z.array(z.string()), means: z.string(), at: z.int() }),
  ),
  isAnyVersion: z.boolean(),
  approval: z.string().optional(),
  reason: z.string().optional(),
  createdAt: z.int(),
  endedAt: z.int().optional(),
})

export const GrantOf = z.strictObject({ id: GRANT_ID })
export const RevokeGrant = z.strictObject({ id: GRANT_ID, reason: WHY.optional() })

/** What somebody else found of a broken glass. */
export const GLASS_VERDICTS = ['justified', 'unjustified'] as const

export const ReviewGlass = z.strictObject({
  /** The id of the approval. */
  id: GRANT_ID,
  verdict: z.enum(GLASS_VERDICTS),
  comment: WHY.optional(),
})

export const GlassLine = z.object({
  id: z.string(),
  task: z.string(),
  call: z.string(),
  by: z.string(),
  reason: z.string(),
  server: z.string(),
  tool: z.string(),
  effect: z.enum(EFFECTS),
  principal: z.string(),
  brokenAt: z.int(),
  reviewed: z
    .object({
      by: z.string(),
      verdict: z.enum(GLASS_VERDICTS),
      comment: z.string().optional(),
      at: z.int(),
    })
    .optional(),
})
