import {
  Fault,
  own,
  type Effect,
  type JsonObject,
  type RpcRequest,
  type RpcResponse,
} from '@countersign/contract'
import type { Engine, TaskState } from '@countersign/engine'
import type { Approvals } from '#approvals'
import type { Principal } from '#auth'
import { effectUnder, type Change, type View, type Views } from '#registry'
import type { Records } from '#store'
import { Desk, makeParking, makeReplays } from '#tasks'
import type { Fleet, UpstreamEvent } from '#upstream'
import type { Connected } from '#vault'
import { admit, type Admission } from './admit.ts'
import type { CallRooms } from './call.ts'
import { followUp, perform, type IsRevoked } from './carry.ts'
import type { Channel } from './client.ts'
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
import type { LegacyServed } from './legacy.ts'
import { noticeLegacy, serveLegacy } from './serve-legacy.ts'
import type { ModernRequest, Parkable, Served } from './modern.ts'
import { Patiences, type WaitingRules } from './patience.ts'
import { Polls } from './polls.ts'
import { SentToPages } from './sent-to-pages.ts'
import { Looks } from './words.ts'
import { screenedEvent } from './screened-upstream.ts'
import { serveModern } from './serve-modern.ts'
import { shownOf } from './shown-of.ts'
import { makeSessions, type Session, type SessionLimits } from './session.ts'
import { tracedFirst, tracedLegacy, tracedModern } from './traced.ts'
import type { From } from './whence.ts'

export interface GatewayRooms extends CallRooms, Omit<ListRooms, 'afterMs'> {
  readonly records: Records
  readonly isShared: boolean
  readonly approvals: Approvals
  readonly isRevoked: IsRevoked
  readonly views: Views
  readonly servers: readonly string[]
  readonly fleet: Pick<Fleet, 'isPersonal' | 'watch' | 'watchEach'>
  readonly engine: Engine
  readonly waiting: WaitingRules & { readonly pollsPerSecondMax: number }
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

/** What is open at one moment. */
interface GatewayFigures {
  readonly sessions: number
  readonly streams: number
  readonly tasks: Readonly<Partial<Record<TaskState, number>>>
}

/** Both protocol eras behind one door; who carries the bytes is not known in here. */
export interface Gateway {
  /** Calls that are answered later. */
  readonly desk: Desk
  readonly view: (id: string) => View | undefined
  /** What to say instead, when the scopes of a token do not reach as far as its request. */
  readonly admit: (asking: Admission) => Promise<Served | undefined>
  readonly modern: (request: ModernRequest) => Promise<Served>
  readonly initialize: (
    who: Principal,
    view: View,
    request: RpcRequest,
    from?: From,
  ) => Promise<{ readonly session: Session; readonly response: RpcResponse }>
  readonly session: (who: Principal, view: View, id: string) => Promise<Session | undefined>
  readonly legacy: (
    session: Session,
    who: Principal,
    request: RpcRequest,
    channel: Channel,
    from?: From,
  ) => Promise<LegacyServed>
  /** How many clients hold something open, and tasks that are not over, by state. */
  readonly figures: () => Promise<GatewayFigures>
  readonly notice: typeof noticeLegacy
  /** The session's set of watched things changed: its GET stream was opened or closed. */
  readonly watching: () => void
  readonly endSession: (session: Session) => void
  /** `whose`: on whose connection it was said, where each principal has one. */
  readonly onEvent: (server: string, event: UpstreamEvent, whose?: Principal) => void
  /** Somebody connected a server: who was sent there is told that it is done. */
  readonly onConnected: (connected: Connected) => void
  /** What a server offers is not what it was: whoever listens is told. */
  readonly onChange: (server: string, changes: readonly Pick<Change, 'kind'>[]) => void
  /** Ends every stream that would stay open for ever; calls go on until they are over. */
  readonly drain: () => void
  /** Cancels what is left, and resolves when each call has its outcome in the ledger. */
  readonly close: () => Promise<void>
}

/** What its client gave up has no outcome that another request could be told. */
const hasEnded = ({ fault }: Served): boolean =>
  fault?.code !== 'call/cancelled' && fault?.code !== 'call/abandoned'

/** The effect class of a tool that nobody has to have called before. */
function effectOfTool({ views, rules }: GatewayRooms, server: string, tool: string): Effect {
  const found = views.find(server)?.find('tool', tool)?.exposed
  return found ? effectUnder(rules, found.definition) : 'destructive'
}

/** What both eras work with, made of what the house has. */
function makeRooms(given: GatewayRooms) {
  const { world, waiting } = given
  const desk = new Desk({
    ...given,
    perform: perform(given),
    followUp: followUp(given),
    effectOf: (errand, { tool }) => effectOfTool(given, errand.server, tool),
    shown: shownOf(given),
    note: (kind, body) => given.ledger.note(kind, body),
    digest: given.payloads.digestOfResult,
  })
  const sessions = makeSessions(given)
  return {
    ...given,
    afterMs: waiting.afterMs,
    desk,
    sessions,
    hub: new Hub({ ...given, sessions, desk }),
    parking: makeParking<Parkable>(world, STATE_MS),
    replays: makeReplays<Served>(world, hasEnded),
    patiences: new Patiences(world, waiting),
    polls: new Polls(world, waiting.pollsPerSecondMax),
    looks: new Looks(),
    sent: new SentToPages(),
  }
}

function viewOf({ views }: GatewayRooms, { facts }: Session): View {
  const view = views.find(facts.view)
  if (!view) throw new Fault('session/unknown', 'The view of this session is gone.')
  return view
}

/** What a request is answered when serving it failed. */
const toServed =
  ({ request }: ModernRequest) =>
  (thrown: unknown): Served => {
    const fault = thrown instanceof Fault ? thrown : new Fault('server/bug', 'Something broke.')
    return { response: failure(request.id, faultError(fault)), fault }
  }

type Rooms = ReturnType<typeof makeRooms>

async function figuresOf({ sessions, hub, engine }: Rooms): Promise<GatewayFigures> {
  const live = [...sessions.live()]
  const listening = live.filter((session) => session.listening?.isAttached === true)
  const streams = listening.length + hub.listeners
  return { sessions: live.length, streams, tasks: (await engine.countOpen()) ?? {} }
}

/** The first request of a legacy client, which opens its session. */
function initialize(
  rooms: Rooms,
  who: Principal,
  {
    view,
    request,
    from,
  }: { readonly view: View; readonly request: RpcRequest; readonly from: From | undefined },
): ReturnType<Gateway['initialize']> {
  const params: JsonObject = request.params ?? {}
  const revision = negotiate(own(params, 'protocolVersion'))
  return tracedFirst(rooms, { view, request, revision, from }, async () => {
    await ensureListed(rooms, view, who, INTRODUCTION_MS)
    const session = rooms.sessions.create(who, view, revision, params)
    return { session, response: success(request.id, initializeResult(rooms, view, revision)) }
  })
}

export function makeGateway(given: GatewayRooms): Gateway {
  const closing = new AbortController()
  const rooms = makeRooms(given)
  const { desk, sessions, hub, parking, approvals } = rooms
  const running = new Running()

  const watching = (): void => {
    hub.changed()
  }
  return {
    desk,
    view: (id) => given.views.find(id),
    admit: (asking) => admit(rooms, asking),
    modern: async (request) => {
      if (request.request.method !== 'subscriptions/listen') {
        return running.during(tracedModern(rooms, request, (one) => serveModern(rooms, one)))
      }
      return serveListen(rooms, request, closing.signal).catch(toServed(request))
    },
    initialize: (who, view, request, from) => initialize(rooms, who, { view, request, from }),
    session: sessions.find,
    legacy: (session, who, request, channel, from) => {
      const legacy = { who, view: viewOf(given, session), session, request, channel, from }
      return running.during(tracedLegacy(rooms, legacy, (one) => serveLegacy(rooms, one)))
    },
    figures: () => figuresOf(rooms),
    notice: noticeLegacy,
    watching,
    endSession: (session) => {
      sessions.end(session)
      watching()
    },
    onEvent: (server, event, whose) => {
      const heard = screenedEvent(given, server, event)
      if (heard) hub.onEvent(server, heard, whose)
    },
    onConnected: (connected) => {
      rooms.sent.done(connected.id)
      watching()
    },
    onChange: (server, changes) => {
      hub.onChange(server, changes)
      void approvals.review()
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
