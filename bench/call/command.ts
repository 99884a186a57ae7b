import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Bar } from '../bars.ts'
import { machine } from '../machine.ts'
import type { Running } from '../processes.ts'
import { startProgress } from '../progress.ts'
import { rssBytes } from '../usage.ts'
import { barsOf, cellsOf, megabytes } from './figures.ts'
import { makeHome, ROOT, VIEW } from './gateway.ts'
import { startIssuer, type Issuer } from './issuer.ts'
import { measureRounds, measureStarts, WrongAnswer, type Plan } from './measure.ts'
import { profileCalls, profileStart, type CallProfile, type StartProfile } from './profiling.ts'
import { markdown, terminalText, type CallReport } from './report.ts'
import {
  startLoad,
  startTarget,
  startUpstream,
  TARGETS,
  type Served,
  type Target,
} from './targets.ts'

const HELP = `Governed calls beside a bare Node proxy of the same upstream, and beside the upstream itself.

  npm run bench -- call [options]

  --seconds N   measure each target under each load for N seconds in all (default 5)
  --quick       1.5 seconds and fewer starts: to see that it works, not to quote
  --profile     profile the gateway at 64 clients even if every bar is met
  --out FOLDER  write call.md and call.json there (default bench/reports)
  --help        this

Ends with 1 when a call was answered wrongly. A bar that is missed is no error: the report says by how
much, and where the time goes.
`

const OPTIONS = {
  seconds: { type: 'string' },
  quick: { type: 'boolean', default: false },
  profile: { type: 'boolean', default: false },
  out: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

const REPORTS = fileURLToPath(new URL('../reports', import.meta.url))
const SCRATCH = fileURLToPath(new URL('../.bench-tmp', import.meta.url))
const CLIENTS = [1, 16, 64]
const ROUNDS = 3
const SECONDS = { usual: 5, quick: 1.5, max: 600 }
const PROFILE_MS = 4_000

interface Wanted {
  readonly plan: Plan
  readonly seconds: number
  readonly profile: boolean
  readonly out: string
}

export async function run(argv: readonly string[]): Promise<number> {
  const wanted = read(argv)
  if (typeof wanted === 'string') {
    process.stderr.write(`${wanted}\n\n${HELP}`)
    return 2
  }
  if (wanted === undefined) {
    process.stdout.write(HELP)
    return 0
  }
  mkdirSync(SCRATCH, { recursive: true })
  // Not the system's folder for such things: that may be memory, where a disk write costs nothing.
  const folder = mkdtempSync(join(SCRATCH, 'call-'))
  try {
    const report = await measure(wanted, folder)
    mkdirSync(wanted.out, { recursive: true })
    writeFileSync(join(wanted.out, 'call.md'), markdown(report))
    writeFileSync(join(wanted.out, 'call.json'), `${JSON.stringify(report, null, 2)}\n`)
    process.stdout.write(`${terminalText(report)}\n${join(wanted.out, 'call.md')}\n`)
    return 0
  } catch (thrown) {
    if (!(thrown instanceof WrongAnswer)) throw thrown
    process.stderr.write(`\n${thrown.message}\n`)
    return 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What was asked for; a text says what is wrong with it; undefined asks for help. */
function read(argv: readonly string[]): Wanted | string | undefined {
  let values
  try {
    values = parseArgs({ args: [...argv], options: OPTIONS }).values
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause)
  }
  if (values.help) return undefined
  const usual = values.quick ? SECONDS.quick : SECONDS.usual
  const seconds = values.seconds === undefined ? usual : Number(values.seconds)
  if (!(seconds > 0 && seconds <= SECONDS.max)) {
    return `--seconds takes a number up to ${String(SECONDS.max)}.`
  }
  const plan = {
    clients: CLIENTS,
    rounds: ROUNDS,
    measureMs: (seconds * 1_000) / ROUNDS,
    warmMs: values.quick ? 100 : 250,
    firstWarmMs: values.quick ? 500 : 1_500,
    starts: values.quick ? 2 : 5,
  }
  return { plan, seconds, profile: values.profile, out: values.out ?? REPORTS }
}

/** Everything that runs while a bench does; stopped in reverse. */
interface Bench {
  readonly upstream: Served
  readonly issuer: Issuer
  readonly load: Running
  readonly folder: string
}

async function measure(wanted: Wanted, folder: string): Promise<CallReport> {
  const facts = machine(ROOT, folder)
  const upstream = await startUpstream()
  const issuer = await startIssuer()
  const load = await startLoad()
  try {
    return { machine: facts, ...(await measureAll(wanted, { upstream, issuer, load, folder })) }
  } finally {
    issuer.close()
    await load.stop()
    await upstream.running.stop()
  }
}

async function measureAll(wanted: Wanted, bench: Bench): Promise<Omit<CallReport, 'machine'>> {
  const { plan, seconds } = wanted
  const { upstream, load, folder } = bench
  const cells = TARGETS.length * plan.clients.length * plan.rounds
  const progress = startProgress(plan.starts + TARGETS.length + cells + 2)
  const starts = await measureStarts(plan.starts, upstream, folder, progress)
  const targets: Target[] = []
  try {
    for (const spec of TARGETS) targets.push(await startTarget(spec, bench))
    const idle = targets.map(rss)
    const figures = cellsOf(await measureRounds(plan, targets, load, progress))
    const memory = targets.map((one, at) => ({
      target: one.id,
      idleMb: idle[at] ?? Number.NaN,
      afterMb: rss(one),
    }))
    await stopAll(targets)
    const bars = barsOf(figures, starts)
    const profiles = await profilesFor(wanted.profile, bars, bench)
    progress.end()
    return { seconds, rounds: plan.rounds, bars, cells: figures, memory, starts, ...profiles }
  } finally {
    await stopAll(targets)
  }
}

const rss = ({ running }: Target): number => megabytes(rssBytes(running.pid))

async function stopAll(targets: readonly Target[]): Promise<void> {
  await Promise.all(
    targets.filter(({ id }) => id !== 'direct').map(({ running }) => running.stop()),
  )
}

const isStart = ({ name }: Bar): boolean => name.startsWith('start')

/** A profile of calls when one was asked for or a bar on calls is missed; of a start likewise. */
async function profilesFor(
  isAsked: boolean,
  bars: readonly Bar[],
  { upstream, load, folder }: Bench,
): Promise<{ readonly profile?: CallProfile; readonly startProfile?: StartProfile }> {
  const missed = bars.filter(({ met }) => !met)
  const ofCalls = isAsked || missed.some((one) => !isStart(one))
  const ofStart = isAsked || missed.some(isStart)
  const home = makeHome(join(folder, 'start-0'), { url: `${upstream.origin}${VIEW}` })
  return {
    ...(ofCalls ? { profile: await profileCalls({ upstream, load, folder }, PROFILE_MS) } : {}),
    ...(ofStart ? { startProfile: await profileStart(folder, home) } : {}),
  }
}
