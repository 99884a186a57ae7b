import type { Kind } from '@countersign/contract'
import type { World } from '#base'
import type { Log, Tracks } from '#telemetry'
import { coalesce } from './coalesce.ts'
import type { Connection } from './connect.ts'
import type { Credential } from './credential.ts'
import { Connector, type ConnectorRooms } from './connector.ts'
import type { Keeper } from './keeper.ts'
import { LastLines } from './last-lines.ts'
import { emitGap, isWatching, NO_WATCH } from './link.ts'
import { isOpen, OpenTasks } from './open-tasks.ts'
import type {
  Exchange,
  Introduction,
  Listing,
  Outgoing,
  Reply,
  ServerSpec,
  Upstream,
  UpstreamEvent,
  UpstreamStatus,
  UpstreamTasks,
  Watch,
} from './upstream.ts'
import { untilReady } from './until-ready.ts'

export interface UpstreamRooms {
  readonly world: World
  readonly log: Log
  /** Undefined where nobody listens. */
  readonly tracks?: Tracks | undefined
  readonly keeper: Keeper
  readonly onEvent: (server: string, event: UpstreamEvent) => void
  /** What is shown with each request over HTTP. */
  readonly credential?: Credential
  /** Of one principal among many: its connection is given up when it is not used. */
  readonly isPersonal?: boolean
  /** Which era a server was last found to speak, kept by the caller across restarts (H-016). */
  readonly remember?: {
    readonly recall: (id: string) => Introduction | undefined
    readonly store: (id: string, introduction: Introduction) => void
  }
}

/** An upstream, for who keeps it. */
export interface KeptUpstream extends Upstream {
  /** Its credential is another from now on: what follows goes over a connection of its own. */
  readonly renew: () => void
}

/** One configured server, reached when it is first needed and for as long as it is. */
export function makeUpstream(rooms: UpstreamRooms, spec: ServerSpec): KeptUpstream {
  const life = new Life(rooms, spec)
  if (spec.start === 'eager') life.start()
  return {
    spec,
    status: () => life.status(),
    introduce: (signal) => life.introduce(signal),
    call: (outgoing, exchange) => life.call(outgoing, exchange),
    list: (kind, signal) => life.list(kind, signal),
    watch: (watch) => life.watch(watch),
    tasks: life.tasks,
    close: () => life.close(),
    renew: () => life.renew(),
  }
}

class Life {
  readonly #rooms: UpstreamRooms
  readonly #spec: ServerSpec
  readonly #emit: (event: UpstreamEvent) => void
  readonly #stderr = new LastLines()
  readonly #connector: Connector
  #watch: Watch = NO_WATCH
  /** Calls and lists in flight, by the connection they went out on; kept while that is in use at all. */
  readonly #uses = new Map<Connection, { count: number }>()
  readonly #openTasks = new OpenTasks()
  #inFlight = 0
  #lastUsed = 0
  #stopIdle: (() => void) | undefined

  constructor(rooms: UpstreamRooms, spec: ServerSpec) {
    this.#rooms = rooms
    this.#spec = spec
    this.#emit = coalesce(rooms.world, (event) => rooms.onEvent(spec.id, event))
    this.#connector = new Connector(this.#connectorRooms())
  }

  #connectorRooms(): ConnectorRooms {
    const { world, log, tracks, keeper, remember, credential } = this.#rooms
    return {
      world,
      log,
      tracks,
      keeper,
      remember,
      credential,
      spec: this.#spec,
      stderr: this.#stderr,
      emit: this.#emit,
      wanted: () => this.#spec.start === 'eager' || isWatching(this.#watch),
      connected: (connection, again) => this.#connected(connection, again),
      expired: (connection) => this.#retire(connection),
      changed: () => this.#emit({ kind: 'state', status: this.status() }),
    }
  }

  status(): UpstreamStatus {
    const { state, introduction, restarts, problem, isUnconnected, current } = this.#connector
    return {
      state,
      introduction,
      pid: current?.wire.pid,
      restarts,
      inFlight: this.#inFlight,
      problem,
      isUnconnected,
      stderr: this.#stderr.lines(),
    }
  }

  /** Connects without waiting; failing is told by `status`. */
  start(): void {
    void this.#connector.connection().catch(() => undefined)
  }

  async introduce(signal: AbortSignal | undefined): Promise<Introduction> {
    const connection = this.#connector.current ?? (await this.#ready(signal))
    this.#rest()
    return connection.link.introduction
  }

  async call(outgoing: Outgoing, exchange: Exchange): Promise<Reply> {
    const reply = await this.#using(exchange.signal, (link) => link.call(outgoing, exchange))
    if (reply.kind === 'task') this.#openTasks.saw(reply.task)
    return reply
  }

  list(kind: Kind, signal: AbortSignal | undefined): Promise<Listing> {
    return this.#using(signal, (link) => link.list(kind, signal))
  }

  readonly tasks: UpstreamTasks = {
    see: async (id, exchange) => {
      const seen = await this.#using(exchange.signal, ({ tasks }) => tasks.see(id, exchange))
      if (seen && isOpen(seen)) this.#openTasks.saw(seen)
      else this.#openTasks.over(id)
      return seen
    },
    result: async (id, exchange) => {
      const reply = await this.#using(exchange.signal, ({ tasks }) => tasks.result(id, exchange))
      this.#openTasks.over(id)
      return reply
    },
    update: (id, answers, exchange) =>
      this.#using(exchange.signal, ({ tasks }) => tasks.update(id, answers, exchange)),
    cancel: async (id, exchange) => {
      await this.#using(exchange.signal, ({ tasks }) => tasks.cancel(id, exchange))
      this.#openTasks.over(id)
    },
  }

  async #using<T>(
    signal: AbortSignal | undefined,
    use: (link: Connection['link']) => Promise<T>,
  ): Promise<T> {
    const connection = this.#connector.current ?? (await this.#ready(signal))
    this.#begin(connection)
    try {
      return await use(connection.link)
    } finally {
      this.#end(connection)
    }
  }

  watch(watch: Watch): void {
    this.#watch = watch
    const { current } = this.#connector
    if (current) {
      current.link.watch(watch)
      this.#rest()
    } else if (isWatching(watch)) this.start()
  }

  async close(): Promise<void> {
    this.#stopIdle?.()
    const { current } = this.#connector
    const open = new Set([...this.#uses.keys(), ...(current ? [current] : [])])
    for (const { link } of open) link.close()
    await Promise.all([this.#connector.close(), ...[...open].map(({ wire }) => wire.close())])
  }

  renew(): void {
    this.#connector.forgive()
    const { current } = this.#connector
    if (current) this.#retire(current)
    else if (isWatching(this.#watch)) this.start()
  }

  #ready(signal: AbortSignal | undefined): Promise<Connection> {
    const { world } = this.#rooms
    const { id, callTimeoutMs } = this.#spec
    return untilReady(
      { world, server: id, timeoutMs: callTimeoutMs, signal },
      this.#connector.connection(),
    )
  }

  #connected(connection: Connection, again: boolean): void {
    this.#rest()
    if (!isWatching(this.#watch)) return
    connection.link.watch(this.#watch)
    if (again) emitGap(this.#emit, this.#watch) // S-010
  }

  #begin(connection: Connection): void {
    this.#inFlight++
    const uses = this.#uses.get(connection)
    if (uses) uses.count++
    else this.#uses.set(connection, { count: 1 })
  }

  #end(connection: Connection): void {
    this.#inFlight--
    const uses = this.#uses.get(connection)
    if (uses && --uses.count > 0) return
    if (this.#connector.current === connection) this.#rest()
    else this.#leave(connection) // It was replaced while this was under way.
  }

  /** No new calls on this connection; those under way may finish. */
  #retire(connection: Connection): void {
    this.#connector.release(connection)
    connection.link.close()
    if ((this.#uses.get(connection)?.count ?? 0) === 0) this.#leave(connection)
    if (isWatching(this.#watch)) this.start()
  }

  #leave(connection: Connection): void {
    this.#uses.delete(connection)
    void connection.wire.close()
  }

  /** Nothing is under way: if that stays so, a process of ours, or what is one principal's, ends. */
  #rest(): void {
    const { idleMs, transport } = this.#spec
    const ours = transport.kind === 'stdio' || (transport.kind === 'http' && transport.process)
    if ((!ours && this.#rooms.isPersonal !== true) || idleMs === 0) return
    this.#lastUsed = this.#rooms.world.monotonic()
    this.#stopIdle ??= this.#rooms.world.after(idleMs, () => this.#reap())
  }

  #reap(): void {
    this.#stopIdle = undefined
    const { current } = this.#connector
    // Whoever is still at work comes to rest later, and so does a watch when it is taken back.
    if (!current || this.#inFlight > 0 || isWatching(this.#watch)) return
    const { world } = this.#rooms
    const { idleMs } = this.#spec
    const leftMs = this.#lastUsed + this.#openTasks.idleMs(idleMs) - world.monotonic()
    if (leftMs > 0) this.#stopIdle = world.after(Math.min(leftMs, idleMs), () => this.#reap())
    else this.#retire(current)
  }
}
