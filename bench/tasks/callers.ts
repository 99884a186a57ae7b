import { setTimeout as sleep } from 'node:timers/promises'
import { cpuMs } from '../usage.ts'

/** So many callers, each with its next task as soon as its last one is done. */
export interface Job {
  readonly callers: number
  /** Not counted; longer where it takes longer until as many tasks are done as there are callers. */
  readonly warmMs: number
  /** Longer where it takes longer until as many tasks are done as there are callers. */
  readonly measureMs: number
  /** The process whose processor time is taken. Default: this one. */
  readonly watch?: number
}

export interface Done {
  readonly tasks: number
  readonly elapsedMs: number
  /** Of tasks that ended while it was measured, whenever they began. */
  readonly latenciesMs: Float32Array
  /** Processor time meanwhile; undefined where the system does not say. */
  readonly cpuMs: number | undefined
  /** On the system's monotonic clock in microseconds, to find these moments in a profile. */
  readonly fromUs: number
  readonly toUs: number
}

const WAIT_MS_MAX = 10_000
const nowUs = (): number => Number(process.hrtime.bigint() / 1_000n)

/** Lets callers do tasks by `once`, and rejects with the first one that goes wrong. */
export async function drive(
  { callers, warmMs, measureMs, watch }: Job,
  once: (caller: number) => Promise<void>,
): Promise<Done> {
  const latencies: number[] = []
  const isWarm = Promise.withResolvers<void>()
  const isEnough = Promise.withResolvers<void>()
  let ended = 0
  const phase = { isMeasuring: false, isOver: false }
  const call = async (_: unknown, caller: number): Promise<void> => {
    while (!phase.isOver) {
      const from = performance.now()
      await once(caller)
      if (++ended === callers) isWarm.resolve()
      if (!phase.isMeasuring) continue
      if (latencies.push(performance.now() - from) === callers) isEnough.resolve()
    }
  }
  const all = Promise.all(Array.from({ length: callers }, call))
  // What is waited for in vain at the end keeps no process alive.
  const wait = (ms: number): Promise<unknown> =>
    Promise.race([sleep(ms, undefined, { ref: false }), all])
  await wait(warmMs)
  await Promise.race([isWarm.promise, wait(WAIT_MS_MAX)])
  const used = usedMs(watch)
  const [from, fromUs] = [performance.now(), nowUs()]
  phase.isMeasuring = true
  await wait(measureMs)
  // Tasks that all began together end together, too: a moment without any would say nothing.
  await Promise.race([isEnough.promise, wait(WAIT_MS_MAX)])
  phase.isMeasuring = false
  const [elapsedMs, toUs] = [performance.now() - from, nowUs()]
  const usedNow = usedMs(watch)
  phase.isOver = true
  await all
  return {
    tasks: latencies.length,
    elapsedMs,
    latenciesMs: Float32Array.from(latencies),
    cpuMs: used === undefined || usedNow === undefined ? undefined : usedNow - used,
    fromUs,
    toUs,
  }
}

function usedMs(watch: number | undefined): number | undefined {
  if (watch !== undefined) return cpuMs(watch)
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}
