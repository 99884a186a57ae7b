/** server: the only place that knows every room: opens them in order, closes them in reverse. */
import { join } from 'node:path'
import type { Admin } from '@countersign/contract'
import { Engine, sqliteStore, TASK_TABLES } from '@countersign/engine'
import { adminRoutes, makeAdmin } from '#admin'
import {
  LEDGER_TABLES,
  makeSigner,
  openLedger,
  openTree,
  type Ledger,
  type Signer,
  type Tree,
} from '#audit'
import { approvalMount, type Approval } from '#approvals'
import {
  AUTH_TABLES,
  authExtensions,
  makeClientDesk,
  makeGuard,
  openRevocations,
  type AuthorizationServer,
  type Guard,
  type Revocations,
  type SignIns,
} from '#auth'
import { keyFile, makeSeal, privateFolder, Secret, type Seal, type World } from '#base'
import type { Config } from '#config'
import { GATEWAY_TABLES, makeGateway, type CallEnded, type Gateway } from '#gateway'
import { openFrontDoor, type FrontDoor } from '#http'
import {
  openBrakes,
  openPolicy,
  permitAll,
  withBrakes,
  type Brakes,
  POLICY_TABLES,
  type Listing,
  type LivePolicy,
  type Policy,
} from '#policy'
import { makeRules, makeViews, REGISTRY_TABLES, type Change } from '#registry'
import { openStore, RECORD_TABLES, storeRecords, type Store } from '#store'
import type { Log } from '#telemetry'
import { planPeople, type HousePeople } from './server/open-people.ts'
import {
  planAuthorization,
  type Authorization,
  type OpenPeople,
} from './server/open-authorization.ts'
import { startKeeper, type Fleet, type Keeper, type Upstream } from '#upstream'
import type { Identities } from '#vault'

import { openApprovals } from './server/open-approvals.ts'
import { openCatalog } from './server/open-catalog.ts'
import { known, openFleet, startEager } from './server/open-fleet.ts'
import { openVault, type Connections } from './server/open-vault.ts'

/** What whoever runs the house wants to be told. */
export interface Watcher {
  readonly onCall?: (ended: CallEnded) => void
  readonly onAsked?: (approval: Approval) => void
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
  /** Those who may sign in, and how they do. */
  readonly people: HousePeople
  /** Starts to listen, and to serve what listening serves. */
  /** Our own authorization server, once we listen. */
  readonly authorization: AuthorizationServer | undefined
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
  /** Who signs in at our own authorization server, and on which pages. */
  readonly openPeople?: OpenPeople
  /** Who sits in front of browsers, where somebody else than we knows. */
  readonly signIns?: SignIns
  /** Who people are to the company; default: what its provider said when they signed in. */
  readonly identities?: Identities
}

export async function openHouse(config: Config, rooms: HouseRooms): Promise<House> {
  const { world, log, watcher = {}, startsServers = true } = rooms
  privateFolder(config.data)
  const store = openStore(join(config.data, 'countersign.db'), TABLES)
  const keys = keysOf(config, world)
  const tree = openTree({ world, log, store, signer: keys.signer })
  const ledger = openLedger(world, store, config.ledger.reads, tree.grew)
  const recovered = await ledger.recover()
  const records = storeRecords(world, store)
  // One process owns this store: nobody else revokes anything in it.
  const revocations = await openRevocations({ world, log, records, isShared: false })
  const brakes = await openBrakes({ world, log, records, isShared: false })
  // Servers may speak before the gateway exists; from then on it hears them first.
  const hearing: Hearing = { gateway: undefined }
  const policy = await openPolicies(config, rooms, { store, ledger, hearing })
  const keeper = startKeeper(world)
  const whom = { watcher, gateway: () => hearing.gateway }
  const catalog = openCatalog(config, { world, log, store, ledger, policy, ...whom })
  const { identities } = rooms
  const connections = await openVault(config, { world, log, records, ledger, identities })
  const fleet = openFleet(config, {
    ...{ world, log, catalog, keeper, vault: connections.vault },
    gateway: () => hearing.gateway,
  })
  const upstreams = fleet.faces
  const servers = config.servers.map(({ id }) => id)
  const views = makeViews(servers, viewsOf(config), catalog.listed)
  const engine = openEngine(config, world, store)
  const decided = rulesOf(config)
  const { onAsked } = watcher
  const asking = { world, log, records, ledger, views, policy, settings: config.policy, onAsked }
  const hasSignIn = config.auth?.embedded !== undefined || config.auth?.signIn !== undefined
  const signInOrigin = (): string | undefined => (hasSignIn ? people.pages().origin : undefined)
  const approvals = openApprovals({ ...asking, signInOrigin })
  const gateway = makeGateway({
    ...decided,
    approvals,
    isRevoked: (who) => who.proof !== 'local' && revocations.isRevoked(who),
    engine,
    world,
    log,
    store,
    seal: keys.seal,
    catalog,
    views,
    servers,
    ledger,
    fleet,
    upstream: fleet.upstream,
    face: (id) => known(upstreams, id),
    connects: connections.pages,
    ...judgedBy(withBrakes(policy ?? permitAll, brakes)),
    extensions: config.auth ? authExtensions(config.auth) : [],
    relist: (id) => catalog.capture(known(upstreams, id)),
    onEnd: (ended) => watcher.onCall?.(ended),
  })
  hearing.gateway = gateway
  connections.onConnected((connected) => {
    fleet.renew(connected.server, connected.principal)
    gateway.onConnected(connected)
  })
  // Only who serves goes on with what was left: a command that looks something up does not.
  const { desk } = gateway
  if (startsServers) await desk.start()
  const shared = { world, log, ledger, records, seal: keys.seal }
  const people = planPeople({
    ...{ config, rooms: shared, revocations, originAt: originOf(config) },
    keepIdentity: connections.vault?.identities.keep,
  })
  const { users } = people
  const clients = makeClientDesk({
    ...{ ...shared, revocations, accessTokenMs: config.auth?.embedded?.accessTokenMs },
    views: () => views.all().map(({ id }) => id),
    running: () => authorization?.server(),
  })
  const admin = makeAdmin({
    ...decided,
    users,
    clients,
    connections: connections.desk,
    world,
    approvals,
    catalog,
    desk,
    ledger,
    tree,
    brakes,
    views,
    upstreams,
    revocations,
  })
  const routes = adminRoutes(admin, keys.adminToken)
  const { limits } = config
  const { epoch } = catalog
  const trust = { world, log, store, seal: keys.seal, records, epoch, revocations }
  const guard = config.auth && makeGuard(trust, config.auth)
  const doors: FrontDoor[] = []
  const authorization =
    guard && config.auth?.embedded
      ? planAuthorization({
          ...{ settings: config.auth.embedded, dpopNonces: config.auth.dpopNonces },
          skewMs: config.auth.skewMs,
          rooms: { ...shared, revocations },
          ...{ guard, views, epoch, rules: decided.rules },
          list: (ids) =>
            within(
              world,
              LIST_MS,
              Promise.allSettled(ids.map((id) => catalog.ensure(known(upstreams, id)))),
            ),
          openPeople: rooms.openPeople ?? people.open,
        })
      : undefined
  if (startsServers) startEager(upstreams)
  return {
    config,
    gateway,
    admin,
    ledger,
    upstreams,
    recovered,
    adminToken: keys.adminToken,
    people,
    get authorization() {
      return authorization?.server()
    },
    listen: async (instead) => {
      const protection = guard && { guard, origin: originOf(config) }
      const oauth = authorization ? [authorization.mount] : people.mounts
      const seated = { ...people, signIns: () => rooms.signIns ?? people.signIns() }
      const mounts = [
        ...oauth,
        ...connections.mounts(seated),
        approvalMount({ world, approvals, ...seated }),
      ]
      const hosts = hostsOf(config)
      const front = { world, log, gateway, protection, limits, hosts, routes, mounts }
      const door = await openFrontDoor(front, { ...config.listen, ...instead })
      doors.push(door)
      people.openAt(originOf(config)(door.port))
      connections.openAt(originOf(config)(door.port))
      await authorization?.open(originOf(config)(door.port))
      return door
    },
    [Symbol.asyncDispose]: () =>
      shut({
        world,
        limits,
        doors,
        gateway,
        guard,
        people,
        authorization,
        revocations,
        policy,
        brakes,
        connections,
        fleet,
        keeper,
        tree,
        store,
      }),
  }
}

interface Open {
  readonly world: World
  readonly doors: readonly FrontDoor[]
  readonly gateway: Gateway
  readonly guard: Guard | undefined
  readonly people: HousePeople
  readonly authorization: Authorization | undefined
  readonly revocations: Revocations
  readonly policy: LivePolicy | undefined
  readonly brakes: Brakes
  readonly connections: Connections
  readonly fleet: Fleet
  readonly keeper: Keeper
  readonly tree: Tree
  readonly store: Store
  readonly limits: Config['limits']
}

/** Closes the rooms in reverse. */
async function shut(open: Open): Promise<void> {
  const { world, doors, gateway, guard, authorization, policy, fleet, keeper, store, limits } = open
  // At the door and in the engine together.
  const until = world.monotonic() + limits.closeMs
  for (const door of doors) await door.close()
  await authorization?.close()
  await open.people.close()
  await guard?.close()
  open.revocations.close()
  open.brakes.close()
  // What waits for a server that does not answer is ended by ending the server.
  await within(world, LAST_ENTRIES_MS, gateway.close())
  await gateway.desk.close(Math.max(0, until - world.monotonic()))
  await fleet.close()
  await open.connections.close()
  await keeper.close()
  policy?.close()
  await open.tree.close().catch(() => undefined) // What is not signed yet is, at the next start.
  store.close()
}

/** Waits for `work`, but not for ever. */
async function within(world: World, ms: number, work: Promise<unknown>): Promise<void> {
  const late = new AbortController()
  const wait = world.wait(ms, late.signal).catch(() => undefined)
  await Promise.race([work, wait])
  late.abort()
}

/** How long somebody who is asked to agree waits to see what there is. */
const LIST_MS = 3_000
/** How long cancelled calls may take to be written down at the end. */
const LAST_ENTRIES_MS = 3_000

const TABLES = [
  LEDGER_TABLES,
  REGISTRY_TABLES,
  GATEWAY_TABLES,
  AUTH_TABLES,
  RECORD_TABLES,
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
): { readonly seal: Seal; readonly adminToken: Secret; readonly signer: Signer } {
  const folder = join(config.data, 'keys')
  return {
    seal: makeSeal(world, [keyFile(world, join(folder, 'seal.key'))]),
    signer: makeSigner(keyFile(world, join(folder, 'ledger.key'))),
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
