import {
  Fault,
  isModern,
  isObject,
  LEGACY_REVISIONS,
  MODERN_REVISIONS,
  own,
  TASKS_EXTENSION,
  toFault,
  without,
  type JsonObject,
  type Kind,
  type Revision,
  type RpcRequest,
} from '@countersign/contract'
import { reach, type Principal } from '#auth'
import type { Seal, World } from '#base'
import type { Listing } from '#policy'
import {
  effectUnder,
  type Catalog,
  type Exposed,
  type Labels,
  type ToolRules,
  type View,
} from '#registry'
import type { Log } from '#telemetry'
import type { Upstream } from '#upstream'
import { unconnectedFault } from './connect-pages.ts'
import { connectDefinitions } from './connect-tool.ts'
import { isOwnTool, OWN_DEFINITIONS } from './own-tools.ts'
import { projectResult, projectTool, SERVER_INFO } from './project.ts'
import { isCovered, type ScreenRooms } from './screen.ts'

export interface ListRooms {
  readonly world: World
  readonly log: Log
  readonly seal: Seal
  readonly catalog: Catalog
  /** The way of exactly this principal to a server. */
  readonly upstream: (server: string, who: Principal) => Upstream
  /** The server as one, for what is everybody's. */
  readonly face: (server: string) => Upstream
  readonly rules: ToolRules
  readonly isListed: Listing['isListed']
  /** Undefined where nothing has a label. */
  readonly labels?: Labels | undefined
  /** When a slow call becomes a task. */
  readonly afterMs: number
  /** Extensions of authorization that are to be had here (RS29). */
  readonly extensions?: readonly string[]
}

/** The list methods and what each carries. */
const LIST_METHODS = {
  'tools/list': { kind: 'tool', key: 'tools' },
  'prompts/list': { kind: 'prompt', key: 'prompts' },
  'resources/list': { kind: 'resource', key: 'resources' },
  'resources/templates/list': { kind: 'template', key: 'resourceTemplates' },
} as const satisfies Record<string, { readonly kind: Kind; readonly key: string }>
export type ListMethod = keyof typeof LIST_METHODS
export const isListMethod = (method: string): method is ListMethod =>
  Object.hasOwn(LIST_METHODS, method)

/** Definitions on one page. Some clients stop at the first page, so it is generous. */
const PAGE_ITEMS = 1_000
/** How long a list waits for a server that has never been listed. After that it is left out. */
const FIRST_LIST_MS = 15_000
/** Introducing ourselves needs no list: clients give up on a slow answer, and hear of the list later. */
export const INTRODUCTION_MS = 1_500
/** A listing older than this is renewed in the background when somebody looks at it. */
const STALE_MS = 60_000

/**
 * Makes sure that every server of a view has been listed once; one that fails is left out, and said.
 * Resolves with those that want an account connected before they tell.
 */
export async function ensureListed(
  rooms: ListRooms,
  view: View,
  who: Principal,
  patienceMs = FIRST_LIST_MS,
): Promise<ReadonlySet<string>> {
  const unlisted = view.servers.filter((id) => rooms.catalog.listed(id).capturedAt === undefined)
  const isWaitedFor = (id: string): boolean =>
    rooms.upstream(id, who).status().problem === undefined
  // A server that failed when it was last tried is tried again, but nobody waits for it.
  for (const id of unlisted) if (!isWaitedFor(id)) void ensureOne(rooms, id, who, patienceMs)
  const missing = unlisted.filter(isWaitedFor)
  const asked = missing.map(async (id) => (await ensureOne(rooms, id, who, patienceMs)) && id)
  const unconnected = (await Promise.all(asked)).filter((id) => id !== false)
  renewStale(rooms, view)
  return new Set(unconnected)
}

/** What a call names, by its method. */
const NAMED: Readonly<Record<string, { readonly kind: Kind; readonly key: string }>> = {
  'tools/call': { kind: 'tool', key: 'name' },
  'prompts/get': { kind: 'prompt', key: 'name' },
  'resources/read': { kind: 'resource', key: 'uri' },
}

/** The same for one call: when what it names is known, it waits for no server it has no use for. */
export async function ensureNamed(
  rooms: ListRooms,
  view: View,
  who: Principal,
  { method, params = {} }: Pick<RpcRequest, 'method' | 'params'>,
): Promise<void> {
  const named = Object.hasOwn(NAMED, method) ? NAMED[method] : undefined
  const name = named && own(params, named.key)
  if (method === 'tools/call' && isOwnTool({ method, params })) return
  if (!named || typeof name !== 'string') {
    await ensureListed(rooms, view, who)
    return
  }
  if (view.find(named.kind, name)?.exposed) {
    renewStale(rooms, view)
    return
  }
  const unconnected = await ensureListed(rooms, view, who)
  if (!view.find(named.kind, name)) checkReached({ ...rooms, unconnected }, view, who, name)
}

/** Faults when a name may be one of a server of which nothing is known. */
function checkReached(
  rooms: ListRooms & { readonly unconnected: ReadonlySet<string> },
  view: View,
  who: Principal,
  name: string,
): void {
  // What a server that was never reached does not have, nobody can say.
  const unlisted = view.servers.filter((id) => rooms.catalog.listed(id).capturedAt === undefined)
  const meant = unlisted.filter((id) => view.servers.length === 1 || isNamedFor(name, id))
  if (meant.length === 0) return
  const statuses = meant.map((id) => ({ id, ...rooms.upstream(id, who).status() }))
  // It may have let us in, and then not told: with another token it may.
  const unconnected = statuses.find(
    ({ id, isUnconnected }) => isUnconnected === true || rooms.unconnected.has(id),
  )
  if (unconnected) throw unconnectedFault(unconnected.id)
  const problems = statuses.map(({ id, problem }) => problem ?? `${id} does not answer.`)
  throw new Fault('upstream/unavailable', problems.join(' '))
}

/** Whether a name of an aggregated view starts with this server's. */
const isNamedFor = (name: string, server: string): boolean =>
  name.toLowerCase().startsWith(`${server.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')}_`)

/** True when an account has to be connected first. */
async function ensureOne(
  { catalog, upstream, world, log }: ListRooms,
  id: string,
  who: Principal,
  patienceMs: number,
): Promise<boolean> {
  const over = new AbortController()
  const patience = world.wait(patienceMs, over.signal).then(() => {
    throw new Fault('upstream/timeout', 'It took too long to list what it offers.')
  })
  try {
    await Promise.race([catalog.ensure(upstream(id, who)), patience])
    return false
  } catch (thrown) {
    const { code, message } = toFault(thrown)
    const level = code === 'upstream/unconnected' ? 'debug' : 'warn'
    log[level]({ server: id, cause: message }, 'left out of a list')
    return code === 'upstream/unconnected'
  } finally {
    patience.catch(() => undefined) // Called off below; nobody waits for it any more.
    over.abort()
  }
}

/** Only servers that are running are asked: looking at a list never starts a process. */
function renewStale({ catalog, face, world, log }: ListRooms, view: View): void {
  for (const id of view.servers) {
    const { capturedAt } = catalog.listed(id)
    const server = face(id)
    const isStale = capturedAt !== undefined && world.now() - capturedAt > STALE_MS
    if (!isStale || server.status().state !== 'ready') continue
    catalog.capture(server).catch((cause: unknown) => {
      log.warn({ server: id, cause: String(cause) }, 'a list could not be renewed')
    })
  }
}

/** Who looks, and from where. */
export interface Looking {
  readonly who: Principal
  /** The network address, where it is known. */
  readonly address: string | undefined
}

/** Who reads a list. */
export interface Reader extends Looking {
  readonly revision: Revision
  /** It follows tasks itself (2026-07-28 with the extension). */
  readonly takesTasks: boolean
}

/** TL-004, TL-032: any tool can be a task, and none has to be. */
const TASK_OPTIONAL = { execution: { taskSupport: 'optional' } }

/**
 * The tools of a view as one client sees them. One without tasks may be answered with words where a
 * result was expected: it gets no output schema to hold against them, and the tools those words name.
 */
function toolsFor(rooms: ListRooms, view: View, reader: Reader): readonly JsonObject[] {
  const { rules, afterMs } = rooms
  const { who, revision, takesTasks } = reader
  const tools = shownTo(rooms, view, 'tool', reader).map(({ body, definition }) => {
    const { server, name } = definition
    const isNever = (rules(server, name).afterMs ?? afterMs) === Infinity
    const shown = takesTasks || isNever ? body : without(body, ['outputSchema'])
    const tool = projectTool(shown, revision)
    return revision === '2025-11-25' ? { ...tool, ...TASK_OPTIONAL } : tool
  })
  const more = connectDefinitions(rooms, view, who)
  return takesTasks ? [...tools, ...more] : [...tools, ...OWN_DEFINITIONS, ...more]
}

/** RS22: the judgement of a call, so that what is shown may be called or asked for. */
function shownTo(
  rooms: ListRooms,
  view: View,
  kind: Kind,
  { who, address }: Looking,
): readonly Exposed[] {
  const about = { view: view.id, address }
  const method = METHOD_OF[kind]
  return view.list(kind).filter(({ definition, since }) => {
    const { server, name, digest } = definition
    const isTool = kind === 'tool'
    const effect = isTool ? effectUnder(rooms.rules, definition) : 'read'
    const wanted = { server, tool: isTool ? name : undefined, effect, since }
    if (reach(who, wanted) === 'out') return false
    const judged = { server, method, kind, name, effect, digest }
    const labels = rooms.labels?.of(judged, definition.body)
    return rooms.isListed(who, judged, labels ? { ...about, labels } : about)
  })
}

/** Whether a resource may be watched: as it may be read. */
export function mayWatch(
  rooms: Pick<ListRooms, 'isListed' | 'labels'> & ScreenRooms,
  view: View,
  { who, address }: Looking,
  uri: string,
): boolean {
  const { isListed, labels } = rooms
  const found = view.find('resource', uri)
  if (!found || isCovered(rooms, found, uri)) return false
  const { server, name, exposed } = found
  const digest = exposed?.definition.digest
  const judged = { server, method: METHOD_OF.resource, kind: 'resource', name, digest } as const
  const labelled = labels?.of(judged, exposed?.definition.body)
  const about = { view: view.id, address, labels: labelled }
  return isListed(who, { ...judged, effect: 'read' }, about)
}

/** What is asked for when something that was listed is used. */
const METHOD_OF = {
  tool: 'tools/call',
  prompt: 'prompts/get',
  resource: 'resources/read',
  template: 'resources/read',
} as const satisfies Record<Kind, string>

/** One page of a list, in the words of one revision. */
export function listPage(
  rooms: ListRooms,
  view: View,
  method: ListMethod,
  params: JsonObject,
  reader: Reader,
): JsonObject {
  const { kind, key } = LIST_METHODS[method]
  const { revision } = reader
  const all: readonly JsonObject[] =
    kind === 'tool'
      ? toolsFor(rooms, view, reader)
      : shownTo(rooms, view, kind, reader).map(({ body }) => body)
  const from = readCursor(rooms.seal, `${view.id} ${kind}`, params)
  const page = all.slice(from, from + PAGE_ITEMS)
  const end = from + page.length
  const result = {
    [key]: page,
    // F-038: absence is the end; an empty cursor would be a cursor.
    ...(end < all.length
      ? { nextCursor: rooms.seal.seal('cursor', `${view.id} ${kind} ${String(end)}`) }
      : {}),
    ...(isModern(revision) ? freshness(rooms, view) : {}),
  }
  return projectResult(result, revision)
}

function readCursor(seal: Seal, of: string, params: JsonObject): number {
  const cursor = own(params, 'cursor')
  if (cursor === undefined) return 0
  const opened = typeof cursor === 'string' ? seal.open('cursor', cursor) : undefined
  const at = opened?.startsWith(`${of} `) ? Number(opened.slice(of.length + 1)) : Number.NaN
  if (Number.isSafeInteger(at)) return at
  throw new Fault(
    'call/bad-cursor',
    'This cursor is not one of this list. Start again without one.',
  )
}

/** F-050, F-054: private always, and no longer than the least patient server allows. */
function freshness({ catalog, world }: ListRooms, view: View): JsonObject {
  const remaining = view.servers.map((id) => {
    const { ttlMs, capturedAt } = catalog.listed(id)
    return Math.max(0, ttlMs - (world.now() - (capturedAt ?? 0)))
  })
  return { ttlMs: Math.round(Math.min(...remaining, TTL_MS_MAX)), cacheScope: 'private' }
}
const TTL_MS_MAX = 300_000

/**
 * Every method works on every view, if only with an empty answer, so all of them are declared: a
 * legacy client cannot be told later that there is more (V-010, V-023).
 */
function declared({ catalog }: ListRooms, view: View): JsonObject {
  const subscribes = view.servers.some((id) => {
    const introduction = catalog.listed(id).introduction
    const resources = introduction && own(introduction.capabilities, 'resources')
    return !introduction || (isObject(resources) && own(resources, 'subscribe') === true)
  })
  return {
    tools: { listChanged: true },
    prompts: { listChanged: true },
    resources: { subscribe: subscribes, listChanged: true },
    completions: {},
    logging: {},
  }
}

/** The first sentence stands alone: clients cut the rest. */
function instructionsOf({ catalog }: ListRooms, view: View): string | undefined {
  const [only] = view.servers
  if (view.id !== '' && view.servers.length === 1 && only !== undefined) {
    return catalog.listed(only).introduction?.instructions
  }
  return `Tools of ${String(view.servers.length)} servers (${view.servers.join(', ')}), named {server}_{tool}; every call is recorded. A slow call answers with a request id: get its result with countersign_result, and do not call the tool again.`
}

const extensionsOf = ({ extensions = [] }: ListRooms): JsonObject =>
  Object.fromEntries([TASKS_EXTENSION, ...extensions].map((name) => [name, {}]))

/** The answer to `server/discover` (2026-07-28 server/discover). */
export function discoverResult(rooms: ListRooms, view: View): JsonObject {
  const instructions = instructionsOf(rooms, view)
  const result = {
    supportedVersions: [...MODERN_REVISIONS],
    // TX-001; TX-032: nothing of the other era's tasks.
    capabilities: { ...declared(rooms, view), extensions: extensionsOf(rooms) },
    ...(instructions === undefined ? {} : { instructions }),
    ...freshness(rooms, view),
  }
  return projectResult(result, MODERN_REVISIONS[0])
}

/** The answer to `initialize`: the revision asked for if we have it, else our latest legacy one (V-002). */
export function initializeResult(rooms: ListRooms, view: View, revision: Revision): JsonObject {
  const instructions = instructionsOf(rooms, view)
  return {
    protocolVersion: revision,
    capabilities: {
      ...declared(rooms, view),
      // TL-001, TL-002: in this revision alone, and exactly what may be augmented.
      ...(revision === '2025-11-25'
        ? { tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } }
        : {}),
    },
    serverInfo: SERVER_INFO,
    ...(instructions === undefined ? {} : { instructions }),
  }
}

export const negotiate = (requested: unknown): (typeof LEGACY_REVISIONS)[number] =>
  LEGACY_REVISIONS.find((revision) => revision === requested) ?? LEGACY_REVISIONS[0]
