import { join } from 'node:path'
import type { Running } from '../processes.ts'
import type { Progress } from '../progress.ts'
import { median, spreadOf } from '../statistics.ts'
import { number } from '../text-table.ts'
import { rssBytes } from '../usage.ts'
import { megabytes, type Sampled, type StartFigures } from './figures.ts'
import { makeHome, measureStart, VIEW, type Start } from './gateway.ts'
import type { Done, Job } from './load.ts'
import { apply, type Served, type Target } from './targets.ts'

export interface Plan {
  readonly clients: readonly number[]
  readonly rounds: number
  /** One target under one load in one round. */
  readonly measureMs: number
  readonly warmMs: number
  /** Once for each target, before anything counts. */
  readonly firstWarmMs: number
  readonly starts: number
}

/** A call that was not answered rightly: then nothing that was measured means anything. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer'
}

/**
 * All targets in rounds: within a round one after the other under the same load, so that what else
 * the machine does hits them alike; each round begins with another one.
 */
export async function measureRounds(
  plan: Plan,
  targets: readonly Target[],
  load: Running,
  progress: Progress,
): Promise<readonly Sampled[]> {
  const samples: Sampled[] = []
  for (const target of targets) {
    await applyTo(load, target, { clients: 16, warmMs: 0, measureMs: plan.firstWarmMs })
    progress.step(`warming up: ${target.title}`)
  }
  for (let round = 0; round < plan.rounds; round++) {
    const order = targets.map((_, at) => targets[(at + round) % targets.length] ?? targets[0])
    for (const clients of plan.clients) {
      for (const target of order) {
        if (!target) continue
        const sampled = await sample(plan, target, { clients, round }, load)
        samples.push(sampled)
        const rate = number((sampled.calls / sampled.elapsedMs) * 1_000)
        progress.step(
          `round ${String(round + 1)}: ${target.title}, clients: ${String(clients)}, calls/s: ${rate}`,
        )
      }
    }
  }
  return samples
}

async function sample(
  { warmMs, measureMs }: Plan,
  target: Target,
  at: { readonly clients: number; readonly round: number },
  load: Running,
): Promise<Sampled> {
  const done = await applyTo(load, target, { clients: at.clients, warmMs, measureMs })
  return {
    ...at,
    target: target.id,
    calls: done.calls,
    elapsedMs: done.elapsedMs,
    latenciesMs: done.latenciesMs,
    cpuMs: done.watchedMs[0],
    loadCpuMs: done.ownCpuMs,
    rssBytes: rssBytes(target.running.pid),
  }
}

async function applyTo(
  load: Running,
  target: Target,
  how: Pick<Job, 'clients' | 'warmMs' | 'measureMs'>,
): Promise<Done> {
  const { origin, path, call, session, shown, running, title } = target
  const job: Job = { ...how, origin, path, call, session, shown, watch: [running.pid] }
  const done = await apply(load, job)
  if (done.errors > 0 || done.calls === 0) {
    const what = done.problem ?? 'no call was answered'
    throw new WrongAnswer(`${title}: ${String(done.errors)} calls went wrong, first: ${what}`)
  }
  return done
}

/** Starts with an empty data folder, and starts with what an earlier one has stored. */
export async function measureStarts(
  times: number,
  upstream: Served,
  folder: string,
  progress: Progress,
): Promise<readonly StartFigures[]> {
  const behind = { url: `${upstream.origin}${VIEW}` }
  const fresh: Start[] = []
  const stored: Start[] = []
  for (let at = 0; at < times; at++) {
    const home = makeHome(join(folder, `start-${String(at)}`), behind)
    fresh.push(await measureStart(home))
    stored.push(await measureStart(home))
    progress.step('starting the gateway')
  }
  return [figuresOf('stored', stored), figuresOf('fresh', fresh)]
}

const figuresOf = (kind: StartFigures['kind'], starts: readonly Start[]): StartFigures => ({
  kind,
  times: starts.length,
  listeningMs: median(starts.map(({ listeningMs }) => listeningMs)),
  answeredMs: spreadOf(starts.map(({ answeredMs }) => answeredMs)),
  rssMb: median(starts.map((one) => megabytes(one.rssBytes))),
  idleMb: median(starts.map((one) => megabytes(one.idleBytes))),
})
