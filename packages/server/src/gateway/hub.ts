import {
  LOG_LEVELS,
  META,
  own,
  passesLevel,
  type JsonObject,
  type Kind,
  type LogLevel,
  type RequestId,
} from '@countersign/contract'
import { reach, type Principal } from '#auth'
import type { Catalog, Change, View, Views } from '#registry'
import type { Desk } from '#tasks'
import type { Log } from '#telemetry'
import type { Fleet, Upstream, UpstreamEvent, Watch } from '#upstream'
import { notification, type Channel } from './client.ts'
import type { Session, Sessions } from './session.ts'
import type { Envelope } from './read.ts'
import { TaskNotices } from './task-notices.ts'

/** What one modern `subscriptions/listen` asked for and is given (L-001). */
export interface Filter {
  readonly lists: ReadonlySet<'tools' | 'prompts' | 'resources'>
  readonly uris: ReadonlySet<string>
  readonly tasks: ReadonlySet<string>
}

/** One open listen stream. Kept by instance: ids of different clients coincide (L-010). */
export interface Listener {
  readonly view: View
  readonly id: RequestId
  readonly filter: Filter
  readonly channel: Channel
  readonly who: Principal
  readonly envelope: Envelope
}

export interface HubRooms {
  readonly desk: Desk
  readonly sessions: Sessions
  readonly catalog: Catalog
  readonly log: Log
  readonly views: Views
  readonly servers: readonly string[]
  readonly face: (server: string) => Upstream
  readonly fleet: Pick<Fleet, 'isPersonal' | 'watch' | 'watchEach'>
}

const LIST_NOTICE = {
  tools: 'notifications/tools/list_changed',
  prompts: 'notifications/prompts/list_changed',
  resources: 'notifications/resources/list_changed',
} as const
type List = keyof typeof LIST_NOTICE
const LIST_OF = {
  tool: 'tools',
  prompt: 'prompts',
  resource: 'resources',
  template: 'resources',
} as const satisfies Record<Kind, List>
const RESOURCE_NOTICE = 'notifications/resources/updated'

/**
 * What servers say outside calls, brought to whoever asked to hear it: the GET stream of a legacy
 * session, the listen stream of a modern client. Each message goes to each client once (H-073).
 */
export class Hub {
  readonly #rooms: HubRooms
  readonly #listeners = new Set<Listener>()
  readonly #tasks: TaskNotices
  /** Lists about which the audience of a server is told at the end of this turn. */
  readonly #due = new Map<string, Set<List>>()
  #isScheduled = false

  constructor(rooms: HubRooms) {
    this.#rooms = rooms
    this.#tasks = new TaskNotices(rooms, this.#listeners)
  }

  /** Tells a legacy session of its task until that is over: status, and progress under its token. */
  follow(...[session, task, conversation, token]: Parameters<TaskNotices['follow']>): void {
    this.#tasks.follow(session, task, conversation, token)
  }

  get listeners(): number {
    return this.#listeners.size
  }

  /** Adds a listen stream; returns the way to take it out again. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    this.changed()
    return () => {
      this.#listeners.delete(listener)
      this.changed()
    }
  }

  /** Something that decides what we must hear from servers has changed. */
  changed(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      const { servers, fleet } = this.#rooms
      for (const server of servers) {
        if (fleet.isPersonal(server)) fleet.watchEach(server, this.#watches(server))
        else fleet.watch(server, watchOf(server, this.#audience(server)))
      }
    })
  }

  onEvent(server: string, event: UpstreamEvent, whose?: Principal): void {
    switch (event.kind) {
      case 'list-changed':
        void this.#listChanged(server, event.list)
        return
      case 'resource-updated':
        this.#resourceUpdated(server, event.uri, whose)
        return
      case 'log':
        this.#logged(server, event.params, whose)
        return
      case 'task': // It is looked at when its poll is due.
        return
      case 'state':
        // Whoever listened before they called is heard for from now on.
        if (whose && event.status.state === 'ready') this.changed()
        return
    }
  }

  /** The legacy sessions, and the modern listeners, whose view shows this server; of one, or of all. */
  #audience(server: string, whose?: Principal): Audience {
    const sessions = [...this.#rooms.sessions.live()].flatMap((session) => {
      const view = this.#rooms.views.find(session.facts.view)
      const isTold = whose === undefined || session.facts.principal === whose.id
      return isTold && view?.servers.includes(server) ? [{ session, view }] : []
    })
    const listeners = [...this.#listeners].filter(
      ({ view, who }) =>
        (whose === undefined || who.id === whose.id) && view.servers.includes(server),
    )
    return { sessions, listeners }
  }

  /** What each principal of the audience wants to hear, and nobody for another. */
  #watches(server: string): readonly { readonly who: Principal; readonly watch: Watch }[] {
    const { sessions, listeners } = this.#audience(server)
    const all = [...sessions.map(({ session }) => session.who), ...listeners.map(({ who }) => who)]
    const each = new Map(all.flatMap((who) => (who ? [[who.id, who] as const] : [])))
    return [...each.values()]
      .map((who) => ({ who, watch: watchOf(server, this.#audience(server, who)) }))
      .filter(({ watch }) => watch.lists || watch.resources.size > 0 || watch.logLevel)
  }

  /**
   * A server that says its list changed is asked for it; whoever listens is told when that is stored,
   * also when nothing differs: the server said so. A difference it did not announce comes by `onChange`.
   */
  async #listChanged(server: string, list: List): Promise<void> {
    const { catalog, log, face } = this.#rooms
    await catalog.recapture(face(server)).catch((cause: unknown) => {
      log.warn({ server, cause: String(cause) }, 'a changed list could not be read')
    })
    this.#tellLists(server, [list])
  }

  onChange(server: string, changes: readonly Pick<Change, 'kind'>[]): void {
    this.#tellLists(server, [...new Set(changes.map(({ kind }) => LIST_OF[kind]))])
  }

  /** Told at most once in a turn for each list: both ways above may lead here together (L-017). */
  #tellLists(server: string, lists: readonly List[]): void {
    const due = this.#due.get(server)
    if (due) {
      for (const list of lists) due.add(list)
      return
    }
    this.#due.set(server, new Set(lists))
    setImmediate(() => {
      const told = this.#due.get(server) ?? []
      this.#due.delete(server)
      const { sessions, listeners } = this.#audience(server)
      for (const list of told) {
        for (const { session } of sessions) {
          session.listening?.send(notification(LIST_NOTICE[list], {}))
        }
        for (const listener of listeners) {
          if (listener.filter.lists.has(list)) tell(listener, LIST_NOTICE[list], {})
        }
      }
    })
  }

  #resourceUpdated(server: string, uri: string, whose: Principal | undefined): void {
    const { sessions, listeners } = this.#audience(server, whose)
    for (const { session, view } of sessions) {
      const shown = view.resources().outward(server, uri)
      if (!covers(session.subscriptions, shown)) continue
      session.listening?.send(notification(RESOURCE_NOTICE, { uri: shown }))
    }
    for (const listener of listeners) {
      const shown = listener.view.resources().outward(server, uri)
      if (covers(listener.filter.uris, shown)) tell(listener, RESOURCE_NOTICE, { uri: shown })
    }
  }

  /** A log line that belongs to no call: never to modern clients, who get them on calls only (P-021). */
  #logged(server: string, params: JsonObject, whose: Principal | undefined): void {
    for (const { session } of this.#audience(server, whose).sessions) {
      const { logLevel, who } = session
      if (!who || reach(who, { server, tool: undefined, effect: 'read' }) !== 'held') continue
      if (logLevel === undefined || !passesLevel(own(params, 'level'), logLevel)) continue
      session.listening?.send(notification('notifications/message', params))
    }
  }
}

/** Who is told what a server says. */
interface Audience {
  readonly sessions: readonly { readonly session: Session; readonly view: View }[]
  readonly listeners: readonly Listener[]
}

function watchOf(server: string, { sessions, listeners }: Audience): Watch {
  const uris = [
    ...sessions.map(({ session, view }) => ({ view, uris: session.subscriptions })),
    ...listeners.map(({ view, filter }) => ({ view, uris: filter.uris })),
  ].flatMap(({ view, uris: wanted }) => [...wanted].map((uri) => view.resources().inward(uri)))
  return {
    lists:
      sessions.some(({ session }) => session.listening?.isAttached === true) ||
      listeners.some(({ filter }) => filter.lists.size > 0),
    resources: new Set(uris.flatMap((one) => (one?.server === server ? [one.uri] : []))),
    logLevel: sessions.map(({ session }) => session.logLevel).reduce(lower, undefined),
  }
}

/** L-003: the listen request's id, verbatim and with its type, on everything the stream carries. */
function tell({ channel, id }: Listener, method: string, params: JsonObject): void {
  channel.send(notification(method, { ...params, _meta: { [META.subscriptionId]: id } }))
}

/** An update may name a part of what was subscribed to (F-032). */
const covers = (subscribed: ReadonlySet<string>, uri: string): boolean =>
  subscribed.has(uri) ||
  [...subscribed].some((one) => uri.startsWith(one.endsWith('/') ? one : `${one}/`))

function lower(a: LogLevel | undefined, b: LogLevel | undefined): LogLevel | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return LOG_LEVELS.indexOf(a) < LOG_LEVELS.indexOf(b) ? a : b
}
