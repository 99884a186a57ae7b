import type { Effect } from '@countersign/contract'

/** What is asked of whoever is asking, and of nobody else: no group has this name. */
export const SELF = 'self'

/** Who may answer too, once nobody has for so long. */
export interface Escalation {
  /** A group. */
  readonly to: string
  readonly afterMs: number
}

/** How people are asked. */
export interface ApprovalSettings {
  /** How long people have to answer. */
  readonly ttlMs: number
  /** By the group that is asked; an `@escalate` of the policy comes first. */
  readonly escalate: Readonly<Record<string, Escalation>>
  /** Whether whoever asks may answer what `@ask("self")` asks, also through the agent's own client. */
  readonly isSelfConfirmed: boolean
  /** What is decided by people who have just shown a passkey, and by nobody else. */
  readonly passkeyFor: readonly Effect[]
  /** Who may send one call without those who were asked; undefined: nobody. */
  readonly breakGlass?: BreakGlassSettings | undefined
  /** What may be said yes to in advance; undefined: nothing. */
  readonly grants?: GrantSettings | undefined
}

interface BreakGlassSettings {
  readonly group: string
  /** Whoever it was is reminded that nobody has looked at it, after so many days and each day then. */
  readonly reviewDays: number
}

export interface GrantSettings {
  /** The most calls that one grant is for, and the most days. */
  readonly usesMax: number
  readonly daysMax: number
  /** Whoever makes one is in this group too. */
  readonly makers?: string | undefined
}

const DAY_MS = 86_400_000

/** Where nothing is configured: a day to answer, and nothing in advance. */
export const PLAIN_APPROVALS: ApprovalSettings = {
  ttlMs: DAY_MS,
  escalate: {},
  isSelfConfirmed: false,
  passkeyFor: [],
}
