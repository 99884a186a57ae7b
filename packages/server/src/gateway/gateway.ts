import {
  Fault,
  own,
  type JsonObject,
  type RpcRequest,
  type RpcResponse,
} from '@countersign/contract'
import type { Principal } from '#auth'
import type { Change, View, Views } from '#registry'
import type { Store } from '#store'
import { makeParking, makeReplays } from '#tasks'
import type { UpstreamEvent } from '#upstream'
import type { Outcome } from './asked.ts'
import type { CallRooms } from './call.ts'
import type { Channel, Voice } from './client.ts'
import { Hub } from './hub.ts'
import {
  ensureListed,
  INTRODUCTION_MS,
  initializeResult,
  negotiate,
  type ListRooms,
} from './lists.ts'
import { serveListen } from './listen.ts'
import { faultError, failure, success } from './project.ts'
import { STATE_MS } from './request-state.ts'
import { noticeLegacy, serveLegacy, type LegacyServed } from './serve-legacy.ts'
import type { ModernRequest, Served } from './modern.ts'
import { serveModern } from './serve-modern.ts'
import { makeSessions, type Session, type SessionLimits } from './session.ts'

export interface GatewayRooms extends CallRooms, ListRooms {
  readonly store: Store
  readonly views: Views
  readonly servers: readonly string[]
  readonly limits: SessionLimits & { readonly listenersMax: number }
}

/** Counts what is under way, and tells when there is nothing left of it. */
class Running {
  #count = 0
  #whenNone: (() => void) | undefined

  async during<Value>(work: Promise<Value>): Promise<Value> {
    this.#count++
    try {
      return await work
    } finally {
      if (--this.#count === 0) this.#whenNone?.()
    }
  }

  none(): Promise<void> {
    if (this.#count === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenNone = resolve
    })
  }
}

/** Both protocol eras behind one door; who carries the bytes is not known in here. */
export interface Gateway {
  readonly view: (id: string) => View | undefined
  readonly modern: (request: ModernRequest) => Promise<Served>
  readonly initialize: (
    who: Principal,
    view: View,
    request: RpcRequest,
  ) => Promise<{ readonly session: Session; readonly response: RpcResponse }>
  readonly session: (who: Principal, view: View, id: string) => Session | undefined
  readonly legacy: (
    session: Session,
    who: Principal,
    request: RpcRequest,
    channel: Channel,
  ) => Promise<LegacyServed>
  readonly notice: typeof noticeLegacy
  /** The session's set of watched things changed: its GET stream was opened or closed. */
  readonly watching: () => void
  readonly endSession: (session: Session) => void
  readonly onEvent: (server: string, event: UpstreamEvent) => void
  /** What a server offers is not what it was: whoever listens is told. */
  readonly onChange: (server: string, changes: readonly Change[]) => void
  /** Ends every stream that would stay open for ever; calls go on until they are over. */
  readonly drain: () => void
  /** Cancels what is left, and resolves when each call has its outcome in the ledger. */
  readonly close: () => Promise<void>
}

/** What its client gave up has no outcome that another request could be told. */
const hasEnded = ({ fault }: Served): boolean =>
  fault?.code !== 'call/cancelled' && fault?.code !== 'call/abandoned'

export function makeGateway(given: GatewayRooms): Gateway {
  const closing = new AbortController()
  const parking = makeParking<Outcome, Voice>(given.world, STATE_MS)
  const sessions = makeSessions(given.world, given.seal, given.store, given.limits)
  const hub = new Hub({ ...given, sessions })
  const replays = makeReplays<Served>(given.world, hasEnded)
  const rooms = { ...given, hub, parking, replays }

  const running = new Running()

  const viewOf = (session: Session): View => {
    const view = given.views.find(session.facts.view)
    if (!view) throw new Fault('session/unknown', 'The view of this session is gone.')
    return view
  }

  return {
    view: (id) => given.views.find(id),
    modern: async (request) => {
      if (request.request.method !== 'subscriptions/listen') {
        return running.during(serveModern(rooms, request))
      }
      return serveListen(rooms, request, closing.signal).catch((thrown: unknown) => {
        const fault = thrown instanceof Fault ? thrown : new Fault('server/bug', 'Something broke.')
        return { response: failure(request.request.id, faultError(fault)), fault }
      })
    },
    initialize: async (who, view, request) => {
      await ensureListed(rooms, view, INTRODUCTION_MS)
      const params: JsonObject = request.params ?? {}
      const revision = negotiate(own(params, 'protocolVersion'))
      const session = sessions.create(who, view, revision, params)
      return { session, response: success(request.id, initializeResult(rooms, view, revision)) }
    },
    session: sessions.find,
    legacy: (session, who, request, channel) =>
      running.during(serveLegacy(rooms, { who, view: viewOf(session), session, request, channel })),
    notice: noticeLegacy,
    watching: () => {
      hub.changed()
    },
    endSession: (session) => {
      sessions.end(session)
      hub.changed()
    },
    onEvent: (server, event) => {
      hub.onEvent(server, event)
    },
    onChange: (server, changes) => {
      hub.onChange(server, changes)
    },
    drain: () => {
      closing.abort()
      for (const session of sessions.live()) session.listening?.end()
    },
    close: async () => {
      closing.abort()
      parking.close()
      sessions.close()
      await running.none()
    },
  }
}
