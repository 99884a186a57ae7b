import type { Screen } from '../io.ts'
import { printable } from '../printable.ts'

const COLUMNS = 80
/** Back to the first column, and nothing in the line. */
const CLEAR = '\r\u001B[2K'

/** One line that is drawn over itself on a terminal; elsewhere a plain line for each news. */
export class StatusLine implements Disposable {
  readonly #screen: Screen
  #last = ''

  constructor(screen: Screen) {
    this.#screen = screen
  }

  /** `news` is what makes a plain line worth its own; a terminal is always brought up to date. */
  show(text: string, news = text): void {
    if (this.#screen.isTTY === true) {
      const line = printable(text).slice(0, (this.#screen.columns ?? COLUMNS) - 1)
      this.#screen.write(`${CLEAR}${line}`)
    } else if (news !== this.#last) this.#screen.write(`${printable(text)}\n`)
    this.#last = news
  }

  /** Leaves nothing behind on a terminal. */
  [Symbol.dispose](): void {
    if (this.#screen.isTTY === true && this.#last !== '') this.#screen.write(CLEAR)
    this.#last = ''
  }
}
