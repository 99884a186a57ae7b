import type { EventSourceMessage } from 'eventsource-parser'
import { backoffMs } from './backoff.ts'
import {
  HttpExchange,
  type BodyMode,
  type HttpEnd,
  type HttpHeaders,
  type HttpReader,
} from './http-exchange.ts'
import type { HttpPeer } from './http-peer.ts'
import { mediaType } from './media-type.ts'
import { readJson } from './read-json.ts'
import { upstreamFault } from './upstream-fault.ts'
import type { Receiver } from './wire.ts'

/** Some servers hang when this stream is opened, so it is given up where no head comes. */
const HEAD_MS = 15_000
const BACKOFF = { firstMs: 1_000, maxMs: 60_000 }

/** The standalone GET stream of a legacy session, for what belongs to no call (H-072). */
export class HttpStream implements HttpReader {
  readonly #peer: HttpPeer
  readonly #receiver: Receiver
  #revision: string | undefined
  #exchange: HttpExchange | undefined
  #stopTimer: (() => void) | undefined
  #wanted = false
  #lastEventId: string | undefined
  #retryMs: number | undefined
  #failures = 0
  /** True once a stream has been up: then whatever comes next follows a gap. */
  #missed = false
  #hopeless = false

  constructor(peer: HttpPeer, receiver: Receiver) {
    this.#peer = peer
    this.#receiver = receiver
  }

  open(revision: string): void {
    if (this.#wanted) return
    this.#wanted = true
    this.#revision = revision
    if (!this.#hopeless) this.#connect()
  }

  close(): void {
    this.#wanted = false
    this.#missed = false
    this.#lastEventId = undefined
    this.#stopTimer?.()
    this.#exchange?.abort()
  }

  #connect(): void {
    const { path, options } = this.#peer
    const exchange = new HttpExchange(this, options.bytesMax)
    this.#exchange = exchange
    this.#stopTimer = options.world.after(HEAD_MS, () => {
      exchange.abort()
      this.#later()
    })
    const headers = this.#peer.sessionHeaders(this.#revision, this.#lastEventId)
    this.#peer.send({ method: 'GET', path, headers }, exchange)
  }

  started(): void {
    // Nothing is counted for this stream.
  }

  head(status: number, headers: HttpHeaders): BodyMode {
    this.#stopTimer?.()
    if (status === 200 && mediaType(headers) === 'text/event-stream') {
      this.#failures = 0
      if (this.#missed && this.#lastEventId === undefined) this.#receiver.gap()
      this.#missed = true
      return 'events'
    }
    const { server, log } = this.#peer.options
    log.debug({ server, status }, 'no stream for messages outside calls')
    if (status === 404 && this.#peer.sessionId !== undefined) {
      this.#receiver.expired(upstreamFault('upstream/broken', server, 'has forgotten our session.'))
    }
    // 405: there is none (H-072). An unknown event id is worth a fresh start (H-076).
    if (status >= 400 && status < 500 && status !== 429) {
      this.#hopeless = this.#lastEventId === undefined
      this.#lastEventId = undefined
    }
    return 'nothing'
  }

  text(): void {
    // Refusals have nothing to say.
  }

  event({ event, data }: EventSourceMessage): void {
    if ((event !== undefined && event !== 'message') || data === '') return
    const read = readJson(data)
    if (read.kind === 'value') this.#receiver.receive(read.value, data, undefined)
  }

  eventId(id: string): void {
    this.#lastEventId = id === '' ? undefined : id
  }

  retry(ms: number): void {
    this.#retryMs = Math.min(ms, BACKOFF.maxMs)
  }

  closed(_end: HttpEnd): void {
    this.#stopTimer?.()
    if (this.#wanted && !this.#hopeless) this.#later()
  }

  #later(): void {
    const { world } = this.#peer.options
    this.#failures++
    const first = this.#failures === 1 ? this.#retryMs : undefined
    this.#stopTimer = world.after(first ?? backoffMs(world, this.#failures, BACKOFF), () => {
      if (this.#wanted) this.#connect()
    })
  }
}
