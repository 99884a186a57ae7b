import type { Progress } from '../task.ts'
import type { Run } from './run.ts'

/** More than anybody reads, and little enough to be written again and again. */
const SENTENCE_CHARS_MAX = 4_000

/** What a task shows while it works: always the latest, and nothing while it only replays. */
export class Shown {
  readonly #run: Run

  constructor(run: Run) {
    this.#run = run
  }

  progress({ done, total, message }: Progress): void {
    // JSON has no word for what is not finite, and a bar could not show it.
    if (!Number.isFinite(done)) return
    const progress: Progress = {
      done,
      ...(total !== undefined && Number.isFinite(total) ? { total } : {}),
      ...(message === undefined ? {} : { message: message.slice(0, SENTENCE_CHARS_MAX) }),
    }
    this.#show(JSON.stringify(progress), null)
  }

  status(message: string): void {
    this.#show(null, JSON.stringify(message.slice(0, SENTENCE_CHARS_MAX)))
  }

  #show(progress: string | null, status: string | null): void {
    const { isReplaying, isEnded, pen } = this.#run
    if (!isReplaying && !isEnded) pen.show(progress, status)
  }
}
