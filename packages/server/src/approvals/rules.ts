import { Fault } from '@countersign/contract'
import { approversOf, SELF, type Approved, type Ask, type GroupsOf } from '#policy'
import type { Answer, Approval } from './approval.ts'
import { sameBound, type Bound } from './bound.ts'
import { answersTo, seatsFor, takesPart, unfit, type Approver, type Around } from './who.ts'
import { LAPSE } from './words.ts'

export interface Verdict {
  readonly verdict: Answer['verdict']
  readonly reason?: string | undefined
  /** A yes instead of that of all who are asked, by somebody who may. */
  readonly isBreakGlass?: boolean | undefined
}

/**
 * The approval with one more answer. One no ends it; it is approved when every group asked for has
 * its quorum, or by one who breaks the glass.
 *
 * @throws Fault for an answer that does not count, and why.
 */
export function answeredBy(
  approval: Approval,
  by: Approver,
  said: Verdict,
  around: Around,
): Approval {
  const { now, groupsOf } = around
  const isGlass = said.isBreakGlass === true
  const groups = speaksFor(approval, by, said, around)
  checkOpen(approval, by, isGlass, now)
  const answer = answerOf(by, said, groups, now)
  const answered = { ...approval, answers: [...approval.answers, answer] }
  if (said.verdict === 'deny') return { ...answered, state: 'denied', endedAt: now }
  if (isGlass) return { ...answered, ...brokenBy(answer), state: 'approved', endedAt: now }
  return missingIn(answered, groupsOf).length === 0
    ? { ...answered, state: 'approved', endedAt: now }
    : answered
}

/** For which groups they speak here. @throws Fault for who has no say in it. */
function speaksFor(
  approval: Approval,
  by: Approver,
  said: Verdict,
  around: Around,
): readonly string[] {
  const { bound } = approval
  const isGlass = said.isBreakGlass === true
  const groups = isGlass ? [glassGroup(by, said, around)] : seatsFor(approval, by, around)
  // GV2: but for what asks whoever asks, and nobody else.
  if (takesPart(bound, by.principal) && (isGlass || groups.length === 0)) {
    throw notYours(`${by.principal} takes part in this call: somebody else has to decide it.`)
  }
  const why = unfit(by, bound.effect, around)
  if (why !== undefined) throw notYours(why)
  if (groups.length === 0) throw notYours(notInGroup(approval, by))
  if (groups.includes(SELF) && !around.settings.isSelfConfirmed) throw notYours(SELF_IS_OFF)
  return groups
}

function checkOpen(approval: Approval, { principal }: Approver, isGlass: boolean, now: number) {
  const { id, answers } = approval
  const end = endAt(approval, now)
  if (end !== undefined) throw over(`${id} is ${end} already: an answer changes nothing any more.`)
  if (isGlass || answers.every((one) => one.by !== principal)) return
  throw over(`${principal} has answered ${id} already.`)
}

function answerOf(
  { principal, means }: Approver,
  { verdict, reason, isBreakGlass }: Verdict,
  groups: readonly string[],
  at: number,
): Answer {
  const said = reason === undefined ? {} : { reason }
  const glass = isBreakGlass === true ? { isBreakGlass } : {}
  // Whoever asks says of their own call what they say: the entry tells that it was no second person.
  const how = groups.every((one) => one === SELF) ? SELF : means
  return { by: principal, groups, verdict, ...said, means: how, at, ...glass, isNoted: false }
}

const brokenBy = ({ by, groups, reason = '', at }: Answer): Pick<Approval, 'glass'> => ({
  glass: { by, group: groups[0] ?? '', reason, at },
})

/** The group by which somebody may decide alone. @throws Fault for who may not, and without a reason. */
function glassGroup(
  { principal }: Approver,
  { verdict, reason = '' }: Verdict,
  { groupsOf, settings }: Around,
): string {
  const group = settings.breakGlass?.group
  if (group === undefined) {
    throw notYours('Nobody may break the glass here: policy.approvals.breakGlass names no group.')
  }
  if (!groupsOf(principal).includes(group)) {
    throw notYours(`Only someone of "${group}" may break the glass, and ${principal} is not.`)
  }
  if (verdict !== 'approve') throw notYours('Breaking the glass is a yes: a no needs none of it.')
  if (reason.trim() === '') throw notYours('Whoever breaks the glass says why: give a reason.')
  return group
}

/** What it has come to, whether or not that has been written down. */
const endAt = ({ state, expiresAt }: Approval, now: number): Approval['state'] | undefined =>
  state !== 'open' ? state : now >= expiresAt ? 'expired' : undefined

/** People who said yes, and who are still in the group they said it for. */
const yesesFor = (approval: Approval, ask: Ask, groupsOf: GroupsOf): number =>
  new Set(
    approval.answers
      .filter(({ verdict, isBreakGlass }) => verdict === 'approve' && isBreakGlass !== true)
      .filter((answer) => answersTo(approval, ask, answer, groupsOf))
      .map(({ by }) => by),
  ).size

/** The groups whose quorum is not complete. */
const missingIn = (approval: Approval, groupsOf: GroupsOf): readonly string[] =>
  isBroken(approval, groupsOf)
    ? []
    : approval.asks
        .filter((ask) => yesesFor(approval, ask, groupsOf) < ask.quorum)
        .map(({ group }) => group)

/** Whether somebody decided alone who still may. */
const isBroken = ({ glass }: Approval, groupsOf: GroupsOf): boolean =>
  glass !== undefined && groupsOf(glass.by).includes(glass.group)

/** A yes, as policies see it: the groups that are complete, and how many people spoke. */
export function approvedIn(approval: Approval, groupsOf: GroupsOf): Approved {
  const { asks, answers } = approval
  const missing = missingIn(approval, groupsOf)
  const groups = asks.map(({ group }) => group).filter((one) => !missing.includes(one))
  if (isBroken(approval, groupsOf)) {
    return { groups, people: Math.max(...asks.map(({ quorum }) => quorum)) }
  }
  const people = new Set(
    answers
      .filter(({ verdict }) => verdict === 'approve')
      .filter((answer) => asks.some((ask) => answersTo(approval, ask, answer, groupsOf)))
      .map(({ by }) => by),
  ).size
  return { groups, people }
}

export interface Admitting extends Pick<Around, 'now' | 'groupsOf'> {
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

const SELF_IS_OFF =
  'Nobody may confirm a call of their own here: policy.approvals.selfConfirm is not set.'

const notInGroup = ({ asks }: Approval, { principal }: Approver): string =>
  `This asks for ${approversOf(asks)}, and ${principal} is in none of these groups. Members are named in the configuration: policy.groups.`
