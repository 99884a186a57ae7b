import type { Json } from '@countersign/contract'
import { undoTask } from './run/context.ts'
import type { Run } from './run/run.ts'

/** The kind of the task that takes back all tasks of a run. Its input: their ids, newest first. */
export const UNDO_RUN = 'undo-run'

/** Takes the tasks back one after another; stops at the first that cannot be. */
export async function undoRun(run: Run): Promise<Json> {
  const { input } = run.task
  const tasks = Array.isArray(input) ? input.map(String) : []
  for (const task of tasks) await undoTask(run, task, task)
  return { undone: tasks }
}
