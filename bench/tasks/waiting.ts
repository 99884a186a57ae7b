import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { message, startModule } from '../processes.ts'
import { ask } from './ask.ts'
import type { Waited } from './waiting-worker.ts'

/** What waiting costs: in the process that created the tasks, and in the one started after it. */
export interface Waiting {
  readonly tasks: number
  readonly idleMs: number
  readonly created: Waited
  readonly found: Waited
}

const WORKER = fileURLToPath(new URL('waiting-worker.ts', import.meta.url))

export async function measureWaiting(
  folder: string,
  tasks: number,
  idleMs: number,
): Promise<Waiting> {
  mkdirSync(folder, { recursive: true })
  const args = [join(folder, 'tasks.db'), String(tasks), String(idleMs)]
  const live = async (isFirst: boolean): Promise<Waited> => {
    const running = startModule(WORKER, args, ['--expose-gc'])
    await message(running)
    const waited = await ask<Waited>(running, 'waiting tasks', { isFirst })
    await running.stop()
    return waited
  }
  const created = await live(true)
  return { tasks, idleMs, created, found: await live(false) }
}

/** What one more waiting task adds, in bytes. */
export const bytesEach = (
  tasks: number,
  { empty, waiting }: Waited,
  what: 'heapBytes' | 'rssBytes',
): number => (waiting[what] - empty[what]) / tasks
