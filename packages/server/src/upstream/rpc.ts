import {
  isModern,
  isObject,
  own,
  shapeOf,
  type Fault,
  type JsonObject,
  type RequestId,
  type Revision,
  type RpcError,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from '@countersign/contract'
import { Roster, type World } from '#base'
import type { Log, Origin, TraceContext } from '#telemetry'
import { Flight, type Answer, type Ask } from './flight.ts'
import { withTrace } from './hop-meta.ts'
import type { Track } from './track.ts'
import { abandonedFault, cancelledFault, upstreamFault } from './upstream-fault.ts'
import type { Loss, Receiver, Wire } from './wire.ts'

/** Requests that were given up, and whose late results are of interest still. */
const LATE_MAX = 256

/** Who hears what a server says that is no answer. */
export interface Listener {
  readonly request: (request: RpcRequest, lane: number | undefined) => void
  readonly notification: (notification: RpcNotification, lane: number | undefined) => void
  readonly expired: (fault: Fault) => void
  readonly gap: () => void
  readonly ended: (fault: Fault) => void
}

interface RpcRooms {
  readonly world: World
  readonly log: Log
  readonly server: string
  /** Follows each request, where somebody listens. */
  readonly track?: Track | undefined
}

/** JSON-RPC with one server over one wire: numbers, who waits for what, and giving up. */
export class Rpc implements Receiver {
  readonly #rooms: RpcRooms
  // From 1: v1 peers ignore a cancellation of request 0 (P-014).
  #lastId = 0
  readonly #flights = new Roster<Flight>()
  readonly #late = new Map<number, (result: JsonObject) => void>()
  #wire: Wire | undefined
  #listener: Listener | undefined
  #over: Fault | undefined

  constructor(rooms: RpcRooms) {
    this.#rooms = rooms
  }

  attach(wire: Wire): void {
    this.#wire = wire
  }

  /** From now on `listener` hears; if the wire has ended before, it hears that at once. */
  listen(listener: Listener): void {
    this.#listener = listener
    if (this.#over) listener.ended(this.#over)
  }

  get wire(): Wire {
    if (!this.#wire) throw new TypeError('The wire is not open yet.')
    return this.#wire
  }

  get over(): Fault | undefined {
    return this.#over
  }

  nextId(): number {
    return ++this.#lastId
  }

  flight(id: number): Flight | undefined {
    return this.#flights.get(id)
  }

  /** Oldest first: ids only grow. */
  flights(): readonly Flight[] {
    return this.#flights.values()
  }

  request(ask: Ask): Promise<Answer> {
    if (ask.signal?.aborted) return lostBy(cancelledFault())
    if (this.#over) return lostBy(unavailable(this.#rooms.server, this.#over))
    const tracked = this.#rooms.track?.(ask)
    return new Promise((resolve, reject) => {
      const heard = tracked ? tracked.hearing(resolve) : resolve
      const flight = new Flight(this.#rooms.world, ask, heard, this.#ends)
      this.#flights.add(ask.id, flight)
      try {
        this.#post(ask, tracked ? tracked.context : passedOn(ask.exchange?.origin))
      } catch (error) {
        // Whoever keeps the books said that this must not leave.
        this.#settle(ask.id, { kind: 'lost', fault: cancelledFault() })
        reject(error)
      }
    })
  }

  #post(ask: Ask, trace: TraceContext | undefined): void {
    const { id, method } = ask
    const params = trace ? withTrace(ask.params, trace) : ask.params
    this.wire.send({
      id,
      method,
      trace,
      text: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
      revision: ask.revision,
      name: ask.name,
      paramHeaders: ask.paramHeaders,
      paused: ask.exchange?.paused,
      showed: ask.exchange?.showed,
      taken: undefined,
    })
  }

  notify(method: string, params: JsonObject, revision: Revision): void {
    this.#say(method, JSON.stringify({ jsonrpc: '2.0', method, params }), revision)
  }

  /** Resolves when the server has it: over HTTP messages may overtake each other. */
  initialized(revision: Revision): Promise<void> {
    const method = 'notifications/initialized'
    return new Promise((resolve) => {
      this.#say(method, JSON.stringify({ jsonrpc: '2.0', method }), revision, resolve)
    })
  }

  respond(
    id: RequestId,
    answer: { readonly result: JsonObject } | { readonly error: RpcError },
    revision: Revision,
  ): void {
    this.#say(undefined, JSON.stringify({ jsonrpc: '2.0', id, ...answer }), revision)
  }

  #say(method: string | undefined, text: string, revision: Revision, taken?: () => void): void {
    if (this.#over) {
      taken?.()
      return
    }
    const none = { id: undefined, name: undefined, paramHeaders: undefined, paused: undefined }
    this.wire.send({ ...none, method, text, revision, taken })
  }

  /** Stops waiting, and tells the server in the way of its era and transport. */
  abandon(flight: Flight, fault: Fault): void {
    const { id, revision, cancellable, late } = flight.ask
    if (!this.#flights.get(id)) return
    if (late && flight.left) this.#expectLate(id, late)
    if (cancellable && revision && this.#cancelsByNotification(revision)) {
      this.notify('notifications/cancelled', { requestId: id, reason: fault.message }, revision)
    }
    this.#settle(id, { kind: 'lost', fault })
    this.wire.forget(id)
  }

  #expectLate(id: number, late: (result: JsonObject) => void): void {
    this.#late.set(id, late)
    const [oldest] = this.#late.keys()
    if (this.#late.size > LATE_MAX && oldest !== undefined) this.#late.delete(oldest)
  }

  // Modern HTTP cancels by closing the stream (H-050); all else by saying so (S-007, C25).
  #cancelsByNotification(revision: Revision): boolean {
    return !(isModern(revision) && this.wire.kind === 'http')
  }

  readonly #ends = {
    expired: (flight: Flight): void => {
      const seconds = Math.round(flight.ask.timeoutMs / 1000)
      const what = `did not answer ${flight.ask.method} within ${seconds} s.`
      const code = flight.left ? 'upstream/timeout' : 'upstream/unavailable'
      this.abandon(flight, upstreamFault(code, this.#rooms.server, what))
    },
    aborted: (flight: Flight): void =>
      this.abandon(flight, flight.left ? abandonedFault() : cancelledFault()),
  }

  receive(value: unknown, text: string, lane: number | undefined): void {
    // Servers of 2025-03-26 may put several messages into one text (H-061, S-004).
    if (Array.isArray(value)) {
      for (const one of value) this.#receiveOne(one, text, lane)
    } else this.#receiveOne(value, text, lane)
  }

  #receiveOne(value: unknown, text: string, lane: number | undefined): void {
    const shape = shapeOf(value)
    switch (shape.kind) {
      case 'response':
        this.#answer(shape.message, text, lane)
        return
      case 'request':
        this.#listener?.request(shape.message, lane)
        return
      case 'notification':
        this.#listener?.notification(shape.message, lane)
        return
      case 'invalid':
        this.#rooms.log.debug({ server: this.#rooms.server, why: shape.why }, 'garbage; dropped')
        // A malformed answer to a known request is all the answer that will come.
        this.#garbled(value, lane)
    }
  }

  #garbled(value: unknown, lane: number | undefined): void {
    const id = isObject(value) && own(value, 'method') === undefined ? own(value, 'id') : undefined
    if (typeof id !== 'number' || (lane !== undefined && lane !== id)) return
    const what = 'answered with something that is not JSON-RPC.'
    this.lost(id, { fault: upstreamFault('upstream/broken', this.#rooms.server, what) })
  }

  #answer(message: RpcResponse, text: string, lane: number | undefined): void {
    const { id } = message
    // A stream answers its own request only. Late and second answers find nobody (P-013).
    if (typeof id !== 'number' || (lane !== undefined && lane !== id)) return
    const late = this.#late.get(id)
    this.#late.delete(id)
    if (late && 'result' in message) late(message.result)
    if ('error' in message) this.#settle(id, { kind: 'error', error: message.error })
    else this.#settle(id, { kind: 'result', result: message.result, text })
  }

  #settle(id: number, answer: Answer): void {
    const flight = this.#flights.get(id)
    if (!flight) return
    this.#flights.remove(id)
    flight.settle(answer)
  }

  leaving(id: number): void {
    const flight = this.#flights.get(id)
    // Turned away and sent again, it leaves a second time; its client hears of the first.
    if (!flight || flight.left) return
    flight.ask.exchange?.dispatched()
    flight.left = true
  }

  lost(id: number, loss: Loss): void {
    const { fault, status, error } = loss
    this.#settle(
      id,
      error && status !== undefined
        ? { kind: 'error', error, status }
        : { kind: 'lost', ...loss, fault },
    )
  }

  expired(fault: Fault): void {
    this.#listener?.expired(fault)
  }

  gap(): void {
    this.#listener?.gap()
  }

  ended(fault: Fault): void {
    if (this.#over) return
    this.#over = fault
    for (const { ask } of this.flights()) this.#settle(ask.id, { kind: 'lost', fault })
    this.#listener?.ended(fault)
  }
}

/** What nobody follows here is part of the trace that it came with, while that is under way. */
const passedOn = (origin: Origin | undefined): TraceContext | undefined =>
  origin?.isPast === true ? undefined : origin?.trace

const lostBy = (fault: Fault): Promise<Answer> => Promise.resolve({ kind: 'lost', fault })

const unavailable = (server: string, why: Fault): Fault =>
  upstreamFault('upstream/unavailable', server, 'is no longer connected; try again.', why)
