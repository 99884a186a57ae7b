/** server: the only place that knows every room: opens them in order, closes them in reverse. */
import type { Admin } from '@countersign/contract'
import { adminRoutes, endRevokedTasks, makeAdmin, resumeErasures } from '#admin'
import type { Approval } from '#approvals'
import { foldNotes, type FoldedNotes, type Ledger } from '#audit'
import { callerAt, makeClientDesk, makeGuard, type AuthorizationServer, type SignIns } from '#auth'
import type { Secret, World } from '#base'
import type { Config } from '#config'
import type { CallEnded, Gateway } from '#gateway'
import { approvalMount, openFrontDoor, witnessMount, type FrontDoor } from '#http'
import { groupsFrom, openQuotas } from '#policy'
import { openRedaction } from '#redaction'
import { makeViews, type Change } from '#registry'
import type { Log } from '#telemetry'
import { startKeeper, type Upstream } from '#upstream'
import type { Identities } from '#vault'
import { layFoundation, leave, type Foundation } from './server/foundation.ts'
import { hostsOf, originOf } from './server/names.ts'
import { noteConfig } from './server/note-config.ts'
import { openApprovals } from './server/open-approvals.ts'
import { planAuthorization, type OpenPeople } from './server/open-authorization.ts'
import { openCatalog } from './server/open-catalog.ts'
import { known, openFleet, startEager } from './server/open-fleet.ts'
import { feedMounts, openHouseFeeds } from './server/open-feeds.ts'
import { openGateway, rulesOf } from './server/open-gateway.ts'
import { planPeople, type HousePeople } from './server/open-people.ts'
import { openPolicies } from './server/open-policies.ts'
import { openTelling } from './server/open-telemetry.ts'
import { openHouseWitnesses } from './server/open-witnesses.ts'
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
  /** Where figures are read, if at an address of their own, once we listen. */
  readonly metricsPort: () => number | undefined
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
  const telling = await openTelling(config, rooms)
  const laying = layFoundation(config, { ...rooms, log: telling.log, telling })
  const foundation = await laying.catch(async (thrown: unknown) => {
    await telling.close()
    throw thrown
  })
  try {
    await noteConfig(config, foundation)
    return await openRooms(config, rooms, foundation)
  } catch (thrown) {
    await leave(foundation)
    await telling.close()
    throw thrown
  }
}

/** Of those who prove nothing, in a minute: the rest are counted. */
const STRANGERS_MAX = 30

async function openRooms(
  config: Config,
  rooms: HouseRooms,
  foundation: Foundation,
): Promise<House> {
  const core = await openCore(config, rooms, foundation)
  const trust = await openTrust(config, rooms, { ...foundation, ...core })
  const { gateway, fleet } = core
  const { people, authorization, admin } = trust
  const { world, ledger } = foundation
  const strangers = foldNotes(world, ledger, STRANGERS_MAX)
  const open = { ...foundation, ...core, ...trust, strangers, limits: config.limits, doors: [] }
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
    metricsPort: foundation.telling.port,
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
  const catalogPlan = { ...foundation, policy, watcher, gateway: heard }
  const { catalog, upToDate, stopFollowing } = await openCatalog(catalogPlan)
  const connections = await openVault(config, { world, log, records, ledger, identities })
  const keeper = startKeeper(world)
  const { vault } = connections
  const fleet = await openFleet(config, { ...foundation, catalog, keeper, vault, gateway: heard })
  const named = Object.fromEntries(config.views.map(({ name, servers }) => [name, servers]))
  const servers = config.servers.map(({ id }) => id)
  const views = makeViews(servers, named, catalog.listed)
  // A task may go on before people can sign in: it names the command then.
  const late: { people?: HousePeople } = {}
  const { policy: settings } = config
  const hasSignIn = canSignIn(config, rooms)
  const signInOrigin = () => (hasSignIn ? late.people?.pages().origin : undefined)
  const { onAsked, onCall } = watcher
  const rules = rulesOf(config)
  const { flow } = config
  const judged = { views, rules, servers, policy, settings, flow }
  const asking = { ...foundation, ...judged, onAsked, upToDate }
  const asked = openApprovals({ ...asking, signInOrigin })
  const { approvals, grants: standing } = asked
  const groupsOf = groupsFrom(settings?.groups ?? {})
  const quotas = openQuotas({ ...foundation, groupsOf }, config.quotas)
  const redaction = await openRedaction(config.redaction)
  const served = { policy, catalog, views, fleet, approvals, standing, connections, rules, quotas }
  const plan = { ...foundation, ...served, redaction }
  const gateway = openGateway(config, { ...plan, onCall })
  hearing.gateway = gateway
  const feeds = openHouseFeeds(config, { ...plan, desk: gateway.desk })
  // Only who serves goes on with what was left: a command that looks something up does not.
  if (startsServers) await gateway.desk.start()
  if (startsServers) asked.keepTime()
  const keeping = await openHouseWitnesses(config, foundation)
  if (startsServers) feeds.start()
  if (startsServers) keeping.witnesses.start()
  return { ...served, ...asked, stopFollowing, ...keeping, keeper, gateway, feeds, groupsOf, late }
}

const canSignIn = ({ auth }: Config, { signIns }: HouseRooms): boolean =>
  (auth?.embedded ?? auth?.signIn ?? signIns) !== undefined

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
  const endRevoked = endRevokedTasks({ ...core, desk: core.gateway.desk })
  const { scrub } = core.shelf
  const adminRooms = {
    ...core,
    endRevoked,
    clients,
    users: people.users,
    desk: core.gateway.desk,
    upstreams: fleet.faces,
    connections: connections.desk,
    scrub:
      scrub &&
      (async () => {
        scrub()
      }),
  }
  // Before anybody is served: what was to be erased is.
  if (rooms.startsServers !== false) await resumeErasures(adminRooms)
  const admin = makeAdmin(adminRooms)
  return { people, guard, authorization, admin }
}

type Trust = Awaited<ReturnType<typeof openTrust>>

/** How long somebody who is asked to agree waits to see what there is. */
const LIST_MS = 3_000

interface Listening extends Foundation, Core, Trust {
  readonly limits: Config['limits']
  readonly doors: FrontDoor[]
  readonly strangers: FoldedNotes
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
  const protection = guard && { guard, origin }
  const from = callerAt(config.listen.proxies)
  const front = {
    ...open,
    protection,
    callerAt: from,
    hosts: hostsOf(config),
    routes: [...adminRoutes(admin, open.adminToken), ...open.telling.routes(open.adminToken)],
    mounts: [
      ...(authorization ? [authorization.mount] : people.mounts),
      ...connections.mounts(seated),
      ...feedMounts(config, { ...open, protection, callerAt: from }),
      approvalMount({ ...open, ...seated }),
      witnessMount(open.witnessing),
    ],
  }
  const door = await openFrontDoor(front, { ...config.listen, ...instead })
  open.doors.push(door)
  const at = origin(door.port)
  people.openAt(at)
  connections.openAt(at)
  await authorization?.open(at)
  await open.telling.listen(open)
  return door
}
