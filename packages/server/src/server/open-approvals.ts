import type { Ledger } from '#audit'
import {
  approvalPath,
  isAbout,
  LAPSE,
  makeApprovals,
  openGrants,
  openReviews,
  type Approval,
  type Approvals,
  type Bound,
  type GrantedWhat,
  type GrantRooms,
  type Grants,
  type PinnedTools,
  type Reviews,
} from '#approvals'
import type { World } from '#base'
import type { Config } from '#config'
import { clockOf, groupsFrom, PLAIN_APPROVALS, type LivePolicy, type PolicySettings } from '#policy'
import { effectUnder, makeLabels, type ToolRules, type Views } from '#registry'
import type { Records } from '#store'
import type { Log } from '#telemetry'

export interface ApprovalPlan {
  readonly world: World
  readonly log: Log
  readonly records: Records
  readonly ledger: Pick<Ledger, 'note'>
  readonly views: Views
  readonly rules: ToolRules
  /** The servers that may be granted. */
  readonly servers: readonly string[]
  /** What other nodes changed of policies and definitions is known here when it resolves. */
  readonly upToDate: () => Promise<void>
  readonly policy: LivePolicy | undefined
  readonly settings: PolicySettings | undefined
  readonly flow: Config['flow']
  /** The origin under which people can sign in; undefined where they cannot. */
  readonly signInOrigin: () => string | undefined
  readonly onAsked?: ((approval: Approval) => void) | undefined
}

/** All by which people say yes or no, now, in advance, or looking back. */
export interface OpenApprovals {
  readonly approvals: Approvals
  readonly grants: Grants
  readonly reviews: Reviews
  /** Has time go by, from now on: questions go on to others, and grants end. */
  readonly keepTime: () => void
  readonly closeApprovals: () => void
}

const REVIEW_DAYS = 7
const TOOLS_MAX = 5_000

/** Approvals, for the policies and definitions of this house. */
export function openApprovals(plan: ApprovalPlan): OpenApprovals {
  const { settings: policies, policy } = plan
  const settings = policies?.approvals ?? PLAIN_APPROVALS
  const groupsOf = groupsFrom(policies?.groups ?? {})
  const rooms = { ...plan, groupsOf, settings }
  const reviewDays = settings.breakGlass?.reviewDays ?? REVIEW_DAYS
  const reviews = openReviews({ ...rooms, reviewDays })
  const approvals = makeApprovals({
    ...rooms,
    forbids: (by, bound) => policy?.keepsFrom(by, bound),
    lapsed: async (bound) => {
      const why = lapsed(plan, bound)
      if (why === undefined) return why
      // What another node changed or listed may not be known here yet.
      await plan.upToDate()
      return lapsed(plan, bound)
    },
    pageOf: (id) => {
      const origin = plan.signInOrigin()
      return origin === undefined ? undefined : `${origin}${approvalPath(id)}`
    },
    onBroken: reviews.open,
  })
  const grants = openGrants({
    ...rooms,
    momentAt: clockOf(policies?.timeZone ?? 'UTC'),
    labelsOf: labeller(plan),
    toolsOf: (what) => toolsOf(plan, what),
    forbids: (by, what) => keptFrom(plan, by, what),
    policyNow: () => {
      const version = policy?.inForce()
      return { number: version?.number ?? 0, digest: version?.digest ?? '' }
    },
    quorumOf: (group) => quorumOf(policy, group),
  })
  const time = keeper(plan, async () => {
    await approvals.goOn()
    await grants.review()
    await reviews.remind()
  })
  return { approvals, grants, reviews, ...time }
}

/** How often what is due is looked for. */
const TICK_MS = 20_000

function keeper(
  { world, log, settings }: ApprovalPlan,
  work: () => Promise<void>,
): Pick<OpenApprovals, 'keepTime' | 'closeApprovals'> {
  let stop: (() => void) | undefined
  let isClosed = false
  const tick = async (): Promise<void> => {
    await work().catch((cause: unknown) => {
      if (!isClosed) log.warn({ cause: String(cause) }, 'what is due could not be looked for')
    })
    if (!isClosed) stop = world.after(TICK_MS, () => void tick())
  }
  return {
    // Without policies nobody is asked anything.
    keepTime: () => {
      if (settings) void tick()
    },
    closeApprovals: () => {
      isClosed = true
      stop?.()
    },
  }
}

/** What of a call is not as it was when it was asked about. */
function lapsed({ policy, views }: ApprovalPlan, bound: Bound): string | undefined {
  const version = policy?.inForce()
  if (version?.number !== bound.policy.number || version.digest !== bound.policy.digest) {
    return LAPSE.policies
  }
  const exposed = views.find(bound.server)?.find('tool', bound.tool)?.exposed
  // What was called without a definition has none to change.
  const definition = exposed?.definition.digest ?? ''
  return definition === bound.definition ? undefined : LAPSE.definition
}

/** What a tool is labelled with, as policies have it; nothing where nothing has a label. */
function labeller({ views, rules, flow }: ApprovalPlan): GrantRooms['labelsOf'] {
  if (!flow.runs) return () => []
  const labels = makeLabels(rules, flow)
  return (server, name) => {
    const exposed = views.find(server)?.find('tool', name)?.exposed
    return labels.of({ server, kind: 'tool', name }, exposed?.definition.body)
  }
}

/** The tools that this names, as they are now, by `{server}/{tool}`. */
function toolsOf(plan: ApprovalPlan, what: GrantedWhat): PinnedTools {
  const { views, rules, servers } = plan
  const labelsOf = labeller(plan)
  const ids = 'label' in what ? servers : [what.server]
  const found = ids.flatMap((server) =>
    (views.find(server)?.list('tool') ?? []).flatMap(({ definition }) => {
      const { name, digest } = definition
      if (!isAbout(what, { server, tool: name }, labelsOf)) return []
      return [[`${server}/${name}`, { definition: digest, effect: effectUnder(rules, definition) }]]
    }),
  )
  return Object.fromEntries(found.slice(0, TOOLS_MAX))
}

/** Why somebody may not decide about one of the tools that this names. */
function keptFrom(plan: ApprovalPlan, by: string, what: GrantedWhat): string | undefined {
  for (const [name, pinned] of Object.entries(toolsOf(plan, what))) {
    const at = name.indexOf('/')
    const [server, tool] = [name.slice(0, at), name.slice(at + 1)]
    const kept = plan.policy?.keepsFrom(by, { ...pinned, server, tool, view: '' })
    if (kept !== undefined) return kept
  }
  return undefined
}

const quorumOf = (policy: LivePolicy | undefined, group: string): number =>
  Math.max(
    1,
    ...(policy?.inForce().policies ?? []).flatMap(({ json }) =>
      json.annotations?.['ask'] === group ? [Number(json.annotations['quorum'] ?? 1)] : [],
    ),
  )
