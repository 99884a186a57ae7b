import {
  Fault,
  isObject,
  own,
  readCapabilities,
  type ClientCapabilities,
  type JsonObject,
  type LegacyRevision,
  type LogLevel,
  type RequestId,
  type RpcResponse,
} from '@countersign/contract'
import type { Principal } from '#auth'
import type { Seal, World } from '#base'
import type { View } from '#registry'
import type { Migration, Records } from '#store'
import type { InputAnswer } from '#upstream'
import type { Channel } from './client.ts'
import { EventStream, readEventId } from './event-stream.ts'

export const GATEWAY_TABLES: Migration = {
  room: 'gateway',
  steps: [
    `CREATE TABLE ended_sessions (nonce TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;`,
    // They are records now.
    'DROP TABLE ended_sessions',
  ],
}

/** A session lives as long as a client may keep its id: v1 clients cannot begin a new one. */
const SESSION_MS = 7 * 24 * 3_600_000
const SWEEP_MS = 60_000
const LOOK_MS = 800
/** How long a stream that ended can still be fetched by a client that lost its connection. */
const RESUMABLE_MS = 120_000

export interface SessionLimits {
  /** A session unused for this long is forgotten; its id opens it again. */
  readonly sessionIdleMs: number
  readonly sessionsMax: number
  /** Streams of one session that can still be resumed. */
  readonly streamsPerSessionMax: number
}

/** What a legacy session id carries, so that any node can go on with it (H-077). */
interface Sealed {
  readonly nonce: string
  readonly principal: string
  readonly view: string
  readonly revision: LegacyRevision
  readonly capabilities: ClientCapabilities
  readonly clientInfo: JsonObject
  readonly createdAt: number
}

/** One legacy client's conversation with us. */
export class Session {
  readonly id: string
  readonly facts: Sealed
  logLevel: LogLevel | undefined
  usedAt: number
  /** When it was last looked for among those that ended on another node. */
  lookedAt: number
  readonly subscriptions = new Set<string>()
  readonly inFlight = new Map<RequestId, AbortController>()
  /** Open `tasks/result` streams, by task: what is said of a task may go there. */
  readonly taskStreams = new Map<string, Channel>()
  /** How often the client looked at a task that asks something, without coming for the question. */
  readonly openLooks = new Map<string, number>()
  /** As its last request showed them: the same principal may come with other scopes. */
  who: Principal | undefined
  /** The standalone GET stream, while the client has one. */
  listening: EventStream | undefined
  readonly #world: World
  readonly #streamsMax: number
  readonly #streams = new Map<string, EventStream>()
  readonly #asks = new Map<RequestId, (answer: InputAnswer) => void>()
  #askIds = 0

  constructor(world: World, streamsMax: number, id: string, facts: Sealed) {
    this.#world = world
    this.#streamsMax = streamsMax
    this.id = id
    this.facts = facts
    this.usedAt = world.now()
    this.lookedAt = world.monotonic()
  }

  /** Each request under way may need a stream, and the client one more to listen. */
  get hasRoom(): boolean {
    return this.inFlight.size < this.#streamsMax
  }

  openStream(): EventStream {
    // What ended can be resumed for a while; then its content is let go of.
    const stream = new EventStream(this.#world.random(9).toString('base64url'), () => {
      this.#world.after(RESUMABLE_MS, () => void this.#streams.delete(stream.id))
    })
    this.#streams.set(stream.id, stream)
    for (const [id, old] of this.#streams) {
      if (this.#streams.size <= this.#streamsMax + 1) return stream
      if (old.isOver) this.#streams.delete(id)
    }
    if (this.#streams.size <= this.#streamsMax + 1) return stream
    this.#streams.delete(stream.id)
    throw new Fault('http/busy', 'Too many streams are open in this session. Close one first.')
  }

  /** The stream an event id names, and the place in it to go on from. */
  resume(
    lastEventId: string,
  ): { readonly stream: EventStream; readonly after: number } | undefined {
    const at = readEventId(lastEventId)
    const stream = at && this.#streams.get(at.stream)
    return stream && { stream, after: at.seq }
  }

  /** A number for the next question, from 1: v1 peers ignore a cancellation of request 0 (P-014). */
  nextAskId(): number {
    return ++this.#askIds
  }

  /** Waits for the client's response to our request `id`. */
  awaitAnswer(id: RequestId): Promise<InputAnswer> {
    return new Promise((resolve) => {
      this.#asks.set(id, resolve)
    })
  }

  /** Settles a question. A late or repeated answer is normal and changes nothing (BR-025). */
  settle(id: RequestId, answer: InputAnswer): void {
    const resolve = this.#asks.get(id)
    this.#asks.delete(id)
    resolve?.(answer)
  }

  receive(response: RpcResponse): void {
    if (response.id === undefined) return
    this.settle(
      response.id,
      'result' in response
        ? { kind: 'result', result: response.result }
        : { kind: 'error', error: response.error },
    )
  }

  get isIdle(): boolean {
    return this.inFlight.size === 0 && this.listening?.isAttached !== true
  }

  close(): void {
    for (const abort of this.inFlight.values()) abort.abort()
    for (const stream of this.#streams.values()) stream.end()
    this.listening?.end()
  }
}

export interface Sessions {
  readonly create: (
    who: Principal,
    view: View,
    revision: LegacyRevision,
    params: JsonObject,
  ) => Session
  /** The session of exactly this principal on exactly this view, or undefined (H-081). */
  readonly find: (who: Principal, view: View, id: string) => Promise<Session | undefined>
  readonly end: (session: Session) => void
  readonly live: () => Iterable<Session>
  readonly close: () => void
}

export interface SessionRooms {
  readonly world: World
  readonly seal: Seal
  readonly records: Records
  /** Whether other nodes have these sessions too. */
  readonly isShared: boolean
  readonly limits: SessionLimits
}

/** Sessions by sealed id: nothing must be stored for one to be found again after a restart. */
export function makeSessions({ world, seal, records, isShared, limits }: SessionRooms): Sessions {
  const live = new Map<string, Session>()
  const ended = endedSessions(world, records)

  const end = (session: Session): void => {
    live.delete(session.id)
    session.close()
    ended.add(session.facts)
  }
  // Forgotten, not ended: the id of a client that slept opens the session again.
  const stopSweep = every(world, SWEEP_MS, () => {
    for (const session of live.values()) {
      if (!session.isIdle || world.now() - session.usedAt <= limits.sessionIdleMs) continue
      live.delete(session.id)
      session.close()
    }
  })
  const keep = (session: Session): Session => {
    live.set(session.id, session)
    // The least recently used idle one makes room; its id opens it again when it comes back.
    for (const [id, old] of live) {
      if (live.size <= limits.sessionsMax) break
      if (old.isIdle && old !== session) live.delete(id)
    }
    return session
  }
  const reopen = async (id: string): Promise<Session | undefined> => {
    const opened = seal.open('session', id)
    if (opened === undefined) return undefined
    const facts: Sealed = JSON.parse(opened)
    if (world.now() - facts.createdAt > SESSION_MS || (await ended.has(facts))) return undefined
    // Another request may have been faster.
    return live.get(id) ?? new Session(world, limits.streamsPerSessionMax, id, facts)
  }

  return {
    create: (who, view, revision, params) => {
      const facts = factsOf(world, who, view, revision, params)
      const id = seal.seal('session', JSON.stringify(facts))
      const session = new Session(world, limits.streamsPerSessionMax, id, facts)
      session.who = who
      return keep(session)
    },
    find: async (who, view, id) => {
      const known = live.get(id)
      // One that was ended on another node is over here within a second.
      if (known && isShared && (await ended.isNews(known))) {
        live.delete(id)
        known.close()
      }
      const session = live.get(id) ?? (await reopen(id))
      if (session?.facts.principal !== who.id || session.facts.view !== view.id) return undefined
      live.delete(id)
      session.usedAt = world.now()
      session.who = who
      return keep(session)
    },
    end,
    live: () => live.values(),
    close: () => {
      stopSweep()
      for (const session of live.values()) session.close()
    },
  }
}

const factsOf = (
  world: World,
  who: Principal,
  view: View,
  revision: LegacyRevision,
  params: JsonObject,
): Sealed => ({
  nonce: world.random(16).toString('base64url'),
  principal: who.id,
  view: view.id,
  revision,
  capabilities: readCapabilities(own(params, 'capabilities'), revision),
  clientInfo: shortInfo(own(params, 'clientInfo')),
  createdAt: world.now(),
})

const ENDED = 'EndedSession'

/** A sealed id cannot be taken back, so what was ended is remembered until the id would have expired. */
function endedSessions(
  world: World,
  records: Records,
): {
  readonly has: (facts: Sealed) => Promise<boolean>
  /** Whether another node ended it; looked for no more than about once a second. */
  readonly isNews: (session: Session) => Promise<boolean>
  readonly add: (facts: Sealed) => void
} {
  // Until they are stored, and for good where they cannot be: at worst a restart knows them again.
  const unstored = new Set<string>()
  const has = async ({ nonce }: Sealed): Promise<boolean> =>
    unstored.has(nonce) || (await records.get(ENDED, nonce)) !== undefined
  return {
    has,
    isNews: async (session) => {
      const now = world.monotonic()
      if (now - session.lookedAt < LOOK_MS) return false
      session.lookedAt = now
      return has(session.facts)
    },
    add: ({ nonce, createdAt }) => {
      unstored.add(nonce)
      records.put(ENDED, nonce, {}, { until: createdAt + SESSION_MS }).then(
        () => unstored.delete(nonce),
        () => undefined,
      )
    },
  }
}

function every(world: World, ms: number, run: () => void): () => void {
  let stop = world.after(ms, tick)
  function tick(): void {
    run()
    stop = world.after(ms, tick)
  }
  return () => {
    stop()
  }
}

/** Only what is needed of a client's own words: a session id must fit into a header. */
function shortInfo(info: unknown): JsonObject {
  if (!isObject(info)) return {}
  const text = (key: string): JsonObject => {
    const value = own(info, key)
    return typeof value === 'string' ? { [key]: value.slice(0, 60) } : {}
  }
  return { ...text('name'), ...text('version') }
}
