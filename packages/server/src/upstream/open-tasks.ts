import { POLL_MS_MAX } from './read-task.ts'
import type { UpstreamTask, UpstreamTaskSeen } from './upstream.ts'

/** Tasks of one server that count; those beyond were forgotten by whoever made them. */
const TASKS_MAX = 1_000
/** Nobody has asked after any of them for so long: they keep no process alive. */
const PATIENCE_MS = 2 * POLL_MS_MAX

/**
 * Which tasks a server is still at work on, as far as we have seen. A process that we stop for want of
 * calls takes its tasks with it, and between two looks at a task there is no call.
 */
export class OpenTasks {
  readonly #ids = new Set<string>()

  saw({ id }: UpstreamTask): void {
    this.#ids.delete(id)
    this.#ids.add(id)
    const [oldest] = this.#ids
    if (this.#ids.size > TASKS_MAX && oldest !== undefined) this.#ids.delete(oldest)
  }

  over(id: string): void {
    this.#ids.delete(id)
  }

  /** How long a process without calls is kept, when without tasks that were `idleMs`. */
  idleMs(idleMs: number): number {
    return this.#ids.size === 0 ? idleMs : Math.max(idleMs, PATIENCE_MS)
  }
}

export const isOpen = ({ status }: UpstreamTaskSeen): boolean =>
  status === 'working' || status === 'input_required'
