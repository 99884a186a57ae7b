import { judged, type Bar } from '../bars.ts'
import { median, percentile, spreadOf, type Spread } from '../statistics.ts'
import type { TargetId } from './targets.ts'

/** One target under one load in one round. */
export interface Sampled {
  readonly target: TargetId
  readonly clients: number
  readonly round: number
  readonly calls: number
  readonly elapsedMs: number
  readonly latenciesMs: Float32Array
  /** Processor time of the target and of the load client; undefined where the system does not say. */
  readonly cpuMs: number | undefined
  readonly loadCpuMs: number
  readonly rssBytes: number | undefined
}

/** One target under one load, over all rounds. */
export interface Cell {
  readonly target: TargetId
  readonly clients: number
  readonly calls: number
  readonly perSecond: Spread
  readonly p50Ms: number
  readonly p99Ms: number
  /** What one call costs the target in processor time: the figure that noise disturbs least. */
  readonly cpuUsPerCall: number
  /** How much of one core the load client needed; near 1 it would be the client that is measured. */
  readonly loadShare: number
  readonly rssMb: number
  /** Beside the bare proxy in the same round. */
  readonly ratio: Spread
  readonly moreMs: Spread
}

const perSecond = ({ calls, elapsedMs }: Sampled): number => (calls / elapsedMs) * 1_000
const p50 = ({ latenciesMs }: Sampled): number => percentile(latenciesMs, 0.5)
export const megabytes = (bytes: number | undefined): number => (bytes ?? Number.NaN) / 1e6

/** Cells in the order in which targets and loads first appear. */
export function cellsOf(samples: readonly Sampled[]): readonly Cell[] {
  const groups = Map.groupBy(samples, ({ target, clients }) => `${String(clients)} ${target}`)
  return [...groups.values()].map((these) => cellOf(these, samples))
}

function cellOf(these: readonly Sampled[], all: readonly Sampled[]): Cell {
  const [first] = these
  if (!first) throw new TypeError('a cell without samples')
  const { target, clients } = first
  const pairs = these.flatMap((one) => {
    const bare = all.find(
      (other) => other.target === 'bare' && other.clients === clients && other.round === one.round,
    )
    return bare ? [{ one, bare }] : []
  })
  const calls = sum(these.map((one) => one.calls))
  return {
    target,
    clients,
    calls,
    perSecond: spreadOf(these.map(perSecond)),
    p50Ms: median(these.map(p50)),
    p99Ms: percentile(
      these.flatMap(({ latenciesMs }) => [...latenciesMs]),
      0.99,
    ),
    cpuUsPerCall: (sum(these.map(({ cpuMs }) => cpuMs ?? Number.NaN)) / calls) * 1_000,
    loadShare:
      sum(these.map(({ loadCpuMs }) => loadCpuMs)) / sum(these.map((one) => one.elapsedMs)),
    rssMb: Math.max(...these.map(({ rssBytes }) => megabytes(rssBytes))),
    ratio: spreadOf(pairs.map(({ one, bare }) => perSecond(one) / perSecond(bare))),
    moreMs: spreadOf(pairs.map(({ one, bare }) => p50(one) - p50(bare))),
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0)

/** Starts of one kind: medians. */
export interface StartFigures {
  readonly kind: 'stored' | 'fresh'
  readonly times: number
  readonly listeningMs: number
  readonly answeredMs: Spread
  readonly rssMb: number
  readonly idleMb: number
}

const BARS = { ratioMin: 0.6, moreMsMax: 1, startMsMax: 1_000, rssMbMax: 120 } as const
const RATIO_CLIENTS = 64

/** The bars on governed calls. Those on calls hold for the read: the one kind a bare proxy can match. */
export function barsOf(cells: readonly Cell[], starts: readonly StartFigures[]): readonly Bar[] {
  const find = (clients: number): Cell | undefined =>
    cells.find((one) => one.target === 'read' && one.clients === clients)
  const many = find(RATIO_CLIENTS)
  const one = find(1)
  return [
    ...(many ? [ratioBar(many.ratio)] : []),
    ...(one ? [moreBar(one.moreMs)] : []),
    ...starts.flatMap((start) => [startBar(start), memoryBar(start)]),
  ]
}

function ratioBar({ median: ratio, low, high }: Spread): Bar {
  const bar = {
    name: `calls/s beside a bare proxy, ${String(RATIO_CLIENTS)} clients`,
    bar: `≥ ${String(BARS.ratioMin)}×`,
    measured: `${ratio.toFixed(2)}× (${low.toFixed(2)}–${high.toFixed(2)})`,
  }
  return judged(bar, BARS.ratioMin - ratio, (missed) => `${missed.toFixed(2)}×`)
}

function moreBar({ median: more, low, high }: Spread): Bar {
  const bar = {
    name: 'more at the median than a bare proxy, 1 client',
    bar: `≤ ${String(BARS.moreMsMax)} ms`,
    measured: `${more.toFixed(2)} ms (${low.toFixed(2)}–${high.toFixed(2)})`,
  }
  return judged(bar, more - BARS.moreMsMax, (missed) => `${missed.toFixed(2)} ms`)
}

const START = { stored: 'definitions stored', fresh: 'empty data folder' } as const

function startBar({ kind, answeredMs }: StartFigures): Bar {
  const { median: ms, low, high } = answeredMs
  const bar = {
    name: `start to first answered call, ${START[kind]}`,
    bar: `≤ ${String(BARS.startMsMax)} ms`,
    measured: `${ms.toFixed(0)} ms (${low.toFixed(0)}–${high.toFixed(0)})`,
  }
  return judged(bar, ms - BARS.startMsMax, (missed) => `${missed.toFixed(0)} ms`)
}

function memoryBar({ kind, rssMb }: StartFigures): Bar {
  const bar = {
    name: `memory at the first answered call, ${START[kind]}`,
    bar: `≤ ${String(BARS.rssMbMax)} MB`,
    measured: Number.isNaN(rssMb) ? 'not known here' : `${rssMb.toFixed(0)} MB`,
  }
  return judged(bar, rssMb - BARS.rssMbMax, (missed) => `${missed.toFixed(0)} MB`)
}
