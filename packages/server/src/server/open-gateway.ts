import type { Approvals, Standing } from '#approvals'
import { authExtensions } from '#auth'
import type { Config } from '#config'
import { makeGateway, screenedUpstream, type CallEnded, type Gateway } from '#gateway'
import {
  noRuns,
  openRuns,
  permitAll,
  stoppedBy,
  withBrakes,
  type LivePolicy,
  type OpenQuotas,
} from '#policy'
import type { Redaction } from '#redaction'
import { makeLabels, makeRules, type Catalog, type ToolRules, type Views } from '#registry'
import type { Fleet } from '#upstream'
import type { Foundation } from './foundation.ts'
import { openEngine } from './open-engine.ts'
import { known } from './open-fleet.ts'
import type { Connections } from './open-vault.ts'

export interface GatewayPlan extends Foundation {
  readonly policy: LivePolicy | undefined
  readonly catalog: Catalog
  readonly views: Views
  readonly fleet: Fleet
  readonly approvals: Approvals
  readonly standing: Standing
  readonly connections: Connections
  readonly rules: ToolRules
  readonly quotas: OpenQuotas
  readonly redaction: Redaction
  readonly onCall: ((ended: CallEnded) => void) | undefined
}

/** The gateway, which is told of whatever changes below it. */
export function openGateway(config: Config, plan: GatewayPlan): Gateway {
  const { world, shelf, policy, brakes, catalog, fleet, connections, revocations } = plan
  const { tasks, limits, servers, auth, flow } = config
  const { rules, redaction } = plan
  const judge = withBrakes(policy ?? permitAll, brakes)
  const gateway = makeGateway({
    ...plan,
    waiting: { afterMs: tasks.after, ...tasks },
    limits: { ...limits, listenersMax: limits.listenMax },
    isRevoked: (who) => who.proof !== 'local' && revocations.isRevoked(who),
    engine: openEngine(config, world, shelf.tasks),
    servers: servers.map(({ id }) => id),
    upstream: redaction.isOn ? screenedBy(plan) : fleet.upstream,
    face: (id) => known(fleet.faces, id),
    connects: connections.pages,
    policy: judge,
    runs: flow.runs ? openRuns(plan, flow.runs) : noRuns,
    labels: flow.runs ? makeLabels(rules, flow) : undefined,
    payloads: plan.kept,
    stopped: stoppedBy(brakes),
    isListed: judge.isListed,
    extensions: auth ? authExtensions(auth) : [],
    relist: (id) => catalog.capture(known(fleet.faces, id)),
    onEnd: (ended) => plan.onCall?.(ended),
  })
  connections.onConnected((connected) => {
    fleet.renew(connected.server, connected.principal)
    gateway.onConnected(connected)
  })
  return gateway
}

/** What every server says is looked at first. */
const screenedBy =
  (plan: GatewayPlan): Fleet['upstream'] =>
  (server, who) =>
    screenedUpstream(plan, plan.fleet.upstream(server, who), who)

export const rulesOf = ({ rules }: Config): ToolRules => makeRules(rules)
