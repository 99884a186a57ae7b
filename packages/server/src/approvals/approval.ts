import type { JsonObject } from '@countersign/contract'
import type { Ask } from '#policy'
import { boundJson, type Bound } from './bound.ts'

/**
 * `open` waits for answers. `approved` may be used once, by the call that asked; the rest are ends:
 * `used` is a yes that its call went out with, `void` one that no longer fits or was withdrawn.
 */
export const APPROVAL_STATES = ['open', 'approved', 'denied', 'expired', 'void', 'used'] as const
export type ApprovalState = (typeof APPROVAL_STATES)[number]

export interface Answer {
  /** The id of a principal. */
  readonly by: string
  /** The groups asked for that they were in. */
  readonly groups: readonly string[]
  readonly verdict: 'approve' | 'deny'
  readonly reason?: string
  /** How they proved who they are. */
  readonly means: string
  readonly at: number
  /** Said instead of all who were asked, by somebody who may. */
  readonly isBreakGlass?: true
  /** False until it stands in the ledger. */
  readonly isNoted?: boolean
}

/** One person's yes instead of that of all who were asked. */
interface BrokenGlass {
  readonly by: string
  /** The group that may do so, and in which they still have to be when the call goes out. */
  readonly group: string
  readonly reason: string
  readonly at: number
}

/** What whoever decides is shown of the call, beside what it is bound to. */
export interface Shown {
  /** The tool as the client called it. */
  readonly name: string
  readonly arguments: JsonObject
  /** They are kept beside it, for whoever looks at this one: a list is without them. */
  readonly isApart?: true
  /** The server's own words about its tool. */
  readonly title?: string
  readonly description?: string
  /** What the client calls itself. */
  readonly client: string
}

/** One call that waits for people, and what they said. Times are milliseconds since the epoch. */
export interface Approval {
  readonly id: string
  readonly task: string
  /** A task may ask again, when other policies have come to apply: from 1. */
  readonly round: number
  /** Its id in the ledger. */
  readonly call: string
  readonly state: ApprovalState
  readonly bound: Bound
  readonly asks: readonly Ask[]
  /** What the policies say to whoever decides. */
  readonly message?: string
  readonly shown: Shown
  readonly answers: readonly Answer[]
  readonly createdAt: number
  readonly expiresAt: number
  readonly endedAt?: number
  /** Why it is void. */
  readonly why?: string
  /** The attempt that it was used by. */
  readonly usedBy?: string
  /** The groups that nobody of has answered in time, so that others may: those that are noted. */
  readonly escalated?: readonly string[]
  readonly glass?: BrokenGlass
  /** False until its end stands in the ledger. */
  readonly isNoted?: boolean
}

/** What the policies ask for before one call may be sent. */
export interface Asking {
  readonly asks: readonly Ask[]
  readonly message?: string
  readonly bound: Bound
}

export const isOver = ({ state }: Pick<Approval, 'state'>): boolean => state !== 'open'

/** One for each round of a task, so that asking twice is asking once. */
export const approvalId = (task: string, round: number): string => {
  const rest = task.replace(/^task_/, '')
  return round === 1 ? `ap_${rest}` : `ap_${rest}.${String(round)}`
}

/** Where somebody who can sign in decides it. */
export const approvalPath = (id: string): string => `/approvals/${id}`

/** An approval as it is kept. */
export const toRecord = (approval: Approval): JsonObject => {
  const { bound, asks, shown, answers, escalated, glass, ...rest } = approval
  return {
    ...rest,
    ...(escalated ? { escalated: [...escalated] } : {}),
    ...(glass ? { glass: { ...glass } } : {}),
    bound: boundJson(bound),
    asks: asksJson(asks),
    shown: { ...shown },
    answers: answers.map((one) => ({ ...one, groups: [...one.groups] })),
  }
}

export const asksJson = (asks: readonly Ask[]): AskJson[] =>
  asks.map(({ group, quorum, policies, escalate }) => ({
    group,
    quorum,
    policies: [...policies],
    ...(escalate ? { escalate: { ...escalate } } : {}),
  }))

type AskJson = {
  group: string
  quorum: number
  policies: string[]
  escalate?: { to: string; afterMs: number }
}

/** Reads what `toRecord` wrote: only this room writes them. */
export const fromRecord = (value: JsonObject): Approval =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  value as unknown as Approval
