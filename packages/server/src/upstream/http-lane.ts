import { Fault, isLegacy, isObject, own, RPC, type RpcError } from '@countersign/contract'
import type { EventSourceMessage } from 'eventsource-parser'
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
import { describeStatus, upstreamFault } from './upstream-fault.ts'
import type { Parcel, Receiver } from './wire.ts'

/** Before a stream that said nothing about it is asked for again. */
const RETRY_MS = 1_000
const RETRY_MS_MAX = 600_000
/** Attempts to resume in a row that brought nothing. */
const RESUMPTIONS_MAX = 5
/** After the answer the server should end the stream (H-045, H-068); this long it may take. */
const LINGER_MS = 1_000

/** One message sent by POST and everything that comes back for it, over as many streams as it takes. */
export class HttpLane implements HttpReader {
  readonly #peer: HttpPeer
  readonly #receiver: Receiver
  readonly #parcel: Parcel
  readonly #done: () => void
  #exchange: HttpExchange | undefined
  #status = 0
  #problem: string | undefined
  #answered = false
  #streams = false
  #lastEventId: string | undefined
  #retryMs = RETRY_MS
  #resumptions = 0
  #stopTimer: (() => void) | undefined

  constructor(peer: HttpPeer, receiver: Receiver, parcel: Parcel, done: () => void) {
    this.#peer = peer
    this.#receiver = receiver
    this.#parcel = parcel
    this.#done = done
  }

  post(): void {
    const { path, options } = this.#peer
    const body = this.#parcel.text
    this.#exchange = new HttpExchange(this, options.bytesMax)
    const headers = this.#peer.postHeaders(this.#parcel)
    this.#peer.send({ method: 'POST', path, headers, body }, this.#exchange, this.#parcel.showed)
  }

  abort(): void {
    this.#stopTimer?.()
    this.#exchange?.abort()
    this.#finish()
  }

  #finish(): void {
    this.#parcel.taken?.()
    this.#done()
  }

  started(): void {
    const { id } = this.#parcel
    // Resuming by GET is no second dispatch.
    if (id !== undefined && this.#resumptions === 0) this.#receiver.leaving(id)
  }

  head(status: number, headers: HttpHeaders): BodyMode {
    this.#status = status
    if (status >= 300) return 'text'
    if (this.#parcel.id === undefined) return 'nothing'
    this.#readSession(headers)
    const type = mediaType(headers)
    this.#streams = status === 200 && type === 'text/event-stream'
    if (this.#streams) return 'events'
    if (status === 200 && type === 'application/json') return 'text'
    this.#problem =
      status === 200
        ? 'answered with a content type other than JSON or an event stream.'
        : `accepted a request without answering it (HTTP ${status}).`
    return 'nothing'
  }

  // Taken from the answer to `initialize` only (H-077); visible ASCII or not at all.
  #readSession(headers: HttpHeaders): void {
    const id = headers['mcp-session-id']
    if (this.#parcel.method !== 'initialize' || typeof id !== 'string') return
    if (/^[\x21-\x7e]+$/.test(id)) this.#peer.sessionId = id
  }

  text(text: string): void {
    if (this.#status >= 300) this.#refused(text)
    else this.#deliver(text)
  }

  event({ event, data }: EventSourceMessage): void {
    // Other names carry no messages (H-049); an empty one only primes the stream (H-065, H-053).
    if ((event === undefined || event === 'message') && data !== '') {
      this.#resumptions = Math.min(this.#resumptions, 1)
      this.#deliver(data)
    }
  }

  eventId(id: string): void {
    this.#lastEventId = id === '' ? undefined : id
  }

  retry(ms: number): void {
    this.#retryMs = Math.min(ms, RETRY_MS_MAX)
  }

  #deliver(text: string): void {
    const { id } = this.#parcel
    const read = readJson(text)
    if (read.kind === 'value') {
      // Before it is passed on: whoever receives it may close this lane.
      if (this.#isAnswer(read.value)) this.#linger()
      this.#receiver.receive(read.value, text, id)
    } else if (read.kind === 'too-deep') this.#lose('answered with JSON that nests too deep.')
    else this.#problem ??= 'answered with something that is not JSON.'
  }

  #isAnswer(value: unknown): boolean {
    if (Array.isArray(value)) return value.some((one) => this.#isAnswer(one))
    return (
      isObject(value) &&
      own(value, 'id') === this.#parcel.id &&
      (own(value, 'result') !== undefined || own(value, 'error') !== undefined)
    )
  }

  #linger(): void {
    this.#answered = true
    if (this.#streams) {
      this.#stopTimer = this.#peer.options.world.after(LINGER_MS, () => this.abort())
    }
  }

  /** HTTP said no. The body may say why in JSON-RPC, addressed to us or to nobody (H-093). */
  #refused(text: string): void {
    const { id } = this.#parcel
    const refusal = errorIn(text)
    this.#answered = true
    if (this.#isForgotten(refusal)) {
      const { server } = this.#peer.options
      const fault = upstreamFault('upstream/broken', server, 'has forgotten our session.')
      this.#receiver.expired(fault)
      if (id !== undefined) this.#receiver.lost(id, { fault, status: 404 })
    } else if (id !== undefined) {
      const said = refusal && (refusal.id ?? id) === id ? { error: refusal.error } : {}
      this.#receiver.lost(id, { fault: this.#refusal(), status: this.#status, ...said })
    }
  }

  // H-079: only an unknown method is another reason for a 404 inside a session.
  #isForgotten(refusal: Refusal | undefined): boolean {
    const inSession = this.#peer.sessionId !== undefined && isLegacy(this.#parcel.revision)
    return this.#status === 404 && inSession && refusal?.error.code !== RPC.methodNotFound
  }

  #refusal(): Fault {
    const { server } = this.#peer.options
    if (this.#resumptions > 0) {
      const what = `broke off its answer and did not go on with it (HTTP ${this.#status}).`
      return upstreamFault('upstream/broken', server, what)
    }
    // What was refused at the door was not executed; a 5xx may have come after the effect.
    const code = isAtTheDoor(this.#status) ? 'upstream/unavailable' : 'upstream/broken'
    return upstreamFault(code, server, describeStatus(this.#status))
  }

  closed(end: HttpEnd): void {
    this.#stopTimer?.()
    const { id } = this.#parcel
    if (id === undefined || this.#answered) {
      this.#finish()
      return
    }
    if (end.kind === 'too-large') {
      const { server, bytesMax } = this.#peer.options
      const what = `answered with more than ${bytesMax} bytes.`
      this.#receiver.lost(id, { fault: upstreamFault('upstream/too-large', server, what) })
      this.#finish()
      return
    }
    if (this.#mayResume(end)) {
      if (end.kind !== 'failed') this.#parcel.paused?.(this.#retryMs)
      this.#stopTimer = this.#peer.options.world.after(this.#retryMs, () => this.#resume())
      return
    }
    this.#loseBy(end)
  }

  #loseBy(end: HttpEnd): void {
    if (end.kind !== 'failed') {
      this.#lose(this.#problem ?? 'closed the connection without answering.')
      return
    }
    const { origin, options } = this.#peer
    const { server } = options
    const resumed = this.#resumptions > 0
    // There was nothing to show, so nothing left.
    if (end.cause instanceof Fault && !resumed) {
      this.#loseTo(end.cause)
      return
    }
    const fault =
      end.started || resumed
        ? upstreamFault('upstream/broken', server, 'broke the connection.', end.cause)
        : upstreamFault(
            'upstream/unavailable',
            server,
            `cannot be reached at ${origin}.`,
            end.cause,
          )
    this.#loseTo(fault)
  }

  #lose(what: string): void {
    this.#loseTo(upstreamFault('upstream/broken', this.#peer.options.server, what))
  }

  #loseTo(fault: Fault): void {
    if (this.#parcel.id !== undefined) this.#receiver.lost(this.#parcel.id, { fault })
    this.#answered = true
    this.abort()
  }

  // After an event id the stream goes on by GET, also when it was closed in good order (H-066, H-067).
  #mayResume(end: HttpEnd): boolean {
    if (!isLegacy(this.#parcel.revision) || this.#lastEventId === undefined) return false
    if (end.kind === 'failed' && !end.started && this.#resumptions === 0) return false
    return (this.#status === 200 || end.kind === 'failed') && this.#resumptions < RESUMPTIONS_MAX
  }

  #resume(): void {
    this.#resumptions++
    this.#problem = undefined
    const { path, options } = this.#peer
    this.#exchange = new HttpExchange(this, options.bytesMax)
    const headers = this.#peer.sessionHeaders(this.#parcel.revision, this.#lastEventId)
    this.#peer.send({ method: 'GET', path, headers }, this.#exchange)
  }
}

const isAtTheDoor = (status: number): boolean => status < 500 && status !== 408

interface Refusal {
  readonly id: unknown
  readonly error: RpcError
}

function errorIn(text: string): Refusal | undefined {
  const read = text === '' ? undefined : readJson(text)
  if (read?.kind !== 'value' || !isObject(read.value)) return undefined
  const error = own(read.value, 'error')
  if (!isObject(error) || !Number.isInteger(own(error, 'code'))) return undefined
  const id = own(read.value, 'id') ?? undefined
  const said = own(error, 'message')
  const message = typeof said === 'string' ? said : ''
  return { id, error: { ...error, code: Number(error['code']), message } }
}
