import { Fault, toFault } from '@countersign/contract'
import { backoffMs } from './backoff.ts'
import { connect, type Connection, type ConnectRooms } from './connect.ts'
import type { Link } from './link.ts'
import { within } from './start-child.ts'
import type { Introduction, UpstreamState } from './upstream.ts'
import { upstreamFault } from './upstream-fault.ts'

const UNCONNECTED = 'upstream/unconnected'
const BACKOFF = { firstMs: 200, maxMs: 30_000 }
/** A connection that lasted so long starts a new count of failures. */
const HEALTHY_MS = 60_000
/** A caller waits this long for the next attempt, and is refused when it is further away. */
const PATIENCE_MS = 1_000
/** For an attempt under way to notice that it is not wanted any more. */
const CLOSE_MS = 5_000
/** How long an era is believed without asking again. */
const REMEMBER_MS = 24 * 3_600_000

export interface ConnectorRooms extends Omit<ConnectRooms, 'expired' | 'ended' | 'signal'> {
  readonly remember:
    | {
        readonly recall: (id: string) => Introduction | undefined
        readonly store: (id: string, introduction: Introduction) => void
      }
    | undefined
  /** True when a connection is kept up although nobody is calling. */
  readonly wanted: () => boolean
  /** `again` after an earlier connection, with which something may have been missed. */
  readonly connected: (connection: Connection, again: boolean) => void
  /** The server forgot us: nothing new on this connection. */
  readonly expired: (connection: Connection) => void
  readonly changed: () => void
}

/** Keeps at most one connection to a server: on demand, once at a time, more slowly after failures. */
export class Connector {
  readonly #rooms: ConnectorRooms
  readonly #closing = new AbortController()
  #state: UpstreamState = 'idle'
  #problem: Fault | undefined
  #introduction: Introduction | undefined
  #connections = 0
  #current: Connection | undefined
  #connecting: Promise<Connection> | undefined
  #since = 0
  #failures = 0
  #retryAt = 0
  #stopRetry: (() => void) | undefined

  constructor(rooms: ConnectorRooms) {
    this.#rooms = rooms
  }

  get state(): UpstreamState {
    return this.#state
  }

  get problem(): string | undefined {
    return this.#problem?.message
  }

  /** It could not be reached for want of a credential. */
  get isUnconnected(): boolean {
    return this.#problem?.code === UNCONNECTED
  }

  get introduction(): Introduction | undefined {
    return this.#introduction
  }

  get restarts(): number {
    return Math.max(0, this.#connections - 1)
  }

  get current(): Connection | undefined {
    return this.#current
  }

  /** The connection, or the one attempt to get it that is under way. Rejects with upstream/unavailable. */
  connection(): Promise<Connection> {
    if (this.#current) return Promise.resolve(this.#current)
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  /** Lets go of the current connection without calling that a failure. */
  release(connection: Connection): void {
    if (this.#current !== connection) return
    this.#current = undefined
    this.#become('idle')
  }

  /** What stood in the way is gone: the next attempt is not held back by the last one. */
  forgive(): void {
    this.#stopRetry?.()
    this.#problem = undefined
    this.#retryAt = 0
    if (this.#state === 'backoff') this.#become('idle')
  }

  /** No connection from now on. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#stopRetry?.()
    this.#current = undefined
    this.#become('closed')
    // An attempt under way ends by itself, and closes what it had opened.
    if (this.#connecting) await within(this.#rooms.world, CLOSE_MS, this.#connecting)
  }

  async #connect(): Promise<Connection> {
    const { world, spec, log } = this.#rooms
    await this.#patience()
    this.#stopRetry?.()
    this.#become('connecting')
    try {
      const connection = await connect(this.#connectRooms(), this.#recall())
      if (connection.rpc.over || this.#closing.signal.aborted) {
        await connection.wire.close()
        throw connection.rpc.over ?? this.#closed()
      }
      this.#current = connection
      this.#since = world.monotonic()
      this.#accept(connection)
      return connection
    } catch (error) {
      const fault = this.#asUnavailable(error)
      // That somebody has not connected it is told to them, and is nothing to watch for.
      const level = fault.code === UNCONNECTED ? 'debug' : 'warn'
      log[level]({ server: spec.id, why: fault.message }, 'cannot connect')
      this.#failed(fault)
      throw fault
    }
  }

  #accept(connection: Connection): void {
    const { remember, spec } = this.#rooms
    const { introduction } = connection.link
    this.#introduction = introduction
    this.#problem = undefined
    if (connection.sure) remember?.store(spec.id, introduction)
    this.#become('ready')
    this.#rooms.connected(connection, this.#connections++ > 0)
  }

  #connectRooms(): ConnectRooms {
    return {
      ...this.#rooms,
      signal: this.#closing.signal,
      expired: (link) => {
        if (this.#current?.link === link) this.#rooms.expired(this.#current)
      },
      ended: (link, fault) => this.#lost(link, fault),
    }
  }

  #recall(): Introduction | undefined {
    const { remember, spec, world } = this.#rooms
    const known = remember?.recall(spec.id)
    return known && world.now() - known.probedAt < REMEMBER_MS ? known : undefined
  }

  async #patience(): Promise<void> {
    if (this.#closing.signal.aborted) throw this.#closed()
    const { world, spec } = this.#rooms
    const waitMs = this.#retryAt - world.monotonic()
    if (waitMs <= 0) return
    if (waitMs > PATIENCE_MS) {
      const what = `is not available; it will be tried again in ${Math.ceil(waitMs / 1000)} s.`
      throw upstreamFault('upstream/unavailable', spec.id, what)
    }
    await new Promise<void>((resolve) => {
      world.after(waitMs, resolve)
      this.#closing.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    if (this.#closing.signal.aborted) throw this.#closed()
  }

  #lost(link: Link, fault: Fault): void {
    const connection = this.#current
    if (connection?.link !== link) return
    const { world, log, spec } = this.#rooms
    this.#current = undefined
    link.close()
    void connection.wire.close()
    if (world.monotonic() - this.#since > HEALTHY_MS) this.#failures = 0
    log.warn({ server: spec.id, why: fault.message }, 'connection ended')
    this.#failed(fault)
  }

  #failed(fault: Fault): void {
    if (this.#closing.signal.aborted) return
    const { world } = this.#rooms
    this.#problem = fault
    // Waiting changes nothing: it is tried again when somebody calls, or has connected it.
    if (fault.code === UNCONNECTED) {
      this.#become('idle')
      return
    }
    this.#failures++
    const delayMs = backoffMs(world, this.#failures, BACKOFF)
    this.#retryAt = world.monotonic() + delayMs
    this.#become('backoff')
    this.#stopRetry?.()
    this.#stopRetry = world.after(delayMs, () => this.#retry())
  }

  #retry(): void {
    if (this.#state !== 'backoff') return
    if (this.#rooms.wanted()) void this.connection().catch(() => undefined)
    else this.#become('idle')
  }

  #become(state: UpstreamState): void {
    if (this.#state === state || this.#state === 'closed') return
    this.#state = state
    this.#rooms.changed()
  }

  /** Nothing of a call had left when connecting failed, whatever happened to the handshake. */
  #asUnavailable(error: unknown): Fault {
    const fault = toFault(error)
    if (this.#closing.signal.aborted) return this.#closed()
    if (fault.code === 'upstream/unavailable' || fault.code === UNCONNECTED) return fault
    if (fault.code !== 'server/bug') {
      return new Fault('upstream/unavailable', fault.message, { cause: error })
    }
    const { id } = this.#rooms.spec
    return upstreamFault('upstream/unavailable', id, 'could not be connected.', error)
  }

  #closed(): Fault {
    return upstreamFault('upstream/unavailable', this.#rooms.spec.id, 'is closed.')
  }
}
