import { Fault } from '@countersign/contract'
import { approversOf, type Approved, type GroupsOf } from '#policy'
import type { Answer, Approval } from './approval.ts'
import { chainOf, sameBound, type Bound } from './bound.ts'
import { LAPSE } from './words.ts'

/** Who decides, and how it was proved. */
export interface Approver {
  /** The id of their principal. */
  readonly principal: string
  readonly means: 'token' | 'local' | 'password' | 'passkey' | 'provider'
  /** When they last proved it, in milliseconds since the epoch. */
  readonly provedAt: number
}

export interface Verdict {
  readonly verdict: Answer['verdict']
  readonly reason?: string | undefined
}

/** A decision needs somebody who is there now, not somebody who was there this morning. */
export const FRESH_MS = 5 * 60_000

interface Around {
  readonly now: number
  readonly groupsOf: GroupsOf
}

/**
 * The approval with one more answer. One no ends it; it is approved when every group asked for has
 * its quorum.
 *
 * @throws Fault for an answer that does not count, and why.
 */
export function answeredBy(
  approval: Approval,
  by: Approver,
  { verdict, reason }: Verdict,
  { now, groupsOf }: Around,
): Approval {
  const { id, bound, answers } = approval
  // GV2: neither who asks nor anything that acts for them, through whichever client.
  if (chainOf(bound).has(by.principal)) {
    throw notYours(`${by.principal} takes part in this call: somebody else has to decide it.`)
  }
  if (by.means !== 'token' && now - by.provedAt > FRESH_MS) {
    throw notYours('Sign in again to decide this: your last proof is too old.')
  }
  const groups = groupsAsked(approval, groupsOf(by.principal))
  if (groups.length === 0) throw notYours(notInGroup(approval, by))
  const end = endAt(approval, now)
  if (end !== undefined) throw over(`${id} is ${end} already: an answer changes nothing any more.`)
  if (answers.some((one) => one.by === by.principal)) {
    throw over(`${by.principal} has answered ${id} already.`)
  }
  const said = reason === undefined ? {} : { reason }
  const answer: Answer = { by: by.principal, groups, verdict, ...said, means: by.means, at: now }
  const answered = { ...approval, answers: [...answers, answer] }
  if (verdict === 'deny') return { ...answered, state: 'denied', endedAt: now }
  return missingIn(answered, groupsOf).length === 0
    ? { ...answered, state: 'approved', endedAt: now }
    : answered
}

/** What it has come to, whether or not that has been written down. */
const endAt = ({ state, expiresAt }: Approval, now: number): Approval['state'] | undefined =>
  state !== 'open' ? state : now >= expiresAt ? 'expired' : undefined

const groupsAsked = ({ asks }: Approval, groups: readonly string[]): readonly string[] =>
  asks.map(({ group }) => group).filter((group) => groups.includes(group))

/** People who said yes, and who are still in the group they said it for. */
const yesesFor = ({ answers }: Approval, group: string, groupsOf: GroupsOf): number =>
  new Set(
    answers
      .filter(({ verdict, groups }) => verdict === 'approve' && groups.includes(group))
      .map(({ by }) => by)
      .filter((by) => groupsOf(by).includes(group)),
  ).size

/** The groups whose quorum is not complete. */
const missingIn = (approval: Approval, groupsOf: GroupsOf): readonly string[] =>
  approval.asks
    .filter(({ group, quorum }) => yesesFor(approval, group, groupsOf) < quorum)
    .map(({ group }) => group)

/** A yes, as policies see it: the groups that are complete, and how many people spoke. */
export function approvedIn(approval: Approval, groupsOf: GroupsOf): Approved {
  const missing = missingIn(approval, groupsOf)
  const groups = approval.asks.map(({ group }) => group).filter((one) => !missing.includes(one))
  const people = new Set(
    approval.answers
      .filter(({ verdict }) => verdict === 'approve')
      .filter(({ by }) => groupsAsked(approval, groupsOf(by)).length > 0)
      .map(({ by }) => by),
  ).size
  return { groups, people }
}

export interface Admitting extends Around {
  /** What the call is now, to be compared with what was approved. */
  readonly bound: Bound
  /** The task and the attempt that want to use it. */
  readonly task: string
  readonly key: string
}

/**
 * Why a call may not go out with this approval; undefined when it may. One attempt uses it, which may
 * come again with the same key as long as its journal says that nothing was sent.
 */
export function lapseOf(approval: Approval, admitting: Admitting): string | undefined {
  const { bound, task, key, now, groupsOf } = admitting
  const { state, usedBy } = approval
  if (approval.task !== task) return LAPSE.other
  if (state === 'used' && usedBy !== key) return LAPSE.used
  if (state !== 'approved' && state !== 'used') return approval.why ?? LAPSE.unapproved
  if (now >= approval.expiresAt) return LAPSE.late
  if (!sameBound(approval.bound, bound)) return changeIn(approval.bound, bound)
  if (missingIn(approval, groupsOf).length > 0) return LAPSE.members
  return undefined
}

/** What differs, in words that tell an agent nothing about rules. */
function changeIn(before: Bound, now: Bound): string {
  if (before.definition !== now.definition) return LAPSE.definition
  if (before.policy.digest !== now.policy.digest || before.policy.number !== now.policy.number) {
    return LAPSE.policies
  }
  return LAPSE.call
}

const notYours = (message: string): Fault => new Fault('approval/not-yours', message)
const over = (message: string): Fault => new Fault('approval/over', message)

const notInGroup = ({ asks }: Approval, { principal }: Approver): string =>
  `This asks for ${approversOf(asks)}, and ${principal} is in none of these groups. Members are named in the configuration: policy.groups.`
