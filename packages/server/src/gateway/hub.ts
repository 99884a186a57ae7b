import { LOG_LEVELS, META, passesLevel, own, type JsonObject, type LogLevel, type RequestId } from '@countersign/contract'
import type { Catalog, View } from '#registry'
import type { Log } from '#telemetry'
import type { Upstream, UpstreamEvent } from '#upstream'
import { notification, type Channel } from './client.ts'
import type { Sessions } from './session.ts'

/** What one modern `subscriptions/listen` asked for and is given (L-001). */
export interface Filter {
  readonly lists: ReadonlySet<'tools' | 'prompts' | 'resources'>
  readonly uris: ReadonlySet<string>
}

/** One open listen stream. Kept by instance: ids of different clients coincide (L-010). */
export interface Listener {
  readonly view: View
  readonly id: RequestId
  readonly filter: Filter
  readonly channel: Channel
}

export interface Hub {
  readonly listen: (listener: Listener) => () => void
  readonly listeners: () => number
  /** Something that decides what we must hear from servers has changed. */
  readonly changed: () => void
  readonly onEvent: (server: string, event: UpstreamEvent) => void
}

export interface HubRooms {
  readonly sessions: Sessions
  readonly catalog: Catalog
  readonly log: Log
  readonly views: { readonly find: (id: string) => View | undefined }
  readonly servers: readonly string[]
  readonly upstream: (server: string) => Upstream
}

const LIST_NOTICE = {
  tools: 'notifications/tools/list_changed',
  prompts: 'notifications/prompts/list_changed',
  resources: 'notifications/resources/list_changed',
} as const

/**
 * What servers say outside calls, brought to whoever asked to hear it: the GET stream of a legacy
 * session, the listen stream of a modern client. Each message goes to each client once (H-073).
 */
export function makeHub(rooms: HubRooms): Hub {
  const { sessions, catalog, log, upstream } = rooms
  const listeners = new Set<Listener>()
  let isScheduled = false

  /** The sessions that can be told something now, with the view they look at. */
  const hearing = (server: string): readonly { readonly view: View; readonly tell: Tell }[] =>
    [...sessions.live()].flatMap((session) => {
      const view = rooms.views.find(session.facts.view)
      const stream = session.listening
      if (!stream || !view?.servers.includes(server)) return []
      const tell: Tell = (method, params) => {
        stream.send(notification(method, params))
      }
      return [{ view, tell, session }]
    })

  const rewatch = (): void => {
    isScheduled = false
    for (const server of rooms.servers) upstream(server).watch(watchOf(server))
  }

  const watchOf = (server: string): Parameters<Upstream['watch']>[0] => {
    const resources = new Set<string>()
    let lists = false
    let logLevel: LogLevel | undefined
    const want = (view: View, uris: Iterable<string>): void => {
      for (const uri of uris) {
        const inward = view.resources().inward(uri)
        if (inward?.server === server) resources.add(inward.uri)
      }
    }
    for (const session of sessions.live()) {
      const view = rooms.views.find(session.facts.view)
      if (!view?.servers.includes(server)) continue
      lists ||= session.listening !== undefined
      want(view, session.subscriptions)
      logLevel = lower(logLevel, session.logLevel)
    }
    for (const { view, filter } of listeners) {
      if (!view.servers.includes(server)) continue
      lists ||= filter.lists.size > 0
      want(view, filter.uris)
    }
    return { lists, resources, logLevel }
  }

  const listChanged = async (server: string, list: keyof typeof LIST_NOTICE): Promise<void> => {
    await catalog.capture(upstream(server)).catch((cause: unknown) => {
      log.warn({ server, cause: String(cause) }, 'a changed list could not be read')
    })
    for (const { tell } of hearing(server)) tell(LIST_NOTICE[list], {})
    for (const listener of listeners) {
      if (listener.view.servers.includes(server) && listener.filter.lists.has(list)) {
        tellListener(listener, LIST_NOTICE[list], {})
      }
    }
  }

  const resourceUpdated = (server: string, uri: string): void => {
    const method = 'notifications/resources/updated'
    for (const session of sessions.live()) {
      const view = rooms.views.find(session.facts.view)
      const shown = view?.servers.includes(server) ? view.resources().outward(server, uri) : undefined
      if (shown !== undefined && covers(session.subscriptions, shown)) {
        session.listening?.send(notification(method, { uri: shown }))
      }
    }
    for (const listener of listeners) {
      if (!listener.view.servers.includes(server)) continue
      const shown = listener.view.resources().outward(server, uri)
      if (covers(listener.filter.uris, shown)) tellListener(listener, method, { uri: shown })
    }
  }

  /** A log line that belongs to no call: never to modern clients, who get them on calls only (P-021). */
  const logged = (server: string, params: JsonObject): void => {
    for (const session of sessions.live()) {
      const view = rooms.views.find(session.facts.view)
      if (session.logLevel === undefined || !view?.servers.includes(server)) continue
      if (passesLevel(own(params, 'level'), session.logLevel)) {
        session.listening?.send(notification('notifications/message', params))
      }
    }
  }

  return {
    listen: (listener) => {
      listeners.add(listener)
      rewatch()
      return () => {
        listeners.delete(listener)
        rewatch()
      }
    },
    listeners: () => listeners.size,
    changed: () => {
      if (isScheduled) return
      isScheduled = true
      queueMicrotask(rewatch)
    },
    onEvent: (server, event) => {
      switch (event.kind) {
        case 'list-changed':
          void listChanged(server, event.list)
          return
        case 'resource-updated':
          resourceUpdated(server, event.uri)
          return
        case 'log':
          logged(server, event.params)
          return
        case 'state':
          return
      }
    },
  }
}

type Tell = (method: string, params: JsonObject) => void

/** L-003: the listen request's id, verbatim and with its type, on everything the stream carries. */
function tellListener({ channel, id }: Listener, method: string, params: JsonObject): void {
  channel.send(notification(method, { ...params, _meta: { [META.subscriptionId]: id } }))
}

/** An update may name a part of what was subscribed to (F-032). */
const covers = (subscribed: ReadonlySet<string>, uri: string): boolean =>
  subscribed.has(uri) || [...subscribed].some((one) => uri.startsWith(one.endsWith('/') ? one : `${one}/`))

function lower(a: LogLevel | undefined, b: LogLevel | undefined): LogLevel | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return LOG_LEVELS.indexOf(a) < LOG_LEVELS.indexOf(b) ? a : b
}
