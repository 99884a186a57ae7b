import {
  approvedIn,
  endedInWords,
  lapsedInWords,
  lapseOf,
  LAPSE,
  type Approvals,
  type Bound,
  type Using,
} from '#approvals'
import type { Principal } from '#auth'
import type { World } from '#base'
import type { About, Decision, Policy, Run } from '#policy'
import type { Target } from './target.ts'

export interface JudgeRooms {
  readonly world: World
  readonly policy: Policy
  readonly approvals: Pick<Approvals, 'find' | 'lapse' | 'use' | 'groupsOf' | 'settings' | 'lapsed'>
}

/** What is judged: whose call of what, under which circumstances. */
export interface Case {
  readonly who: Principal
  readonly target: Target
  readonly about: About & { readonly argumentsDigest: string }
  /** The run that it is part of, where runs are told apart. */
  readonly run?: Run | undefined
  /** What must not be sent was found in it. */
  readonly blocked?: readonly string[] | undefined
  /** What the client calls itself. */
  readonly label: string
}

/**
 * Judges a call that goes out with an approval, with the policies of this moment: all that the
 * approval is bound to must still be so (GV1). What it does not lift any more is not sent.
 */
export async function judgeApproved(
  { world, policy, approvals }: JudgeRooms,
  judged: Case,
  { id, task, key }: Using,
): Promise<Decision<Target>> {
  const { who, target, about } = judged
  const approval = await approvals.find(id)
  if (!approval) return denied(lapsedInWords(LAPSE.gone))
  const { groupsOf } = approvals
  const approved = approvedIn(approval, groupsOf)
  const decision = policy.decide(who, target, { ...about, approval: approved })
  // A brake is no version of the policies: what it stops is told so, and not that something changed.
  if (decision.kind === 'deny' && decision.version === undefined) {
    await approvals.lapse(id, LAPSE.refused)
    return decision
  }
  const now = world.now()
  const bound = boundOf(judged, decision)
  const why = lapseOf(approval, { bound, task, key, now, groupsOf })
  if (why !== undefined) {
    await approvals.lapse(id, why)
    const isUnapproved = approval.state === 'denied' || approval.state === 'expired'
    return denied(isUnapproved ? endedInWords(approval, now) : lapsedInWords(why), decision)
  }
  if (decision.kind === 'allow') return decision
  // Another hour, another group: what asks now is asked for, and the old yes counts no more.
  const plain = policy.decide(who, target, about)
  await approvals.lapse(id, LAPSE.policies)
  return plain.kind === 'ask' ? plain : decision
}

const denied = (
  because: string,
  { version }: Partial<Decision<Target>> = {},
): Decision<Target> => ({
  kind: 'deny',
  because,
  policies: [],
  ...(version ? { version } : {}),
})

/** All that a yes to this call is bound to. */
export function boundOf(
  { who, target, about, label }: Case,
  { version }: Pick<Decision<Target>, 'version'>,
): Bound {
  const isLocal = who.proof === 'local'
  return {
    principal: who.id,
    client: (isLocal ? undefined : who.client) ?? label,
    actors: isLocal ? [] : programsOf(who),
    view: about.view,
    server: target.server,
    tool: target.name,
    effect: target.effect,
    definition: target.digest ?? '',
    arguments: about.argumentsDigest,
    policy: { number: version?.number ?? 0, digest: version?.digest ?? '' },
  }
}

const idOf = (from: string, name: string): string => `${from}#${encodeURIComponent(name)}`

type Authorized = Exclude<Principal, { readonly proof: 'local' }>

/** Every program between, by the id that it would have as a principal of its own (GV2). */
function programsOf({ issuer, client, actors }: Authorized): readonly string[] {
  const acting = actors.flatMap((one) => {
    const from = one.issuer ?? issuer
    return [idOf(from, one.subject), ...(one.client === undefined ? [] : [idOf(from, one.client)])]
  })
  return [...(client === undefined ? [] : [idOf(issuer, client)]), ...acting]
}
