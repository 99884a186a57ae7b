import { judged, type Bar } from '../bars.ts'
import { median, percentile, spreadOf, type Spread } from '../statistics.ts'
import type { Recovery } from './recovery.ts'
import { bytesEach, type Waiting } from './waiting.ts'

/** One engine or server under one load in one round. */
export interface Sampled {
  readonly id: string
  readonly callers: number
  readonly round: number
  readonly tasks: number
  readonly elapsedMs: number
  readonly latenciesMs: Float32Array
  /** Of the process that does the tasks; undefined where the system does not say. */
  readonly cpuMs: number | undefined
}

/** One engine or server under one load, over all rounds. */
export interface Cell {
  readonly id: string
  readonly callers: number
  readonly tasks: number
  readonly perSecond: Spread
  readonly p50Ms: number
  readonly p99Ms: number
  readonly cpuUsPerTask: number
  /** Its tasks/s beside those of what it is compared with, in the same round. */
  readonly ratio: Spread | undefined
}

const perSecond = ({ tasks, elapsedMs }: Sampled): number => (tasks / elapsedMs) * 1_000
const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0)

/** Cells in the order in which they first appear; `besideOf` names what each is compared with. */
export function cellsOf(
  samples: readonly Sampled[],
  besideOf: (id: string) => string | undefined,
): readonly Cell[] {
  const groups = Map.groupBy(samples, ({ id, callers }) => `${String(callers)} ${id}`)
  return [...groups.values()].map((these) => cellOf(these, samples, besideOf))
}

function cellOf(
  these: readonly Sampled[],
  all: readonly Sampled[],
  besideOf: (id: string) => string | undefined,
): Cell {
  const [first] = these
  if (!first) throw new TypeError('a cell without samples')
  const { id, callers } = first
  const beside = besideOf(id)
  const ratios = these.flatMap((one) => {
    const other = all.find(
      (each) => each.id === beside && each.callers === callers && each.round === one.round,
    )
    return other ? [perSecond(one) / perSecond(other)] : []
  })
  const tasks = sum(these.map((one) => one.tasks))
  return {
    id,
    callers,
    tasks,
    perSecond: spreadOf(these.map(perSecond)),
    p50Ms: median(these.map(({ latenciesMs }) => percentile(latenciesMs, 0.5))),
    p99Ms: percentile(
      these.flatMap(({ latenciesMs }) => [...latenciesMs]),
      0.99,
    ),
    cpuUsPerTask: (sum(these.map(({ cpuMs }) => cpuMs ?? Number.NaN)) / tasks) * 1_000,
    ratio: ratios.length > 0 ? spreadOf(ratios) : undefined,
  }
}

const BARS = {
  perSecondMin: 10_000,
  fasterMin: 10,
  httpMin: 0.6,
  settledMsMax: 5_000,
  waitingBytesMax: 1_024,
  /** Nothing, as far as a clock of the processor can tell it from an engine without tasks. */
  waitingCpuMax: 0.01,
} as const
const BAR_CALLERS = 64

/** Whom the embedded engine is compared with, and the server with storage. */
interface Compared {
  readonly id: string
  readonly title: string
}

/** What was measured; a part that was not is missing, and so are its bars. */
export interface Measured {
  readonly engines: readonly Cell[]
  readonly peers: readonly Compared[]
  readonly http: readonly Cell[]
  readonly stored: readonly Compared[]
  readonly recoveries: readonly Recovery[]
  readonly waiting: Waiting
}

export function barsOf(measured: Measured): readonly Bar[] {
  const { engines, peers, http, stored, recoveries, waiting } = measured
  const embedded = many(engines, 'sqlite')
  return [
    ...(embedded ? [rateBar(embedded.perSecond)] : []),
    ...peers.flatMap(({ id, title }) => {
      const ratio = many(engines, id)?.ratio
      return ratio ? [fasterBar(title, ratio)] : []
    }),
    ...stored.flatMap(({ id, title }) => {
      const ratio = many(http, id)?.ratio
      return ratio ? [httpBar(title, ratio)] : []
    }),
    ...recoveryBars(recoveries),
    ...waitingBars(waiting),
  ]
}

const many = (cells: readonly Cell[], id: string): Cell | undefined =>
  cells.find((one) => one.callers === BAR_CALLERS && one.id === id)

const whole = (value: number): string => Math.round(value).toLocaleString('en-US')

function rateBar({ median: rate, low, high }: Spread): Bar {
  const bar = {
    name: `tasks/s, embedded, ${String(BAR_CALLERS)} callers`,
    bar: `≥ ${whole(BARS.perSecondMin)}`,
    measured: `${whole(rate)} (${whole(low)}–${whole(high)})`,
  }
  return judged(bar, BARS.perSecondMin - rate, whole)
}

/** The ratio of a cell is the peer's to ours; the bar asks how many times faster we are. */
function fasterBar(title: string, { median: ratio, low, high }: Spread): Bar {
  const [faster, least, most] = [1 / ratio, 1 / high, 1 / low]
  const bar = {
    name: `times as many as ${title}, ${String(BAR_CALLERS)} callers`,
    bar: `≥ ${String(BARS.fasterMin)}×`,
    measured: `${faster.toFixed(1)}× (${least.toFixed(1)}–${most.toFixed(1)})`,
  }
  return judged(bar, BARS.fasterMin - faster, (missed) => `${missed.toFixed(1)}×`)
}

function httpBar(title: string, { median: ratio, low, high }: Spread): Bar {
  const bar = {
    name: `over HTTP beside no storage: ${title}, ${String(BAR_CALLERS)} clients`,
    bar: `≥ ${String(BARS.httpMin)}×`,
    measured: `${ratio.toFixed(2)}× (${low.toFixed(2)}–${high.toFixed(2)})`,
  }
  return judged(bar, BARS.httpMin - ratio, (missed) => `${missed.toFixed(2)}×`)
}

/** The slowest of them is judged, and all that any of them lost or repeated. */
function recoveryBars(recoveries: readonly Recovery[]): readonly Bar[] {
  const [first] = recoveries
  if (!first) return []
  const { median: ms, low, high } = spreadOf(recoveries.map(({ settledMs }) => settledMs))
  const lost = sum(recoveries.map((one) => one.lost))
  const repeated = sum(recoveries.map((one) => one.repeated))
  const time = {
    name: `${whole(first.tasks)} tasks after kill -9, from restart to all settled`,
    bar: `≤ ${whole(BARS.settledMsMax)} ms`,
    measured: `${whole(ms)} ms (${whole(low)}–${whole(high)})`,
  }
  const kept = {
    name: 'of those lost, or repeated that must not be',
    bar: 'none',
    measured: `${String(lost)} lost, ${String(repeated)} repeated`,
  }
  return [
    judged(time, high - BARS.settledMsMax, (missed) => `${whole(missed)} ms`),
    judged(kept, lost + repeated, String),
  ]
}

function waitingBars({ tasks, created, found }: Waiting): readonly Bar[] {
  const name = `${whole(tasks)} waiting tasks`
  const memory = (what: string, bytes: number): Bar => {
    const bar = {
      name: `${name}, ${what}`,
      bar: `≤ ${whole(BARS.waitingBytesMax)} B`,
      measured: `${whole(bytes)} B`,
    }
    return judged(bar, bytes - BARS.waitingBytesMax, (missed) => `${whole(missed)} B`)
  }
  const share = Math.max(created.waiting.cpuShare, found.waiting.cpuShare)
  const work = {
    name: `${name}, processor time meanwhile`,
    bar: `≤ ${percent(BARS.waitingCpuMax)}`,
    measured: `${percent(share)} of a core`,
  }
  return [
    memory('heap each where they were created', bytesEach(tasks, created, 'heapBytes')),
    memory('resident memory each after a restart', bytesEach(tasks, found, 'rssBytes')),
    judged(work, share - BARS.waitingCpuMax, percent),
  ]
}

export const percent = (share: number): string => `${(share * 100).toFixed(2)} %`
