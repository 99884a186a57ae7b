import { join } from 'node:path'
import { profileFlags, readProfile, type Spent } from '../profile.ts'
import { ask } from './ask.ts'
import type { Done } from './callers.ts'
import { startEntrant } from './lineup.ts'

const CALLERS = 64
const WARM_MS = 1_000
const TOP = 24
const NAME = 'tasks'

/** Where the time of a task goes in the embedded engine, in microseconds for each task. */
export interface TaskProfile {
  readonly tasks: number
  readonly busyUs: number
  readonly modules: readonly Spent[]
  readonly functions: readonly Spent[]
  readonly within: readonly Spent[]
}

export async function profileTasks(
  root: string,
  folder: string,
  measureMs: number,
): Promise<TaskProfile> {
  const place = { folder: join(folder, 'profiled') }
  const { running, title } = await startEntrant('sqlite', place, profileFlags(folder, NAME))
  try {
    const job = { callers: CALLERS, warmMs: WARM_MS, measureMs }
    const done = await ask<Done>(running, title, job)
    // The profile is written when the process ends.
    await running.stop()
    const { busyUs, modules, functions, within } = readProfile(folder, NAME, root, done)
    const perTask = (spent: readonly Spent[]): readonly Spent[] =>
      spent.slice(0, TOP).map(({ name, us }) => ({ name, us: us / done.tasks }))
    return {
      tasks: done.tasks,
      busyUs: busyUs / done.tasks,
      modules: perTask(modules),
      functions: perTask(functions),
      within: perTask(within),
    }
  } finally {
    await running.stop()
  }
}
