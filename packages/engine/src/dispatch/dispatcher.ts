/** Runs a task if it is due, and resolves when this process is done with it. Never rejects. */
export type RunTask = (task: string) => Promise<void>

/**
 * Brings tasks to workers. It only hints: a hint may be lost (the engine looks for due tasks now and
 * then) and may come twice (the claim decides), so nothing here has to be exactly right.
 */
export interface Dispatcher {
  start(run: RunTask): Promise<void>
  /** Please run this task at `dueAt` (milliseconds since the epoch), here or elsewhere. */
  hint(task: string, dueAt: number): void
  /** Takes nothing more. */
  stop(): Promise<void>
}
