import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startModule, type Running } from '../processes.ts'
import type { Said } from './recovery-worker.ts'

/** One process killed in the middle of its tasks, and the one after it. */
export interface Recovery {
  /** Creations that were acknowledged before the kill. */
  readonly tasks: number
  /** Effects that had left when it was killed. */
  readonly sentBefore: number
  /** From the start of the second process until every task was settled. */
  readonly settledMs: number
  /** Acknowledged tasks that were not completed in the end, or whose effect never left. */
  readonly lost: number
  /** Effects that left twice and must not. */
  readonly repeated: number
}

const WORKER = fileURLToPath(new URL('recovery-worker.ts', import.meta.url))
const LOOK_AGAIN_MS = 2
const LATE_MS = 120_000

/** Kills a process with SIGKILL while half of its tasks have sent their effect, and starts another. */
export async function measureRecovery(folder: string, tasks: number): Promise<Recovery> {
  mkdirSync(folder, { recursive: true })
  const files = [join(folder, 'tasks.db'), join(folder, 'effects')] as const
  const acknowledged = new Set<string>()
  const first = startModule(WORKER, [...files, String(tasks)])
  first.child.on('message', (said: Said) => {
    if ('created' in said) acknowledged.add(said.created)
  })
  const isHalfway = (): boolean =>
    acknowledged.size === tasks && effectsIn(files[1]).length >= tasks / 2
  await until(isHalfway, first)
  first.child.kill('SIGKILL')
  await until(() => first.child.signalCode !== null, first)
  const sentBefore = effectsIn(files[1]).length
  const from = performance.now()
  const second = startModule(WORKER, [...files, '0'])
  const settled = await settledBy(second)
  const settledMs = performance.now() - from
  await second.stop()
  const sent = effectsIn(files[1])
  return { tasks, sentBefore, settledMs, ...compare(acknowledged, new Map(settled), sent) }
}

/** What became of the acknowledged tasks, and of every effect. */
export function compare(
  acknowledged: ReadonlySet<string>,
  states: ReadonlyMap<string, string>,
  sent: readonly string[],
): Pick<Recovery, 'lost' | 'repeated'> {
  const times = Map.groupBy(sent, (id) => id)
  const isLost = (id: string): boolean => states.get(id) !== 'completed' || !times.has(id)
  return {
    lost: [...acknowledged].filter(isLost).length,
    repeated: [...times.values()].filter(({ length }) => length > 1).length,
  }
}

const effectsIn = (path: string): readonly string[] =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []

async function until(isSo: () => boolean, { child }: Running): Promise<void> {
  const late = performance.now() + LATE_MS
  while (!isSo()) {
    if (child.exitCode !== null || performance.now() > late) {
      throw new Error('the process with the tasks did not get to where it should be killed')
    }
    await sleep(LOOK_AGAIN_MS)
  }
}

function settledBy({ child }: Running): Promise<readonly (readonly [string, string])[]> {
  return new Promise((resolve, reject) => {
    child.on('message', (said: Said) => {
      if ('settled' in said) resolve(said.settled)
    })
    child.once('exit', () =>
      reject(new Error('the second process ended before it had settled all')),
    )
  })
}
