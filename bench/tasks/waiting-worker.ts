// Tasks that wait for a signal and for a time: what they cost the process that has them.
// `waiting-worker.ts <database> <tasks> <idle ms>`, with --expose-gc.

import { setTimeout as sleep } from 'node:timers/promises'
import { Engine, openSqliteStore } from '@countersign/engine'
import { answerJobs } from './answer-jobs.ts'
import { INPUT, OUTCOME } from './work.ts'

const [database = '', tasks = '0', idleMs = '0'] = process.argv.slice(2)
const count = Number(tasks)
/** Tasks are created so many at once, each lot by an owner of its own. */
const BATCH = 1_000
const LOOK_AGAIN_MS = 20
const DAY_MS = 86_400_000
const COLLECTIONS = 4
const SETTLE_MS = 250

/** What a process holds and does, with nothing but waiting in it. */
export interface Idle {
  readonly heapBytes: number
  readonly rssBytes: number
  /** Of one core. */
  readonly cpuShare: number
}

/** The first life creates the tasks and answers with this; the second finds them, and wakes one. */
export interface Waited {
  readonly empty: Idle
  readonly waiting: Idle
  /** From `start` of the engine until it was ready, or from the first creation until all waited. */
  readonly readyMs: number
  /** From the signal to one of them until that one was completed. */
  readonly wokenMs: number
}

const engine = new Engine({
  store: openSqliteStore(database),
  concurrency: BATCH,
})
engine.define('approval', async (task) => {
  await task.step('prepare', () => OUTCOME)
  return await task.wait('approve', { ask: { question: 'Go on?' }, timeoutMs: DAY_MS })
})

async function idle(): Promise<Idle> {
  for (let at = 0; at < COLLECTIONS; at++) {
    globalThis.gc?.()
    await sleep(SETTLE_MS)
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  const used = process.cpuUsage()
  const from = performance.now()
  await sleep(Number(idleMs))
  const { user, system } = process.cpuUsage(used)
  const cpuShare = (user + system) / 1_000 / (performance.now() - from)
  return { heapBytes: heapUsed + external, rssBytes: rss, cpuShare }
}

async function answer(id: string): Promise<void> {
  await engine.signal(id, 'approve', OUTCOME)
  const { state } = await engine.finished(id)
  if (state !== 'completed') throw new Error(`a task that was answered is ${state}`)
}

async function create(): Promise<void> {
  for (let left = count; left > 0; left -= BATCH) {
    const order = { kind: 'approval', owner: `owner ${String(left)}`, input: INPUT }
    await Promise.all(Array.from({ length: Math.min(BATCH, left) }, () => engine.create(order)))
  }
  while ((await engine.list({ states: ['working'], limit: 1 })).tasks.length > 0) {
    await sleep(LOOK_AGAIN_MS)
  }
}

async function wakeOne(): Promise<number> {
  const [one] = (await engine.list({ states: ['waiting'], limit: 1 })).tasks
  if (!one) throw new Error('no task is waiting')
  const from = performance.now()
  await answer(one.id)
  return performance.now() - from
}

answerJobs(async ({ isFirst }: { readonly isFirst: boolean }): Promise<Waited> => {
  if (isFirst) await engine.start()
  const empty = await idle()
  const from = performance.now()
  await (isFirst ? create() : engine.start())
  const readyMs = performance.now() - from
  const waiting = await idle()
  return { empty, waiting, readyMs, wokenMs: await wakeOne() }
})
