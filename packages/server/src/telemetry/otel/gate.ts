import type { LogRecordProcessor } from '@opentelemetry/sdk-logs'
import type { SpanProcessor } from '@opentelemetry/sdk-trace'

/** Counts what waits for the collector or is on its way there: beyond so many, what is new is dropped. */
export class Gate {
  readonly #max: number
  readonly #lost: (items: number, why: string) => void
  #waiting = 0

  constructor(max: number, lost: (items: number, why: string) => void) {
    this.#max = max
    this.#lost = lost
  }

  /** False when it was dropped. */
  enter(): boolean {
    if (this.#waiting < this.#max) {
      this.#waiting++
      return true
    }
    this.#lost(1, 'queue full')
    return false
  }

  /** Delivered, or given up: with the reason. */
  left(items: number, why: string | undefined): void {
    this.#waiting -= items
    if (why !== undefined) this.#lost(items, why)
  }
}

export const gatedSpans = (gate: Gate, inner: SpanProcessor): SpanProcessor => ({
  onStart: () => undefined,
  onEnd: (span) => {
    if (span.spanContext().traceFlags & 1 && gate.enter()) inner.onEnd(span)
  },
  forceFlush: () => inner.forceFlush(),
  shutdown: () => inner.shutdown(),
})

export const gatedLines = (gate: Gate, inner: LogRecordProcessor): LogRecordProcessor => ({
  onEmit: (line, context) => {
    if (gate.enter()) inner.onEmit(line, context)
  },
  forceFlush: () => inner.forceFlush(),
  shutdown: () => inner.shutdown(),
})
