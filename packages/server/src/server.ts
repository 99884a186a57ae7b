/** server: the only place that knows every room: opens them in order, closes them in reverse. */
import type { Admin } from '@countersign/contract'
import { adminRoutes, makeAdmin } from '#admin'
import type { Approval } from '#approvals'
import type { Ledger } from '#audit'
import { makeClientDesk, makeGuard, type AuthorizationServer, type SignIns } from '#auth'
import type { Secret, World } from '#base'
import type { Config } from '#config'
import type { CallEnded, Gateway } from '#gateway'
import { approvalMount, openFrontDoor, type FrontDoor } from '#http'
import { makeViews, type Change } from '#registry'
import type { Log } from '#telemetry'
import { startKeeper, type Upstream } from '#upstream'
import type { Identities } from '#vault'
import { layFoundation, type Foundation } from './server/foundation.ts'
import { hostsOf, originOf } from './server/names.ts'
import { openApprovals } from './server/open-approvals.ts'
import { planAuthorization, type OpenPeople } from './server/open-authorization.ts'
import { openCatalog } from './server/open-catalog.ts'
import { known, openFleet, startEager } from './server/open-fleet.ts'
import { openGateway, rulesOf } from './server/open-gateway.ts'
import { planPeople, type HousePeople } from './server/open-people.ts'
import { openPolicies } from './server/open-policies.ts'
import { openVault } from './server/open-vault.ts'
import { shut, within } from './server/shut.ts'

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
  /** Our own authorization server, once we listen. */
  readonly authorization: AuthorizationServer | undefined
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
  /** Who signs in at our own authorization server, and on which pages. */
  readonly openPeople?: OpenPeople
  /** Who sits in front of browsers, where somebody else than we knows. */
  readonly signIns?: SignIns
  /** Who people are to the company; default: what its provider said when they signed in. */
  readonly identities?: Identities
}

export async function openHouse(config: Config, rooms: HouseRooms): Promise<House> {
  const foundation = await layFoundation(config, rooms)
  try {
    return await openRooms(config, rooms, foundation)
  } catch (thrown) {
    // What cannot be opened leaves nothing locked.
    foundation.store.close()
    throw thrown
  }
}

async function openRooms(
  config: Config,
  rooms: HouseRooms,
  foundation: Foundation,
): Promise<House> {
  const core = await openCore(config, rooms, foundation)
  const trust = await openTrust(config, rooms, { ...foundation, ...core })
  const { gateway, fleet } = core
  const { people, authorization, admin } = trust
  const open = { ...foundation, ...core, ...trust, limits: config.limits, doors: [] }
  if (rooms.startsServers !== false) startEager(fleet.faces)
  return {
    config,
    gateway,
    admin,
    people,
    ledger: foundation.ledger,
    upstreams: fleet.faces,
    recovered: foundation.recovered,
    adminToken: foundation.adminToken,
    get authorization() {
      return authorization?.server()
    },
    listen: (instead) => listen(config, rooms, open, instead),
    [Symbol.asyncDispose]: () => shut(open),
  }
}

/** What carries calls: policies, definitions, servers, approvals, the gateway. */
async function openCore(config: Config, rooms: HouseRooms, foundation: Foundation) {
  const { world, log, records, ledger } = foundation
  const { watcher = {}, identities, startsServers = true } = rooms
  // Servers may speak before the gateway exists; from then on it hears them first.
  const hearing: { gateway?: Gateway } = {}
  const heard = (): Gateway | undefined => hearing.gateway
  const policy = await openPolicies(config, foundation, heard)
  const catalog = openCatalog(config, { ...foundation, policy, watcher, gateway: heard })
  const connections = await openVault(config, { world, log, records, ledger, identities })
  const keeper = startKeeper(world)
  const { vault } = connections
  const fleet = openFleet(config, { world, log, catalog, keeper, vault, gateway: heard })
  const named = Object.fromEntries(config.views.map(({ name, servers }) => [name, servers]))
  const servers = config.servers.map(({ id }) => id)
  const views = makeViews(servers, named, catalog.listed)
  // A task may go on before people can sign in: it names the command then.
  const late: { people?: HousePeople } = {}
  const { auth, policy: settings } = config
  const hasSignIn = auth?.embedded !== undefined || auth?.signIn !== undefined
  const signInOrigin = () => (hasSignIn ? late.people?.pages().origin : undefined)
  const { onAsked, onCall } = watcher
  const asking = { ...foundation, views, policy, settings, onAsked }
  const approvals = openApprovals({ ...asking, signInOrigin })
  const rules = rulesOf(config)
  const plan = { ...foundation, policy, catalog, views, fleet, approvals, connections, rules }
  const gateway = openGateway(config, { ...plan, onCall })
  hearing.gateway = gateway
  // Only who serves goes on with what was left: a command that looks something up does not.
  if (startsServers) await gateway.desk.start()
  return { policy, keeper, catalog, connections, fleet, views, approvals, rules, gateway, late }
}

type Core = Awaited<ReturnType<typeof openCore>>

/** Who is let in, and what whoever keeps the house may do. */
async function openTrust(config: Config, rooms: HouseRooms, core: Foundation & Core) {
  const { world, views, catalog, connections, fleet, revocations } = core
  const { auth } = config
  const { epoch } = catalog
  const people = planPeople({
    config,
    rooms: core,
    revocations,
    originAt: originOf(config),
    keepIdentity: connections.vault?.identities.keep,
  })
  core.late.people = people
  const guard = auth && makeGuard({ ...core, epoch }, auth)
  const list = (ids: readonly string[]): Promise<void> =>
    within(
      world,
      LIST_MS,
      Promise.allSettled(ids.map((id) => catalog.ensure(known(fleet.faces, id)))),
    )
  const authorization =
    guard && auth.embedded
      ? planAuthorization({
          settings: auth.embedded,
          dpopNonces: auth.dpopNonces,
          skewMs: auth.skewMs,
          rooms: core,
          rules: core.rules,
          guard,
          views,
          epoch,
          list,
          openPeople: rooms.openPeople ?? people.open,
        })
      : undefined
  const clients = makeClientDesk({
    ...core,
    accessTokenMs: auth?.embedded?.accessTokenMs,
    views: () => views.all().map(({ id }) => id),
    running: () => authorization?.server(),
  })
  const admin = makeAdmin({
    ...core,
    clients,
    users: people.users,
    desk: core.gateway.desk,
    upstreams: fleet.faces,
    connections: connections.desk,
  })
  return { people, guard, authorization, admin }
}

type Trust = Awaited<ReturnType<typeof openTrust>>

/** How long somebody who is asked to agree waits to see what there is. */
const LIST_MS = 3_000

interface Listening extends Foundation, Core, Trust {
  readonly limits: Config['limits']
  readonly doors: FrontDoor[]
}

async function listen(
  config: Config,
  rooms: HouseRooms,
  open: Listening,
  instead: { readonly port: number } | undefined,
): Promise<FrontDoor> {
  const { guard, people, authorization, connections, admin } = open
  const origin = originOf(config)
  const seated = { ...people, signIns: () => rooms.signIns ?? people.signIns() }
  const front = {
    ...open,
    protection: guard && { guard, origin },
    hosts: hostsOf(config),
    routes: adminRoutes(admin, open.adminToken),
    mounts: [
      ...(authorization ? [authorization.mount] : people.mounts),
      ...connections.mounts(seated),
      approvalMount({ ...open, ...seated }),
    ],
  }
  const door = await openFrontDoor(front, { ...config.listen, ...instead })
  open.doors.push(door)
  const at = origin(door.port)
  people.openAt(at)
  connections.openAt(at)
  await authorization?.open(at)
  return door
}
