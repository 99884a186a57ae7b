import type { Ledger } from '#audit'
import {
  approvalPath,
  LAPSE,
  makeApprovals,
  type Approval,
  type Approvals,
  type Bound,
} from '#approvals'
import type { World } from '#base'
import { groupsFrom, type LivePolicy, type PolicySettings } from '#policy'
import type { Views } from '#registry'
import type { Records } from '#store'
import type { Log } from '#telemetry'

export interface ApprovalPlan {
  readonly world: World
  readonly log: Log
  readonly records: Records
  readonly ledger: Pick<Ledger, 'note'>
  readonly views: Views
  readonly policy: LivePolicy | undefined
  readonly settings: PolicySettings | undefined
  /** The origin under which people can sign in; undefined where they cannot. */
  readonly signInOrigin: () => string | undefined
  readonly onAsked?: ((approval: Approval) => void) | undefined
}

const DAY_MS = 86_400_000

/** Approvals, for the policies and definitions of this house. */
export function openApprovals(plan: ApprovalPlan): Approvals {
  const { world, log, records, ledger, settings, onAsked } = plan
  return makeApprovals({
    world,
    log,
    records,
    ledger,
    groupsOf: groupsFrom(settings?.groups ?? {}),
    ttlMs: settings?.approvals.ttlMs ?? DAY_MS,
    lapsed: (bound) => lapsed(plan, bound),
    pageOf: (id) => {
      const origin = plan.signInOrigin()
      return origin === undefined ? undefined : `${origin}${approvalPath(id)}`
    },
    ...(onAsked ? { onAsked } : {}),
  })
}

/** What of a call is not as it was when it was asked about. */
function lapsed({ policy, views }: ApprovalPlan, bound: Bound): string | undefined {
  const version = policy?.inForce()
  if (version?.number !== bound.policy.number || version.digest !== bound.policy.digest) {
    return LAPSE.policies
  }
  const exposed = views.find(bound.server)?.find('tool', bound.tool)?.exposed
  return exposed?.definition.digest === bound.definition ? undefined : LAPSE.definition
}
