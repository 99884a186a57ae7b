import type { ServerResponse } from 'node:http'
import type { RpcMessage, RpcNotification, RpcRequest, RpcResponse } from '@countersign/contract'
import type { World } from '#base'
import { eventText, type Channel, type Sink } from '#gateway'

/** What a reply speaks through once it is a stream. */
export interface Stream {
  readonly send: (message: RpcMessage) => void
  readonly comment: (text: string) => void
  /** Only where the client can resume. */
  readonly pause?: (retryMs: number) => void
  readonly end: () => void
}

/** A call that answers within this time is plain JSON; a slower one becomes a stream. */
const STREAM_AFTER_MS = 250
/** Below the idle limits of proxies and of clients that watch for bytes. */
const COMMENT_EVERY_MS = 15_000
/** A client that does not read holds what we write for it; past this it is let go. */
const UNREAD_BYTES_MAX = 16_777_216

const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const

/**
 * The answer to one POST. It stays undecided between one JSON object and a stream until something
 * has to be said before the answer, so that an early fault can still have its own status (H-055).
 */
export class Reply implements Channel {
  readonly #response: ServerResponse
  readonly #world: World
  readonly #open: (sink: () => Sink) => Stream
  readonly #headers: Readonly<Record<string, string>>
  #stream: Stream | undefined
  #stopTimer: () => void
  #isOver = false

  /** `open` makes the stream; a client that accepts none gets JSON and nothing before it. */
  constructor(
    response: ServerResponse,
    world: World,
    open: ((sink: () => Sink) => Stream) | undefined,
    headers: Readonly<Record<string, string>> = {},
  ) {
    this.#response = response
    this.#world = world
    this.#open = open ?? (() => silentStream)
    this.#headers = headers
    this.#stopTimer = open
      ? world.after(STREAM_AFTER_MS, () => {
          this.#begin()
        })
      : () => undefined
  }

  send(message: RpcNotification | RpcRequest): void {
    if (!this.#isOver) this.#begin().send(message)
  }

  isGone(): boolean {
    return this.#response.destroyed
  }

  pause(retryMs: number): void {
    const stream = this.#begin()
    if (!stream.pause) return
    this.#stopTimer()
    stream.pause(retryMs)
  }

  /** Ends the reply: with what is left of the stream, or as JSON under `status`. */
  finish(answer: RpcResponse | readonly RpcResponse[] | undefined, status: number): void {
    this.#isOver = true
    this.#stopTimer()
    if (this.#stream && this.#stream !== silentStream) {
      const answers = answer === undefined ? [] : Array.isArray(answer) ? answer : [answer]
      for (const one of answers as readonly RpcResponse[]) this.#stream.send(one)
      this.#stream.end()
      return
    }
    if (this.#response.destroyed) return
    if (answer === undefined) {
      this.#response.writeHead(202, this.#headers)
      this.#response.end()
      return
    }
    // As a text, which Node sends in one piece with the head.
    const body = JSON.stringify(answer)
    this.#response.writeHead(status, {
      ...this.#headers,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    })
    this.#response.end(body)
  }

  #begin(): Stream {
    if (this.#stream) return this.#stream
    this.#stopTimer()
    const stream = this.#opened()
    this.#stream = stream
    if (stream !== silentStream) this.#comment(stream)
    return stream
  }

  /** This runs in timers: a session without room for one more stream gets its answer as JSON. */
  #opened(): Stream {
    try {
      return this.#open(() => sinkOf(this.#response, this.#headers))
    } catch {
      return silentStream
    }
  }

  #comment(stream: Stream): void {
    this.#stopTimer = this.#world.after(COMMENT_EVERY_MS, () => {
      stream.comment('still here')
      if (!this.#response.destroyed) this.#comment(stream)
    })
  }
}

const silentStream: Stream = {
  send: () => undefined,
  comment: () => undefined,
  end: () => undefined,
}

/** A response as the carrier of an event stream. */
export function sinkOf(
  response: ServerResponse,
  headers: Readonly<Record<string, string>> = {},
): Sink {
  if (!response.headersSent && !response.destroyed) {
    response.writeHead(200, { ...headers, ...STREAM_HEADERS })
    response.flushHeaders()
  }
  return {
    write: (chunk) => {
      if (response.writable) response.write(chunk)
      if (response.writableLength > UNREAD_BYTES_MAX) response.destroy()
    },
    end: () => {
      response.end()
    },
  }
}

/** A modern stream: no event ids, no resumption; a broken stream is a cancelled request (H-048). */
export function modernStream(open: () => Sink): Stream {
  const sink = open()
  return {
    send: (message) => {
      sink.write(eventText(message))
    },
    comment: (text) => {
      sink.write(`: ${text}\n\n`)
    },
    end: sink.end,
  }
}
