import type { World } from '#base'
import type { Config } from '#config'
import type { Gateway } from '#gateway'
import { captureReady, fingerprintOf, type Catalog } from '#registry'
import type { Log, Telemetry } from '#telemetry'
import { makeFleet, type Fleet, type Keeper, type Upstream } from '#upstream'
import type { Vault } from '#vault'

export interface FleetPlan {
  readonly world: World
  readonly log: Log
  readonly telemetry: Telemetry
  readonly catalog: Catalog
  readonly keeper: Keeper
  readonly vault: Vault | undefined
  /** Servers may speak before there is a gateway; from then on it hears them first. */
  readonly gateway: () => Gateway | undefined
}

/** The servers of the configuration, none of them started yet. */
export async function openFleet({ servers }: Config, plan: FleetPlan): Promise<Fleet> {
  const { world, log, telemetry, catalog, keeper, vault, gateway } = plan
  const { tracks } = telemetry
  for (const { id, transport } of servers) await catalog.admit(id, fingerprintOf(transport))
  const capture = captureReady({ world, log, catalog, face: (id) => fleet.faces.get(id) })
  const remember = {
    recall: (id: string) => catalog.listed(id).introduction,
    store: catalog.remember,
  }
  const onEvent: Parameters<typeof makeFleet>[0]['onEvent'] = (server, event, whose) => {
    gateway()?.onEvent(server, event, whose)
    capture(server, event, whose !== undefined)
  }
  const fleet: Fleet = makeFleet({ world, log, tracks, keeper, vault, remember, onEvent }, servers)
  return fleet
}

/** A server by its name, which is one of the configuration. */
export function known(upstreams: ReadonlyMap<string, Upstream>, id: string): Upstream {
  const found = upstreams.get(id)
  if (!found) throw new Error(`no server ${id}`)
  return found
}

export function startEager(upstreams: ReadonlyMap<string, Upstream>): void {
  for (const upstream of upstreams.values()) {
    // A server that does not start says why in its status; the others go on.
    if (upstream.spec.start === 'eager') upstream.introduce().catch(() => undefined)
  }
}
