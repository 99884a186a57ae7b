import type { RpcMessage } from '@countersign/contract'

/** Whatever carries events to one client: an HTTP response in SSE form. */
export interface Sink {
  readonly write: (chunk: string) => void
  readonly end: () => void
}

/** What one stream may hold for a client that is away; what is older can no longer be resumed. */
const KEPT_EVENTS_MAX = 256
const KEPT_CHARS_MAX = 4_194_304

/** One message as a server-sent event. `data` never holds a line break: JSON escapes them. */
export const eventText = (message: RpcMessage, id?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: message\ndata: ${JSON.stringify(message)}\n\n`

interface Kept {
  readonly seq: number
  readonly text: string
}

/**
 * One legacy SSE stream: its events have ids that name it, and are kept so that a client which lost
 * the connection can go on where it stopped (2025-11-25 Transports, Resumability).
 */
export class EventStream {
  readonly id: string
  #seq = 0
  #kept: Kept[] = []
  #keptChars = 0
  #sink: Sink | undefined
  #isOver = false
  readonly #whenOver: () => void

  /** `whenOver` is called once, when the last message has been said. */
  constructor(id: string, whenOver: () => void = () => undefined) {
    this.id = id
    this.#whenOver = whenOver
  }

  get isOver(): boolean {
    return this.#isOver
  }

  get isAttached(): boolean {
    return this.#sink !== undefined
  }

  /** An event with an id and no data, so that a client can resume before anything was said (H-065). */
  prime(): void {
    this.#emit(`id: ${this.#nextId()}\ndata: \n\n`)
  }

  send(message: RpcMessage): void {
    if (!this.#isOver) this.#emit(eventText(message, this.#nextId()))
  }

  /**
   * Gives the stream a new carrier and replays what came after `after`; the old carrier is closed,
   * since a half-open socket must not win over the client that is there now (H-075).
   */
  attach(sink: Sink, after?: number): void {
    this.#sink?.end()
    this.#sink = sink
    if (after !== undefined) {
      for (const { seq, text } of this.#kept) if (seq > after) sink.write(text)
    }
    if (this.#isOver) this.#close()
  }

  /** The carrier is gone; the stream goes on and keeps what is said meanwhile (H-071). */
  detach(sink: Sink): void {
    if (this.#sink === sink) this.#sink = undefined
  }

  /** Asks the client to come back later and lets go of the connection (H-066). */
  disconnect(retryMs: number): void {
    this.#sink?.write(`retry: ${String(retryMs)}\n\n`)
    this.#close()
  }

  comment(text: string): void {
    this.#sink?.write(`: ${text}\n\n`)
  }

  end(): void {
    if (!this.#isOver) this.#whenOver()
    this.#isOver = true
    this.#close()
  }

  #close(): void {
    const sink = this.#sink
    this.#sink = undefined
    sink?.end()
  }

  #nextId(): string {
    return `${this.id}.${String(++this.#seq)}`
  }

  #emit(text: string): void {
    this.#kept.push({ seq: this.#seq, text })
    this.#keptChars += text.length
    while (this.#kept.length > KEPT_EVENTS_MAX || this.#keptChars > KEPT_CHARS_MAX) {
      this.#keptChars -= this.#kept.shift()?.text.length ?? 0
    }
    this.#sink?.write(text)
  }
}

/** Splits an event id into the stream it names and the place in it. */
export function readEventId(
  id: string,
): { readonly stream: string; readonly seq: number } | undefined {
  const dot = id.lastIndexOf('.')
  const seq = Number(id.slice(dot + 1))
  return dot > 0 && Number.isSafeInteger(seq) ? { stream: id.slice(0, dot), seq } : undefined
}
