import type { JsonObject } from '@countersign/contract'
import { toldOf, type Lift, type Standing } from '#approvals'
import type { Decision } from '#policy'
import type { Client } from './asked.ts'
import { boundOf, judgeApproved, type Case, type JudgeRooms } from './judge-approved.ts'
import { heldBack } from './screen.ts'
import type { Target } from './target.ts'

export interface Judgement {
  readonly decision: Decision<Target>
  /** By whose yes, for the ledger (GV6). */
  readonly told: JsonObject
  /** Whether somebody's yes let it through, which the policies by themselves would ask for again. */
  readonly isLifted?: boolean
  /** Uses the yes up that it goes out with; right before it leaves. */
  readonly spend: () => Promise<void>
}

export interface JudgeCallRooms extends JudgeRooms {
  readonly standing: Standing
}

const nothing = async (): Promise<void> => undefined

/** Judges a call: with the approval it comes with, else with what was approved in advance. */
export async function judgeCall(
  rooms: JudgeCallRooms,
  judged: Case,
  { using }: Pick<Client, 'using'>,
): Promise<Judgement> {
  const { policy, approvals } = rooms
  const { who, target, about, blocked = [] } = judged
  if (blocked.length > 0) return refusedFor(blocked, target)
  if (using) {
    const decision = await judgeApproved(rooms, judged, using)
    // Used up before it is written down that it left: a crash in between loses nothing, since the
    // same attempt may use it again, and nobody else.
    const spend = (): Promise<void> => approvals.use(using, boundOf(judged, decision))
    const approval = await approvals.find(using.id)
    const told = approval ? toldOf(approval) : { approval: using.id }
    return { decision, told, spend, isLifted: true }
  }
  const decision = policy.decide(who, target, about)
  if (decision.kind !== 'ask') return { decision, told: {}, spend: nothing }
  const bound = boundOf(judged, decision)
  const lift = await rooms.standing.find(bound, decision.asks, about.arguments)
  return (lift && lifted(rooms, judged, lift)) ?? { decision, told: {}, spend: nothing }
}

/** PO-070: no policy and nobody's yes has a say in it. */
const refusedFor = (blocked: readonly string[], { server }: Target): Judgement => ({
  decision: { kind: 'deny', because: heldBack(blocked, server), policies: [] },
  told: { blocked: [...blocked] },
  spend: nothing,
})

/** Undefined when what was approved in advance does not suffice. */
function lifted(
  { policy }: JudgeCallRooms,
  { who, target, about }: Case,
  { approved, told, spend }: Lift,
): Judgement | undefined {
  const decision = policy.decide(who, target, { ...about, approval: approved })
  return decision.kind === 'allow' ? { decision, told, spend, isLifted: true } : undefined
}
