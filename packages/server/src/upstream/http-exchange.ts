import { StringDecoder } from 'node:string_decoder'
import { createParser, type EventSourceMessage, type EventSourceParser } from 'eventsource-parser'
import type { Dispatcher } from 'undici'

export type HttpHeaders = Readonly<Record<string, string | string[] | undefined>>

/** What becomes of a response's body. */
export type BodyMode = 'text' | 'events' | 'nothing'

/** How an exchange went once nothing more will come. */
export type HttpEnd =
  | { readonly kind: 'complete' }
  | { readonly kind: 'too-large' }
  /** `started` is false when not one byte of the request had left. */
  | { readonly kind: 'failed'; readonly started: boolean; readonly cause: Error }

/** Who hears one HTTP response. */
export interface HttpReader {
  /** Right before the first byte of the request leaves. */
  readonly started: () => void
  readonly head: (status: number, headers: HttpHeaders) => BodyMode
  readonly text: (text: string) => void
  readonly event: (event: EventSourceMessage) => void
  readonly eventId: (id: string) => void
  readonly retry: (ms: number) => void
  /** Said once, last; never after `abort`. */
  readonly closed: (end: HttpEnd) => void
}

/** One HTTP request and its response, bounded, read as one text or as server-sent events. */
export class HttpExchange implements Dispatcher.DispatchHandler {
  readonly #reader: HttpReader
  readonly #bytesMax: number
  #controller: Dispatcher.DispatchController | undefined
  #started = false
  #over = false
  #mode: BodyMode = 'nothing'
  #chunks: Buffer[] = []
  #bytes = 0
  #decoder: StringDecoder | undefined
  #parser: EventSourceParser | undefined

  constructor(reader: HttpReader, bytesMax: number) {
    this.#reader = reader
    this.#bytesMax = bytesMax
  }

  get isOver(): boolean {
    return this.#over
  }

  /** Turned away before anything was done with it: it may leave once more. */
  again(): void {
    this.#started = false
  }

  /** It cannot leave, or not once more: nothing was done with it. */
  fail(cause: Error): void {
    this.#close({ kind: 'failed', started: false, cause })
  }

  /** Not wanted any more: the socket is closed if need be, and nothing is reported. */
  abort(): void {
    if (this.#over) return
    this.#over = true
    this.#controller?.abort(new Error('no longer wanted'))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#over) {
      controller.abort(new Error('no longer wanted'))
      return
    }
    // Whatever the pool believes about repeating: a request leaves once (BR-012).
    if (this.#started) {
      controller.abort(new Error('sent already'))
      return
    }
    this.#reader.started()
    this.#started = true
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: HttpHeaders,
  ): void {
    if (this.#over || status < 200) return
    this.#mode = this.#reader.head(status, headers)
    if (this.#mode === 'text' && Number(headers['content-length']) > this.#bytesMax)
      this.#tooLarge()
    if (this.#mode === 'events') this.#parse()
  }

  #parse(): void {
    const reader = this.#reader
    this.#decoder = new StringDecoder('utf8')
    this.#parser = createParser({
      maxBufferSize: this.#bytesMax,
      onEvent: (event) => {
        if (!this.#over) reader.event(event)
      },
      onId: (id) => reader.eventId(id),
      onRetry: (ms) => reader.retry(ms),
      onError: (error) => {
        if (error.type === 'max-buffer-size-exceeded') this.#tooLarge()
      },
    })
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over || this.#mode === 'nothing') return
    if (this.#parser) {
      this.#parser.feed(this.#decoder?.write(chunk) ?? '')
      return
    }
    this.#bytes += chunk.length
    if (this.#bytes > this.#bytesMax) this.#tooLarge()
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    if (this.#over) return
    if (this.#mode === 'text') {
      const [only] = this.#chunks
      const bytes = only && this.#chunks.length === 1 ? only : Buffer.concat(this.#chunks)
      this.#reader.text(bytes.toString('utf8'))
    }
    this.#close({ kind: 'complete' })
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    this.#close({ kind: 'failed', started: this.#started, cause })
  }

  #tooLarge(): void {
    this.#chunks = []
    this.#close({ kind: 'too-large' })
    this.#controller?.abort(new Error('too large'))
  }

  #close(end: HttpEnd): void {
    if (this.#over) return
    this.#over = true
    this.#reader.closed(end)
  }
}
