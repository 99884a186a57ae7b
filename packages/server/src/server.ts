/** server: the only place that knows every room: opens them in order, closes them in reverse. */
import { join } from 'node:path'
import type { Admin } from '@countersign/contract'
import { Engine, sqliteStore, TASK_TABLES } from '@countersign/engine'
import { adminRoutes, makeAdmin } from '#admin'
import { LEDGER_TABLES, openLedger, type Ledger } from '#audit'
import { AUTH_TABLES, makeGuard, type Guard } from '#auth'
import { keyFile, makeSeal, privateFolder, Secret, type Seal, type World } from '#base'
import type { Config } from '#config'
import { GATEWAY_TABLES, makeGateway, type CallEnded, type Gateway } from '#gateway'
import { openFrontDoor, type FrontDoor } from '#http'
import {
  openPolicy,
  permitAll,
  POLICY_TABLES,
  type Listing,
  type LivePolicy,
  type Policy,
} from '#policy'
import {
  fingerprintOf,
  makeCatalog,
  makeRules,
  makeViews,
  REGISTRY_TABLES,
  type Catalog,
  type Change,
} from '#registry'
import { openStore, type Store } from '#store'
import type { Log } from '#telemetry'
import {
  makeUpstream,
  startKeeper,
  type Introduction,
  type Keeper,
  type Upstream,
  type UpstreamEvent,
} from '#upstream'

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
  /** Whether eager servers start at once. A command that only looks something up needs none. */
  readonly startsServers?: boolean
}

/** A listing older than this is renewed when its server connects. */
const FRESH_MS = 5_000

export async function openHouse(config: Config, rooms: HouseRooms): Promise<House> {
  const { world, log, watcher = {}, startsServers = true } = rooms
  privateFolder(config.data)
  const store = openStore(join(config.data, 'countersign.db'), TABLES)
  const ledger = openLedger(world, store, config.ledger.reads)
  const recovered = await ledger.recover()
  const keys = keysOf(config, world)
  // Servers may speak before the gateway exists; from then on it hears them first.
  const hearing: Hearing = { gateway: undefined }
  const policy = await openPolicies(config, rooms, { store, ledger, hearing })
  const keeper = startKeeper(world)
  const catalog = openCatalog(rooms, { store, ledger, policy, hearing })
  const upstreams = openUpstreams(config, rooms, { catalog, keeper, hearing })
  const servers = config.servers.map(({ id }) => id)
  const views = makeViews(servers, viewsOf(config), catalog.listed)
  const engine = openEngine(config, world, store)
  const decided = rulesOf(config)
  const gateway = makeGateway({
    ...decided,
    engine,
    world,
    log,
    store,
    seal: keys.seal,
    catalog,
    views,
    servers,
    ledger,
    upstream: (id) => known(upstreams, id),
    ...judgedBy(policy ?? permitAll),
    relist: (id) => catalog.capture(known(upstreams, id)),
    onEnd: (ended) => watcher.onCall?.(ended),
  })
  hearing.gateway = gateway
  // Only who serves goes on with what was left: a command that looks something up does not.
  const { desk } = gateway
  if (startsServers) await desk.start()
  const admin = makeAdmin({ ...decided, world, catalog, desk, ledger, views, upstreams })
  const routes = adminRoutes(admin, keys.adminToken)
  const { limits } = config
  const guard = config.auth && makeGuard({ world, log, store, seal: keys.seal }, config.auth)
  const doors: FrontDoor[] = []
  if (startsServers) startEager(upstreams)
  return {
    config,
    gateway,
    admin,
    ledger,
    upstreams,
    recovered,
    adminToken: keys.adminToken,
    listen: async (instead) => {
      const protection = guard && { guard, origin: originOf(config) }
      const front = { world, log, gateway, protection, limits, hosts: hostsOf(config), routes }
      const door = await openFrontDoor(front, { ...config.listen, ...instead })
      doors.push(door)
      return door
    },
    [Symbol.asyncDispose]: () =>
      shut({ world, limits, doors, gateway, guard, policy, upstreams, keeper, store }),
  }
}

interface Open {
  readonly world: World
  readonly doors: readonly FrontDoor[]
  readonly gateway: Gateway
  readonly guard: Guard | undefined
  readonly policy: LivePolicy | undefined
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly keeper: Keeper
  readonly store: Store
  readonly limits: Config['limits']
}

/** Closes the rooms in reverse. */
async function shut(open: Open): Promise<void> {
  const { world, doors, gateway, guard, policy, upstreams, keeper, store, limits } = open
  // At the door and in the engine together.
  const until = world.monotonic() + limits.closeMs
  for (const door of doors) await door.close()
  await guard?.close()
  // What waits for a server that does not answer is ended by ending the server.
  await within(world, LAST_ENTRIES_MS, gateway.close())
  await gateway.desk.close(Math.max(0, until - world.monotonic()))
  await Promise.allSettled([...upstreams.values()].map((one) => one.close()))
  await keeper.close()
  policy?.close()
  store.close()
}

/** Waits for `work`, but not for ever. */
async function within(world: World, ms: number, work: Promise<unknown>): Promise<void> {
  const late = new AbortController()
  const wait = world.wait(ms, late.signal).catch(() => undefined)
  await Promise.race([work, wait])
  late.abort()
}

/** How long cancelled calls may take to be written down at the end. */
const LAST_ENTRIES_MS = 3_000

const TABLES = [
  LEDGER_TABLES,
  REGISTRY_TABLES,
  GATEWAY_TABLES,
  AUTH_TABLES,
  POLICY_TABLES,
  { room: 'tasks', steps: TASK_TABLES },
]

const rulesOf = ({ rules, tasks, limits }: Config) => ({
  rules: makeRules(rules),
  waiting: { afterMs: tasks.after, ...tasks },
  limits: { ...limits, listenersMax: limits.listenMax },
})

/** How many tasks may run at one time: each may hold a call that is under way. */
const RUNNING_MAX = 10_000

/** The task engine in the same database as the ledger, which shares its commits. */
function openEngine({ tasks, limits }: Config, world: World, store: Store): Engine {
  return new Engine({
    world,
    store: sqliteStore({
      prepare: (sql) => store.prepare(sql),
      commit: (write) => store.commit(write),
      close: () => undefined, // The house closes it, after everything that writes.
    }),
    concurrency: RUNNING_MAX,
    pace: { drainMs: limits.closeMs },
    limits: {
      ttlMs: tasks.ttl,
      ownerOpenMax: tasks.inFlightMax,
      valueBytesMax: tasks.resultBytesMax,
      inputBytesMax: limits.bodyBytesMax + INPUT_EXTRA_BYTES,
      journalBytesMax: 2 * tasks.resultBytesMax + limits.bodyBytesMax + INPUT_EXTRA_BYTES,
    },
  })
}

/** What an errand says beside the parameters of its call. */
const INPUT_EXTRA_BYTES = 65_536

interface Hearing {
  gateway: Gateway | undefined
}

function keysOf(
  config: Config,
  world: World,
): { readonly seal: Seal; readonly adminToken: Secret } {
  const folder = join(config.data, 'keys')
  return {
    seal: makeSeal(world, [keyFile(world, join(folder, 'seal.key'))]),
    adminToken: new Secret(keyFile(world, join(folder, 'admin.key')).toString('base64url')),
  }
}

interface Kept {
  readonly store: Store
  readonly ledger: Ledger
  readonly hearing: Hearing
}

const EVERY_LIST = [{ kind: 'tool' }, { kind: 'prompt' }, { kind: 'resource' }] as const

/** The policies of the configuration; without any, undefined. */
async function openPolicies(
  config: Config,
  { world, log }: HouseRooms,
  { store, ledger, hearing }: Kept,
): Promise<LivePolicy | undefined> {
  if (!config.policy) return undefined
  // What a principal may use is what it is shown, so every list may have changed.
  const onChange = (): void => {
    for (const { id } of config.servers) hearing.gateway?.onChange(id, EVERY_LIST)
  }
  try {
    return await openPolicy({ world, log, store, ledger, onChange }, config.policy)
  } catch (thrown) {
    store.close()
    throw thrown
  }
}

const judgedBy = (policy: Policy & Listing) => ({ policy, isListed: policy.isListed })

function openCatalog(
  { world, log, watcher }: HouseRooms,
  { store, ledger, hearing, policy }: Kept & { readonly policy: LivePolicy | undefined },
): Catalog {
  return makeCatalog({
    world,
    store,
    onChange: (server, changes) => {
      log.warn({ server, changes: changes.length }, 'definitions changed')
      watcher?.onChange?.(server, changes)
      policy?.forget()
      hearing.gateway?.onChange(server, changes)
      noteChanges(ledger, server, changes)
    },
    onReplaced: (server) => {
      log.warn({ server }, 'another server under this name: its definitions are read anew')
      void ledger.note('server.changed', { server })
    },
    onFirst: (server, changes) => hearing.gateway?.onChange(server, changes),
    onProblem: (server, problem) => {
      log.warn({ server, problem }, 'a definition is not as it should be')
      watcher?.onProblem?.(server, problem)
    },
  })
}

interface Around {
  readonly catalog: Catalog
  readonly keeper: Keeper
  readonly hearing: Hearing
}

function openUpstreams(
  config: Config,
  { world, log }: HouseRooms,
  { catalog, keeper, hearing }: Around,
): ReadonlyMap<string, Upstream> {
  const upstreams = new Map<string, Upstream>()
  const onEvent = (server: string, event: UpstreamEvent): void => {
    hearing.gateway?.onEvent(server, event)
    const upstream = upstreams.get(server)
    const { capturedAt = 0 } = catalog.listed(server)
    const hasConnected = event.kind === 'state' && event.status.state === 'ready'
    if (!upstream || !hasConnected || world.now() - capturedAt < FRESH_MS) return
    catalog.capture(upstream).catch((cause: unknown) => {
      log.warn({ server, cause: String(cause) }, 'could not be listed')
    })
  }
  const recall = (id: string): Introduction | undefined => catalog.listed(id).introduction
  const remember = { recall, store: catalog.remember }
  for (const spec of config.servers) {
    catalog.admit(spec.id, fingerprintOf(spec.transport))
    upstreams.set(spec.id, makeUpstream({ world, log, keeper, onEvent, remember }, spec))
  }
  return upstreams
}

function known(upstreams: ReadonlyMap<string, Upstream>, id: string): Upstream {
  const found = upstreams.get(id)
  if (!found) throw new Error(`no server ${id}`)
  return found
}

function startEager(upstreams: ReadonlyMap<string, Upstream>): void {
  for (const upstream of upstreams.values()) {
    // A server that does not start says why in its status; the others go on.
    if (upstream.spec.start === 'eager') upstream.introduce().catch(() => undefined)
  }
}

const viewsOf = ({ views }: Config): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(views.map(({ name, servers }) => [name, servers]))

/** Names under which a browser or client may reach us; anything else was made to resolve here. */
function hostsOf({ listen }: Config): ReadonlySet<string> {
  const named = listen.publicUrl === undefined ? [] : [new URL(listen.publicUrl).hostname]
  return new Set(['localhost', '127.0.0.1', '[::1]', listen.host, ...named])
}

/** What clients know us as: the audience of their tokens. Never read from what a request says. */
const originOf =
  ({ listen }: Config) =>
  (port: number): string => {
    const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
    return listen.publicUrl ?? `http://${host}:${String(port)}`
  }

/** The most changes that one entry tells one by one. */
const CHANGES_MAX = 100

function noteChanges(ledger: Ledger, server: string, changes: readonly Change[]): void {
  const told = changes.slice(0, CHANGES_MAX).map((one) => ({ ...one }))
  void ledger.note('definitions.changed', { server, count: changes.length, changes: told })
}
