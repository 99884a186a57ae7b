/** server: the only place that knows every room: opens them in order, closes them in reverse. */
import { join } from 'node:path'
import { canonical, type Admin } from '@countersign/contract'
import { adminRoutes, makeAdmin } from '#admin'
import { LEDGER_TABLES, openLedger, type Ledger } from '#audit'
import { localAuthenticator } from '#auth'
import { digestOf, keyFile, makeSeal, Secret, type World } from '#base'
import type { Config } from '#config'
import { GATEWAY_TABLES, makeGateway, type CallEnded, type Gateway } from '#gateway'
import { openFrontDoor, type FrontDoor } from '#http'
import { permitAll } from '#policy'
import { makeCatalog, makeViews, REGISTRY_TABLES, type Change } from '#registry'
import { openStore } from '#store'
import type { Log } from '#telemetry'
import { makeUpstream, startKeeper, type Upstream, type UpstreamEvent } from '#upstream'

/** What whoever runs the house wants to be told. */
export interface Watcher {
  readonly onCall?: (ended: CallEnded) => void
  readonly onChange?: (server: string, changes: readonly Change[]) => void
  readonly onProblem?: (server: string, problem: string) => void
}

/** The whole program, open. */
export interface House extends AsyncDisposable {
  readonly config: Config
  readonly gateway: Gateway
  readonly admin: Admin
  readonly ledger: Ledger
  readonly upstreams: ReadonlyMap<string, Upstream>
  /** Calls that a crash left open and that were closed as unknown at this start. */
  readonly recovered: readonly string[]
  /** Starts to listen, and to serve what listening serves. */
  readonly listen: (instead?: { readonly port: number }) => Promise<FrontDoor>
  /** What the admin API asks for; kept in the data folder. */
  readonly adminToken: Secret
}

export interface HouseRooms {
  readonly world: World
  readonly log: Log
  readonly watcher?: Watcher
}

/** A listing older than this is renewed when its server connects. */
const FRESH_MS = 5_000

export async function openHouse(config: Config, rooms: HouseRooms): Promise<House> {
  const { world, log, watcher = {} } = rooms
  const store = openStore(join(config.data, 'countersign.db'), [
    LEDGER_TABLES,
    REGISTRY_TABLES,
    GATEWAY_TABLES,
  ])
  const ledger = openLedger(world, store, config.ledger.reads)
  const recovered = await ledger.recover()
  const seal = makeSeal(world, [keyFile(world, join(config.data, 'keys', 'seal.key'))])
  const adminToken = new Secret(
    keyFile(world, join(config.data, 'keys', 'admin.key')).toString('base64url'),
  )
  const keeper = startKeeper(world)
  const servers = config.servers.map(({ id }) => id)
  const catalog = makeCatalog({
    world,
    store,
    onChange: (server, changes) => {
      log.warn({ server, changes: changes.length }, 'definitions changed')
      watcher.onChange?.(server, changes)
      noteChanges(ledger, log, server, changes)
    },
    onProblem: (server, problem) => {
      log.warn({ server, problem }, 'a definition is not as it should be')
      watcher.onProblem?.(server, problem)
    },
  })
  const upstreams = new Map<string, Upstream>()
  // Servers may speak before the gateway exists; from then on it hears them first.
  let gateway: Gateway | undefined
  const onEvent = (server: string, event: UpstreamEvent): void => {
    gateway?.onEvent(server, event)
    const upstream = upstreams.get(server)
    const { capturedAt = 0 } = catalog.listed(server)
    const hasConnected = event.kind === 'state' && event.status.state === 'ready'
    if (!upstream || !hasConnected || world.now() - capturedAt < FRESH_MS) return
    catalog.capture(upstream).catch((cause: unknown) => {
      log.warn({ server, cause: String(cause) }, 'could not be listed')
    })
  }
  const remember = {
    recall: (id: string) => catalog.listed(id).introduction,
    store: catalog.remember,
  }
  for (const spec of config.servers) {
    catalog.admit(spec.id, digestOf(canonical(spec.transport)))
    upstreams.set(spec.id, makeUpstream({ world, log, keeper, onEvent, remember }, spec))
  }
  const upstream = (id: string): Upstream => {
    const found = upstreams.get(id)
    if (!found) throw new Error(`no server ${id}`)
    return found
  }
  const named = Object.fromEntries(config.views.map((view) => [view.name, view.servers]))
  const views = makeViews(servers, named, catalog.listed)
  gateway = makeGateway({
    world,
    log,
    store,
    seal,
    catalog,
    views,
    servers,
    ledger,
    upstream,
    policy: permitAll,
    limits: { ...config.limits, listenersMax: config.limits.listenMax },
    onEnd: (ended) => watcher.onCall?.(ended),
  })
  const opened = gateway
  const admin = makeAdmin({ catalog, ledger, views, upstreams })
  for (const one of upstreams.values()) {
    if (one.spec.start === 'eager') one.introduce().catch(() => undefined) // Its status says why.
  }
  let door: FrontDoor | undefined
  return {
    config,
    gateway: opened,
    admin,
    ledger,
    upstreams,
    recovered,
    adminToken,
    listen: async (instead) => {
      door = await openFrontDoor(
        {
          world,
          log,
          gateway: opened,
          authenticate: localAuthenticator,
          limits: config.limits,
          hosts: hostsOf(config),
          routes: adminRoutes(admin, adminToken),
          isReady: () => true,
        },
        { ...config.listen, ...instead },
      )
      return door
    },
    [Symbol.asyncDispose]: async () => {
      await door?.close()
      await opened.close()
      await Promise.all([...upstreams.values()].map((one) => one.close()))
      await keeper.close()
      store.close()
    },
  }
}

/** Names under which a browser or client may reach us; anything else was made to resolve here. */
function hostsOf({ listen }: Config): ReadonlySet<string> {
  const named = listen.publicUrl === undefined ? [] : [new URL(listen.publicUrl).hostname]
  return new Set(['localhost', '127.0.0.1', '[::1]', listen.host, ...named])
}

function noteChanges(ledger: Ledger, log: Log, server: string, changes: readonly Change[]): void {
  ledger
    .note('definitions.changed', { server, changes: changes.map((one) => ({ ...one })) })
    .catch((cause: unknown) => {
      log.error({ server, cause: String(cause) }, 'a change could not be recorded')
    })
}
