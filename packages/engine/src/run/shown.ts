import type { Progress } from '../task.ts'
import type { Run } from './run.ts'

/** What a task shows while it works: one write at a time, always the latest. */
export class Shown {
  readonly #run: Run
  #progress: Progress | undefined
  #status: string | undefined
  #isWriting = false

  constructor(run: Run) {
    this.#run = run
  }

  progress(progress: Progress): void {
    if (this.#run.isReplaying) return
    this.#progress = progress
    void this.#write()
  }

  status(message: string): void {
    if (this.#run.isReplaying) return
    this.#status = message
    void this.#write()
  }

  async #write(): Promise<void> {
    if (this.#isWriting) return
    this.#isWriting = true
    while ((this.#progress ?? this.#status) !== undefined && !this.#run.isEnded) {
      const progress = this.#progress === undefined ? null : JSON.stringify(this.#progress)
      const status = this.#status === undefined ? null : JSON.stringify(this.#status)
      this.#progress = undefined
      this.#status = undefined
      await this.#run.pen.show(progress, status)
    }
    this.#isWriting = false
  }
}
