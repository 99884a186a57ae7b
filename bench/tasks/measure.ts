import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { message, startModule, type Running } from '../processes.ts'
import type { Progress } from '../progress.ts'
import { number } from '../text-table.ts'
import { ask } from './ask.ts'
import type { Done, Job } from './callers.ts'
import { fdatasyncsPerSecond } from './fdatasync.ts'
import type { Sampled } from './figures.ts'
import type { HttpJob } from './http/clients.ts'
import { HTTP_TARGETS } from './http/targets.ts'
import type { Entrant } from './lineup.ts'

export interface Plan {
  readonly callers: readonly number[]
  readonly clients: readonly number[]
  /** Odd, so that a median is one of them. */
  readonly rounds: number
  /** One engine or server under one load in one round. */
  readonly measureMs: number
  readonly warmMs: number
  /** Once for each, before anything counts. */
  readonly firstWarmMs: number
  readonly recoveries: number
  readonly recoveredTasks: number
  readonly waitingTasks: number
  readonly idleMs: number
}

/** One that does tasks, and how to let it do some. */
interface Measurable {
  readonly id: string
  readonly title: string
  readonly run: (job: Job) => Promise<Done>
}

const FSYNC_SHARE = 0.3

/** All engines, with the disk itself measured in each round. */
export async function measureEngines(
  plan: Plan,
  entrants: readonly Entrant[],
  folder: string,
  progress: Progress,
): Promise<{ readonly samples: readonly Sampled[]; readonly fdatasyncs: readonly number[] }> {
  const fdatasyncs: number[] = []
  const engines = entrants.map(({ id, title, running }): Measurable => ({
    id,
    title,
    run: (job) => ask<Done>(running, title, job),
  }))
  const samples = await measureRounds(plan, plan.callers, engines, {
    progress,
    before: () => fdatasyncs.push(fdatasyncsPerSecond(folder, plan.measureMs * FSYNC_SHARE)),
  })
  return { samples, fdatasyncs }
}

const CLIENTS = fileURLToPath(new URL('http/clients.ts', import.meta.url))

/** All servers, asked by clients in one further process. */
export async function measureHttp(
  plan: Plan,
  folder: string,
  progress: Progress,
): Promise<readonly Sampled[]> {
  const started: Running[] = []
  try {
    const clients = startModule(CLIENTS)
    started.push(clients)
    await message(clients)
    const servers: Measurable[] = []
    for (const { id, title, start } of HTTP_TARGETS) {
      const own = join(folder, `http-${id}`)
      mkdirSync(own, { recursive: true })
      const { running, origin } = await start(own)
      started.push(running)
      const run: Measurable['run'] = (job) => {
        const wanted: HttpJob = { ...job, target: id, origin, watch: running.pid }
        return ask<Done>(clients, title, wanted)
      }
      servers.push({ id, title, run })
    }
    return await measureRounds(plan, plan.clients, servers, { progress, before: () => undefined })
  } finally {
    await Promise.all(started.map((running) => running.stop()))
  }
}

/**
 * All in rounds: within a round one after the other under the same load, so that what else the
 * machine does hits them alike; each round begins with another one.
 */
async function measureRounds(
  plan: Plan,
  loads: readonly number[],
  all: readonly Measurable[],
  { progress, before }: { readonly progress: Progress; readonly before: () => unknown },
): Promise<readonly Sampled[]> {
  const { rounds, warmMs, measureMs } = plan
  const samples: Sampled[] = []
  for (const { title, run } of all) {
    await run({ callers: 16, warmMs: 0, measureMs: plan.firstWarmMs })
    progress.step(`warming up: ${title}`)
  }
  for (let round = 0; round < rounds; round++) {
    before()
    for (const callers of loads) {
      for (const [at] of all.entries()) {
        const one = all[(at + round) % all.length]
        if (!one) continue
        const { tasks, elapsedMs, latenciesMs, cpuMs } = await one.run({
          callers,
          warmMs,
          measureMs,
        })
        samples.push({ id: one.id, callers, round, tasks, elapsedMs, latenciesMs, cpuMs })
        const rate = number((tasks / elapsedMs) * 1_000)
        progress.step(
          `round ${String(round + 1)}: ${one.title}, callers: ${String(callers)}, tasks/s: ${rate}`,
        )
      }
    }
  }
  return samples
}
