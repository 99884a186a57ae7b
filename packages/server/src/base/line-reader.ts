const NEWLINE = 0x0a

interface LineSink {
  readonly bytesMax: number
  readonly line: (line: string) => void
  /** A line outgrew `bytesMax`. Nothing is reported after this. */
  readonly overflow: () => void
}

/**
 * Cuts a stream of bytes into lines (S-001). Tolerates CRLF and blank lines (S-003). Splits bytes,
 * not characters, so that a chunk may end anywhere; a long line is joined once.
 */
export class LineReader {
  readonly #sink: LineSink
  #parts: Buffer[] = []
  #bytes = 0
  #over = false

  constructor(sink: LineSink) {
    this.#sink = sink
  }

  push(chunk: Buffer): void {
    let from = 0
    while (!this.#over) {
      const end = chunk.indexOf(NEWLINE, from)
      if (end === -1) break
      this.#keep(chunk.subarray(from, end))
      this.#emit()
      from = end + 1
    }
    if (!this.#over && from < chunk.length) this.#keep(chunk.subarray(from))
  }

  /** The stream is over: what follows the last newline counts as a line. */
  end(): void {
    if (!this.#over) this.#emit()
    this.#over = true
  }

  #keep(part: Buffer): void {
    this.#bytes += part.length
    if (this.#bytes > this.#sink.bytesMax) {
      this.#over = true
      this.#parts = []
      this.#sink.overflow()
    } else if (part.length > 0) this.#parts.push(part)
  }

  #emit(): void {
    if (this.#over || this.#parts.length === 0) return
    const [first, ...rest] = this.#parts
    const bytes = first && rest.length === 0 ? first : Buffer.concat(this.#parts)
    this.#parts = []
    this.#bytes = 0
    const text = bytes.toString('utf8').trim()
    if (text !== '') this.#sink.line(text)
  }
}
