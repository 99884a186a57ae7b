import type { Readable, Writable } from 'node:stream'
import {
  Fault,
  isDeeperThan,
  META,
  MODERN_REVISIONS,
  own,
  parseExactly,
  type Era,
  type RequestId,
  type RpcMessage,
  type RpcRequest,
  type RpcResponse,
  type Shape,
} from '@countersign/contract'
import type { Principal } from '#auth'
import { LineReader } from '#base'
import type { View } from '#registry'
import { batchFault } from './batch.ts'
import { notification, type Channel } from './client.ts'
import type { Gateway } from './gateway.ts'
import { failure, faultError } from './project.ts'
import { read, type Incoming } from './read.ts'
import type { Session } from './session.ts'

const TOO_EARLY = 'Send initialize first.'

export interface StdioRooms {
  readonly gateway: Gateway
  readonly who: Principal
  readonly view: View
  readonly input: Readable
  readonly output: Writable
  /** Aborted when we stop: then the client is taken to have said goodbye. */
  readonly closing?: AbortSignal
  readonly limits: { readonly bodyBytesMax: number; readonly depthMax: number }
}

/**
 * Serves one client over its pipe until it closes it. The first message decides the era for the life
 * of the process; a `server/discover` does not, since `initialize` may follow (S-020, S-021).
 */
export async function serveStdio(rooms: StdioRooms): Promise<void> {
  const front = new StdioFront(rooms)
  const over = new Promise<void>((resolve) => {
    // S-001: lines end at a line feed only; a JSON text may hold every other line separator.
    const lines = new LineReader({
      bytesMax: rooms.limits.bodyBytesMax,
      line: (line) => {
        front.take(line)
      },
      // S-003: without its end in sight nothing after it can be told apart.
      overflow: () => {
        front.refuse(new Fault('http/too-large', 'This message is too large.'), undefined)
        resolve()
      },
    })
    rooms.input.on('data', (chunk: Buffer) => {
      lines.push(chunk)
    })
    rooms.input.once('end', () => {
      lines.end()
      resolve()
    })
    rooms.input.once('close', resolve)
    rooms.closing?.addEventListener('abort', () => {
      resolve()
    })
    rooms.input.once('error', () => {
      resolve()
    })
  })
  await over
  await front.close()
}

class StdioFront {
  readonly #rooms: StdioRooms
  readonly #channel: Channel = {
    send: (message) => {
      this.#write(message)
    },
  }
  /** Modern requests under way, by id: stdio cancels by notification (S-007). */
  readonly #modern = new Map<RequestId, AbortController>()
  readonly #running = new Set<Promise<unknown>>()
  #session: Session | undefined
  #initializing: Promise<void> | undefined
  #era: Era | undefined

  constructor(rooms: StdioRooms) {
    this.#rooms = rooms
  }

  take(line: string): void {
    if (isDeeperThan(line, this.#rooms.limits.depthMax)) {
      this.refuse(new Fault('rpc/invalid', 'This message is nested too deeply.'), undefined)
    } else this.#parsed(line)
  }

  async close(): Promise<void> {
    for (const abort of this.#modern.values()) abort.abort()
    if (this.#session) this.#rooms.gateway.endSession(this.#session)
    await Promise.all(this.#running)
  }

  #parsed(line: string): void {
    let value: unknown
    try {
      value = parseExactly(line)
    } catch {
      this.refuse(new Fault('rpc/parse', 'This line is not JSON.'), undefined)
      return
    }
    const incoming = read(value, undefined)
    const running = this.#serve(incoming).catch(() => undefined)
    this.#running.add(running)
    void running.finally(() => this.#running.delete(running))
  }

  async #serve(incoming: Incoming): Promise<void> {
    switch (incoming.kind) {
      case 'fault':
        this.refuse(incoming.fault, incoming.id)
        return
      case 'modern':
        return this.#serveModern(incoming)
      case 'modern-notification': {
        const id = incoming.notification.params && own(incoming.notification.params, 'requestId')
        if (incoming.notification.method === 'notifications/cancelled') {
          if (typeof id === 'string' || typeof id === 'number') this.#modern.get(id)?.abort()
        }
        return
      }
      case 'batch':
        return this.#serveBatch(incoming.messages)
      case 'legacy':
        return this.#serveLegacy(incoming)
    }
  }

  /** Batches exist in 2025-03-26 only; one is answered by one array (S-004, H-061). */
  async #serveBatch(shapes: readonly Shape[]): Promise<void> {
    const session = this.#session
    const wrong = session ? batchFault(session, shapes) : new Fault('rpc/invalid', TOO_EARLY)
    if (!session || wrong) {
      this.refuse(wrong ?? new Fault('rpc/invalid', TOO_EARLY), undefined)
      return
    }
    const answers = await Promise.all(
      shapes.map(async (shape): Promise<readonly RpcResponse[]> => {
        if (shape.kind === 'invalid') {
          return [failure(shape.id, faultError(new Fault('rpc/invalid', shape.why)))]
        }
        if (shape.kind === 'response') session.receive(shape.message)
        if (shape.kind === 'notification') this.#rooms.gateway.notice(session, shape.message)
        if (shape.kind !== 'request') return []
        const { gateway, who } = this.#rooms
        const { response } = await gateway.legacy(session, who, shape.message, this.#channel)
        return response ? [response] : []
      }),
    )
    if (answers.flat().length > 0) this.#line(JSON.stringify(answers.flat()))
  }

  async #serveModern({ request, envelope }: Extract<Incoming, { kind: 'modern' }>): Promise<void> {
    if (this.#era === 'legacy') {
      this.refuse(new Fault('rpc/invalid', 'This connection began with initialize.'), request.id)
      return
    }
    if (request.method !== 'server/discover') this.#era = 'modern'
    const abort = new AbortController()
    this.#modern.set(request.id, abort)
    const { gateway, who, view } = this.#rooms
    const served = await gateway.modern({
      who,
      view,
      request,
      envelope,
      headers: undefined,
      channel: this.#channel,
      signal: abort.signal,
    })
    this.#modern.delete(request.id)
    // S-007: after a cancellation nothing more is sent for the request.
    if (abort.signal.aborted) return
    this.#write(served.response)
    // AM-01: a subscription that we end is ended twice, by its result and by this.
    if (request.method === 'subscriptions/listen' && !served.fault) {
      this.#write(notification('notifications/cancelled', { requestId: request.id }))
    }
  }

  async #serveLegacy({ message }: Extract<Incoming, { kind: 'legacy' }>): Promise<void> {
    if (this.#era === 'modern') {
      if (message.kind === 'request') this.refuse(modernOnly(message.message), message.message.id)
      // The modern client's cancellation carries no envelope of its own on some SDKs.
      if (message.kind === 'notification') {
        await this.#serve({ kind: 'modern-notification', notification: message.message })
      }
      return
    }
    // A client that does not wait for the answer to initialize is served after it all the same.
    await this.#initializing
    if (message.kind === 'response') this.#session?.receive(message.message)
    else if (message.kind === 'notification') {
      if (this.#session) this.#rooms.gateway.notice(this.#session, message.message)
    } else await this.#legacyRequest(message.message)
  }

  async #legacyRequest(request: RpcRequest): Promise<void> {
    const { gateway, who, view } = this.#rooms
    if (request.method === 'initialize' && this.#era === undefined) {
      const { promise, resolve: done } = Promise.withResolvers<void>()
      this.#initializing = promise
      this.#era = 'legacy'
      const { session, response } = await gateway.initialize(who, view, request).finally(done)
      this.#session = session
      // The pipe is always there: it is this session's stream for what belongs to no request.
      session.listening = session.openStream()
      session.listening.attach({
        write: (chunk) => {
          this.#writeEvent(chunk)
        },
        end: () => undefined,
      })
      gateway.watching()
      this.#write(response)
      return
    }
    if (!this.#session) {
      if (request.method === 'ping') this.#write({ jsonrpc: '2.0', id: request.id, result: {} })
      else this.refuse(notInitialized(request), request.id)
      return
    }
    const served = await gateway.legacy(this.#session, who, request, this.#channel)
    if (served.response) this.#write(served.response)
  }

  /** An event of the session's own stream, as the one line it is on a pipe. */
  #writeEvent(event: string): void {
    const data = event.split('\n').find((line) => line.startsWith('data: '))
    if (data && data.length > 'data: '.length) this.#line(data.slice('data: '.length))
  }

  #write(message: RpcMessage): void {
    this.#line(JSON.stringify(message))
  }

  #line(text: string): void {
    if (this.#rooms.output.writable) this.#rooms.output.write(`${text}\n`)
  }

  refuse(fault: Fault, id: RequestId | undefined): void {
    this.#write(failure(id, faultError(fault)))
  }
}

/** S-021: a legacy request after the modern pin is told which revisions are served here. */
const modernOnly = (request: RpcRequest): Fault => {
  const requested = own(request.params ?? {}, 'protocolVersion')
  return request.method === 'initialize'
    ? new Fault('rpc/unsupported-version', 'This connection speaks a modern revision.', {
        data: {
          supported: MODERN_REVISIONS,
          requested: typeof requested === 'string' ? requested : '',
        },
      })
    : new Fault('rpc/envelope', `params._meta must carry "${META.protocolVersion}".`)
}

/** AM-14: a discover without envelope is a malformed modern request; anything else came too early. */
const notInitialized = (request: RpcRequest): Fault =>
  request.method === 'server/discover'
    ? new Fault('rpc/envelope', `params._meta must carry "${META.protocolVersion}".`)
    : new Fault('rpc/invalid', TOO_EARLY)
