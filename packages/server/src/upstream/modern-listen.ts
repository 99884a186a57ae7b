import {
  Fault,
  isObject,
  META,
  own,
  RPC,
  type JsonObject,
  type RpcNotification,
} from '@countersign/contract'
import { backoffMs } from './backoff.ts'
import { envelope } from './envelope.ts'
import type { Answer } from './flight.ts'
import { emitGap, NO_WATCH, type Hop } from './link.ts'
import { emitChange } from './notes.ts'
import type { Introduction, Watch } from './upstream.ts'

/** For the acknowledgement, which is the first thing said (L-002, L-016). */
const ACK_MS = 15_000
/** A subscription that lasted so long starts a new count of failures. */
const HEALTHY_MS = 60_000
const BACKOFF = { firstMs: 500, maxMs: 30_000 }

interface Subscription {
  readonly id: number
  readonly filter: JsonObject
  /** When it was acknowledged; undefined before. */
  since: number | undefined
  readonly stopTimer: () => void
}

/**
 * One `subscriptions/listen` for everything that is wanted, replaced when that changes: the new one
 * is acknowledged before the old one goes.
 */
export class ModernListen {
  readonly #hop: Hop
  readonly #introduction: Introduction
  #wanted: Watch = NO_WATCH
  /** What brings events now. */
  #current: Subscription | undefined
  /** What will, once acknowledged. */
  #next: Subscription | undefined
  #failures = 0
  #missed = false
  #stopRetry: (() => void) | undefined
  #closed = false

  constructor(hop: Hop, introduction: Introduction) {
    this.#hop = hop
    this.#introduction = introduction
  }

  apply(wanted: Watch): void {
    this.#wanted = wanted
    const filter = this.#filter()
    const latest = this.#next ?? this.#current
    if (latest && JSON.stringify(latest.filter) === JSON.stringify(filter)) return
    this.#stopRetry?.()
    this.#failures = 0
    this.#open(filter)
  }

  close(): void {
    this.#closed = true
    this.#stopRetry?.()
    this.#drop(this.#next)
    this.#drop(this.#current)
    this.#next = undefined
    this.#current = undefined
  }

  receive(note: RpcNotification, lane: number | undefined): void {
    if (note.method === 'notifications/cancelled') {
      this.#cancelled(note)
      return
    }
    const id = subscriptionOf(note)
    // On its own stream a message must still name its subscription (L-003, V-042).
    if (id === undefined || (lane !== undefined && lane !== id)) return
    if (note.method === 'notifications/subscriptions/acknowledged') this.#acknowledge(id)
    else if (id === this.#current?.id) emitChange(this.#hop, note)
  }

  /** A server on stdio may end a subscription so (AM-01); nothing else is its to cancel (P-011). */
  #cancelled({ params }: RpcNotification): void {
    const id = isObject(params) ? own(params, 'requestId') : undefined
    if (id === undefined || (id !== this.#current?.id && id !== this.#next?.id)) return
    this.#hop.rpc.lost(id, { fault: endedFault() })
  }

  /** Only what the server declares can be asked of it. */
  #filter(): JsonObject {
    const { lists, resources } = this.#wanted
    const declares = (capability: string, feature: string): boolean => {
      const declared = own(this.#introduction.capabilities, capability)
      return isObject(declared) && own(declared, feature) === true
    }
    const uris = declares('resources', 'subscribe') ? [...resources].toSorted() : []
    return {
      ...(lists && declares('tools', 'listChanged') ? { toolsListChanged: true } : {}),
      ...(lists && declares('prompts', 'listChanged') ? { promptsListChanged: true } : {}),
      ...(lists && declares('resources', 'listChanged') ? { resourcesListChanged: true } : {}),
      ...(uris.length > 0 ? { resourceSubscriptions: uris } : {}),
    }
  }

  #open(filter: JsonObject): void {
    this.#drop(this.#next)
    this.#next = undefined
    if (Object.keys(filter).length === 0) {
      this.#drop(this.#current)
      this.#current = undefined
      return
    }
    const { rpc, world } = this.#hop
    const { revision } = this.#introduction
    const id = rpc.nextId()
    const stopTimer = world.after(ACK_MS, () => this.#giveUp(id))
    this.#next = { id, filter, since: undefined, stopTimer }
    const ended = rpc.request({
      id,
      method: 'subscriptions/listen',
      params: { notifications: filter, _meta: envelope(revision, {}) },
      revision,
      timeoutMs: 0, // Open until one side ends it.
      signal: undefined,
      cancellable: true,
    })
    void ended.then((answer) => this.#ended(id, answer))
  }

  #acknowledge(id: number): void {
    const next = this.#next
    if (next?.id !== id) return
    next.stopTimer()
    next.since = this.#hop.world.monotonic()
    const old = this.#current
    this.#current = next
    this.#next = undefined
    this.#drop(old) // Make before break.
    if (this.#missed) emitGap(this.#hop.emit, this.#wanted)
    this.#missed = false
  }

  #giveUp(id: number): void {
    if (this.#next?.id !== id) return
    this.#drop(this.#next)
    this.#next = undefined
    this.#retryLater()
  }

  /** However it ended (AM-01), what happens until the next one is not heard (L-015). */
  #ended(id: number, answer: Answer): void {
    const was = [this.#current, this.#next].find((one) => one?.id === id)
    if (!was || this.#closed) return
    was.stopTimer()
    if (was === this.#current) {
      this.#current = undefined
      this.#missed = true
    } else this.#next = undefined
    const lasted = was.since === undefined ? 0 : this.#hop.world.monotonic() - was.since
    if (lasted > HEALTHY_MS) this.#failures = 0
    const { log, server } = this.#hop
    log.debug({ server, how: answer.kind }, 'subscription ended')
    // Not served at all: asking again would not change that.
    if (answer.kind === 'error' && answer.error.code === RPC.methodNotFound) return
    // Without a connection there is nothing to retry on: whoever reconnects starts anew.
    if (!this.#hop.rpc.over && !this.#next) this.#retryLater()
  }

  #retryLater(): void {
    this.#failures++
    const { world } = this.#hop
    this.#stopRetry?.()
    this.#stopRetry = world.after(backoffMs(world, this.#failures, BACKOFF), () => {
      if (!this.#closed) this.#open(this.#filter())
    })
  }

  #drop(subscription: Subscription | undefined): void {
    if (!subscription) return
    subscription.stopTimer()
    const flight = this.#hop.rpc.flight(subscription.id)
    if (flight) this.#hop.rpc.abandon(flight, endedFault())
  }
}

const endedFault = (): Fault => new Fault('call/cancelled', 'The subscription is over.')

function subscriptionOf({ params }: RpcNotification): number | undefined {
  const meta = isObject(params) ? own(params, '_meta') : undefined
  const id = isObject(meta) ? own(meta, META.subscriptionId) : undefined
  return typeof id === 'number' ? id : undefined
}
