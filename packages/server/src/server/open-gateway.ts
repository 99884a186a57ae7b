import { noStanding, type Approvals } from '#approvals'
import { noPayloads } from '#audit'
import { authExtensions } from '#auth'
import type { Config } from '#config'
import { makeGateway, type CallEnded, type Gateway } from '#gateway'
import { noQuotas, noRuns, permitAll, withBrakes, type LivePolicy } from '#policy'
import { noRedaction } from '#redaction'
import { makeRules, type Catalog, type ToolRules, type Views } from '#registry'
import { noTelemetry } from '#telemetry'
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
  readonly connections: Connections
  readonly rules: ToolRules
  readonly onCall: ((ended: CallEnded) => void) | undefined
}

/** The gateway, which is told of whatever changes below it. */
export function openGateway(config: Config, plan: GatewayPlan): Gateway {
  const { world, store, policy, brakes, catalog, fleet, connections, revocations } = plan
  const { tasks, limits, servers, auth } = config
  const judge = withBrakes(policy ?? permitAll, brakes)
  const gateway = makeGateway({
    ...plan,
    waiting: { afterMs: tasks.after, ...tasks },
    limits: { ...limits, listenersMax: limits.listenMax },
    isRevoked: (who) => who.proof !== 'local' && revocations.isRevoked(who),
    engine: openEngine(config, world, store),
    servers: servers.map(({ id }) => id),
    upstream: fleet.upstream,
    face: (id) => known(fleet.faces, id),
    connects: connections.pages,
    policy: judge,
    standing: noStanding,
    runs: noRuns,
    payloads: noPayloads,
    quotas: noQuotas,
    redaction: noRedaction,
    telemetry: noTelemetry,
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

export const rulesOf = ({ rules }: Config): ToolRules => makeRules(rules)
