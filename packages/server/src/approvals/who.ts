import type { Effect } from '@countersign/contract'
import { LOCAL } from '#auth'
import { SELF, type ApprovalSettings, type Ask, type GroupsOf } from '#policy'
import type { Answer, Approval } from './approval.ts'
import { chainOf, type Bound } from './bound.ts'

/** Who decides, and how it was proved. */
export interface Approver {
  /** The id of their principal. */
  readonly principal: string
  readonly means: 'token' | 'local' | 'password' | 'passkey' | 'provider' | 'webhook' | 'self'
  /** When they last proved it, in milliseconds since the epoch. */
  readonly provedAt: number
  /** The one group that they may speak for by these means; default: each that they are in. */
  readonly only?: string | undefined
}

/** A decision needs somebody who is there now, not somebody who was there this morning. */
export const FRESH_MS = 5 * 60_000

/** Whoever holds the token of the data folder, as a principal that can be put into groups. */
export const OPERATOR = 'operator'

/** The moment and the rules by which somebody counts. */
export interface Around {
  readonly now: number
  readonly groupsOf: GroupsOf
  readonly settings: ApprovalSettings
}

/** Why it is not for them, as a sentence; undefined when it may be. What is asked comes after it. */
export function unfit(by: Approver, effect: Effect, { now, settings }: Around): string | undefined {
  const isKey = by.means === 'token' || by.means === 'webhook'
  if (!isKey && now - by.provedAt > FRESH_MS) {
    return 'Sign in again to decide this: your last proof is too old.'
  }
  if (settings.passkeyFor.includes(effect) && by.means !== 'passkey') {
    return `What is ${effect} is decided with a passkey: sign in with yours on the page of this request.`
  }
  return undefined
}

/** GV2: neither who asks nor anything that acts for them, through whichever client. */
export const takesPart = (bound: Bound, principal: string): boolean => chainOf(bound).has(principal)

/** Whoever asks: in local mode that is whoever sits at this computer, and holds its token. */
const isAsker = (bound: Bound, principal: string): boolean =>
  principal === bound.principal || (bound.principal === LOCAL.id && principal === OPERATOR)

type Asked = Pick<Approval, 'asks' | 'bound' | 'createdAt'>

/** The groups that may answer what this asks, at this moment. */
const seatsOf = ({ group, escalate }: Ask, createdAt: number, at: number): readonly string[] =>
  escalate && at >= createdAt + escalate.afterMs ? [group, escalate.to] : [group]

/** Where somebody may answer: the names of the groups that were asked, or that it went on to. */
export function seatsFor(
  approval: Asked,
  { principal, only }: Pick<Approver, 'principal' | 'only'>,
  around: Pick<Around, 'now' | 'groupsOf'>,
): readonly string[] {
  const { asks, bound, createdAt } = approval
  const groups = takesPart(bound, principal) ? [] : around.groupsOf(principal)
  const seats = asks.flatMap((ask) => {
    if (ask.group === SELF) return isAsker(bound, principal) ? [SELF] : []
    return seatsOf(ask, createdAt, around.now).filter((one) => groups.includes(one))
  })
  return [...new Set(seats)].filter((one) => only === undefined || one === only)
}

/** Whether an answer is one to this, by somebody who could still give it. */
export function answersTo(
  { bound, createdAt }: Asked,
  ask: Ask,
  { by, groups, at }: Pick<Answer, 'by' | 'groups' | 'at'>,
  groupsOf: GroupsOf,
): boolean {
  const seats = seatsOf(ask, createdAt, at).filter((one) => groups.includes(one))
  if (ask.group === SELF) return seats.length > 0 && isAsker(bound, by)
  const now = groupsOf(by)
  return seats.some((one) => now.includes(one))
}
