const LINES_MAX = 200
const LINE_CHARS_MAX = 2_048

/** The last lines of a process's standard error: enough to see why it failed, bounded (S-002). */
export class LastLines {
  #lines: string[] = []
  #open = ''

  push(text: string): void {
    const [first = '', ...rest] = text.split('\n')
    this.#open = (this.#open + first).slice(0, LINE_CHARS_MAX)
    for (const line of rest) {
      this.#close()
      this.#open = line.slice(0, LINE_CHARS_MAX)
    }
  }

  lines(): readonly string[] {
    return this.#open === '' ? [...this.#lines] : [...this.#lines, this.#open]
  }

  #close(): void {
    const line = this.#open.trimEnd()
    if (line !== '') this.#lines.push(line)
    if (this.#lines.length > LINES_MAX) this.#lines = this.#lines.slice(-LINES_MAX)
  }
}
