import { join } from 'node:path'
import type { Running } from '../processes.ts'
import { profileFlags, readProfile, type Spent, type Summary } from '../profile.ts'
import { makeHome, measureStart, ROOT, startGateway, VIEW, type Home } from './gateway.ts'
import type { Job } from './load.ts'
import { apply, startBareProxy, type Served } from './targets.ts'
import { modernCall, READ_TOOL } from './wire.ts'

const CLIENTS = 64
const WARM_MS = 2_000
const TOP = 24

/** One line of where the time goes, in microseconds for each call. */
export interface Cost {
  readonly name: string
  readonly us: number
  /** What the bare proxy spends on the same. */
  readonly bareUs?: number
}

export interface CallProfile {
  readonly calls: number
  readonly busyUs: number
  readonly bareBusyUs: number
  readonly modules: readonly Cost[]
  readonly functions: readonly Cost[]
  readonly within: readonly Cost[]
}

export interface StartProfile {
  readonly busyMs: number
  readonly modules: readonly { readonly name: string; readonly ms: number }[]
}

interface Bench {
  readonly folder: string
  readonly upstream: Served
  readonly load: Running
}

/** Runs the gateway and the bare proxy under the same load with a profiler, one after the other. */
export async function profileCalls(bench: Bench, measureMs: number): Promise<CallProfile> {
  const { folder, upstream } = bench
  const bare = await profiled(bench, measureMs, 'bare', (execArgv) =>
    startBareProxy(upstream.origin, execArgv),
  )
  const home = makeHome(join(folder, 'profiled'), { url: `${upstream.origin}${VIEW}` })
  const ours = await profiled(bench, measureMs, 'gateway', (execArgv) =>
    startGateway(home, execArgv),
  )
  const perCall = (spent: readonly Spent[]): readonly Cost[] =>
    spent.slice(0, TOP).map(({ name, us }) => ({ name, us: us / ours.calls }))
  return {
    calls: ours.calls,
    busyUs: ours.summary.busyUs / ours.calls,
    bareBusyUs: bare.summary.busyUs / bare.calls,
    modules: compare(ours, bare),
    functions: perCall(ours.summary.functions),
    within: perCall(ours.summary.within),
  }
}

interface Profiled {
  readonly calls: number
  readonly summary: Summary
}

async function profiled(
  { folder, load }: Bench,
  measureMs: number,
  name: string,
  start: (execArgv: readonly string[]) => Promise<Served>,
): Promise<Profiled> {
  const { running, origin } = await start(profileFlags(folder, name))
  const job: Job = {
    origin,
    path: VIEW,
    call: modernCall(READ_TOOL),
    session: false,
    clients: CLIENTS,
    warmMs: WARM_MS,
    measureMs,
    watch: [],
  }
  try {
    const done = await apply(load, job)
    // The profile is written when the process ends.
    await running.stop()
    return { calls: done.calls, summary: readProfile(folder, name, ROOT, done) }
  } finally {
    await running.stop()
  }
}

/** Modules by what the gateway spends more on them than the bare proxy does. */
function compare(ours: Profiled, bare: Profiled): readonly Cost[] {
  const bareUs = new Map(bare.summary.modules.map(({ name, us }) => [name, us / bare.calls]))
  return ours.summary.modules
    .map(({ name, us }) => ({ name, us: us / ours.calls, bareUs: bareUs.get(name) ?? 0 }))
    .toSorted((a, b) => b.us - b.bareUs - (a.us - a.bareUs))
    .slice(0, TOP)
}

/** Where the time of a start goes, by module. The profiler itself makes it longer. */
export async function profileStart(folder: string, home: Home): Promise<StartProfile> {
  await measureStart(home, profileFlags(folder, 'start'))
  const { busyUs, modules } = readProfile(folder, 'start', ROOT)
  return {
    busyMs: busyUs / 1_000,
    modules: modules.slice(0, TOP).map(({ name, us }) => ({ name, ms: us / 1_000 })),
  }
}
