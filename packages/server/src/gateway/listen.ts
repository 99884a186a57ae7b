import { Fault, isObject, META, own, TASKS_EXTENSION, type JsonObject } from '@countersign/contract'
import { reach, type Principal } from '#auth'
import type { View } from '#registry'
import { notification } from './client.ts'
import type { Filter, Hub } from './hub.ts'
import { ensureListed, mayWatch } from './lists.ts'
import { projectResult, success } from './project.ts'
import type { ModernRequest, ModernRooms, Served } from './modern.ts'
import { takesTasks } from './patience.ts'

export interface ListenRooms extends ModernRooms {
  readonly hub: Hub
  readonly limits: { readonly listenersMax: number }
}

const URIS_MAX = 1_000

/**
 * Serves `subscriptions/listen` until the client lets go or we stop (2026-07-28 Subscriptions). What
 * can be honoured is said first; an empty subset is served too, since some clients always listen (L-009).
 */
export async function serveListen(
  rooms: ListenRooms,
  modern: ModernRequest,
  closing: AbortSignal,
): Promise<Served> {
  const { request, view, channel, signal } = modern
  await ensureListed(rooms, view, modern.who)
  if (rooms.hub.listeners >= rooms.limits.listenersMax) {
    throw new Fault('http/busy', 'Too many listen streams are open. Close one first.')
  }
  const { filter, acknowledged } = await readFilter(rooms, modern)
  const { who, envelope } = modern
  const stop = rooms.hub.listen({ view, id: request.id, filter, channel, who, envelope })
  channel.send(
    notification('notifications/subscriptions/acknowledged', {
      notifications: acknowledged,
      _meta: { [META.subscriptionId]: request.id },
    }),
  )
  await either(signal, closing)
  stop()
  // AM-01: over HTTP a graceful end is the result, then the end of the stream.
  const result = projectResult({}, modern.envelope.revision, { [META.subscriptionId]: request.id })
  return { response: success(request.id, result) }
}

/** What is asked for, and what of it is honoured (L-001). */
interface Wanted {
  readonly filter: Filter
  readonly acknowledged: JsonObject
}

async function readFilter(rooms: ListenRooms, modern: ModernRequest): Promise<Wanted> {
  const { request, view, envelope } = modern
  const wanted = own(request.params ?? {}, 'notifications')
  if (!isObject(wanted)) throw new Fault('rpc/bad-params', '"notifications" must be an object.')
  const taskIds = own(wanted, 'taskIds')
  if (taskIds !== undefined && !takesTasks(envelope.capabilities)) {
    // L-012: task notifications need the extension declared on this request.
    throw new Fault('rpc/missing-capability', 'taskIds need the tasks extension.', {
      data: { requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } },
    })
  }
  const lists = LISTS.filter(({ flag }) => own(wanted, flag) === true)
  const uris = own(wanted, 'resourceSubscriptions')
  const looking = { who: modern.who, address: modern.address }
  const known = (Array.isArray(uris) ? uris : [])
    .filter((uri) => typeof uri === 'string')
    .slice(0, URIS_MAX)
    // AM-37: what this principal could not read is left out of the acknowledgement.
    .filter((uri) => isReadable(view, modern.who, uri) && mayWatch(rooms, view, looking, uri))
  const tasks = await ownTasks(rooms, modern, taskIds)
  return {
    filter: {
      lists: new Set(lists.map(({ list }) => list)),
      uris: new Set(known),
      tasks: new Set(tasks),
    },
    acknowledged: {
      ...Object.fromEntries(lists.map(({ flag }) => [flag, true])),
      ...(uris === undefined ? {} : { resourceSubscriptions: known }),
      ...(taskIds === undefined ? {} : { taskIds: tasks }),
    },
  }
}

function isReadable(view: View, who: Principal, uri: string): boolean {
  const found = view.resources().inward(uri)
  if (!found) return false
  return reach(who, { server: found.server, tool: undefined, effect: 'read' }) === 'held'
}

const TASKS_MAX = 100

/** TX-026: of the ids that were given, those that are tasks of this principal. */
async function ownTasks(
  { desk }: ListenRooms,
  { who }: ModernRequest,
  taskIds: unknown,
): Promise<readonly string[]> {
  const ids = (Array.isArray(taskIds) ? taskIds : []).filter((id) => typeof id === 'string')
  const found = await Promise.all(
    ids.slice(0, TASKS_MAX).map(async (id) => ((await desk.find(who.id, id)) ? [id] : [])),
  )
  return found.flat()
}

const LISTS = [
  { flag: 'toolsListChanged', list: 'tools' },
  { flag: 'promptsListChanged', list: 'prompts' },
  { flag: 'resourcesListChanged', list: 'resources' },
] as const

const either = (a: AbortSignal, b: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const both = AbortSignal.any([a, b])
    if (both.aborted) resolve()
    both.addEventListener('abort', () => {
      resolve()
    })
  })
