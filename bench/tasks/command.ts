import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { machine } from '../machine.ts'
import { startProgress, type Progress } from '../progress.ts'
import { spreadOf } from '../statistics.ts'
import { WrongTask } from './ask.ts'
import { barsOf, cellsOf } from './figures.ts'
import { HTTP_TARGETS } from './http/targets.ts'
import { ENGINE_TITLES, PEERS, startLineup } from './lineup.ts'
import { measureEngines, measureHttp, type Plan } from './measure.ts'
import { profileTasks } from './profiling.ts'
import { measureRecovery, type Recovery } from './recovery.ts'
import { markdown, terminalText, type TasksReport } from './report.ts'
import { measureWaiting } from './waiting.ts'

const HELP = `Durable tasks beside DBOS, Restate and the disk itself; recovery, waiting, and tasks over HTTP.

  npm run bench -- tasks [options]

  --seconds N   measure each engine under each load for N seconds in all (default 3)
  --quick       1 second in one round, fewer waiting tasks: to see that it works, not to quote
  --alone       without DBOS, Restate and Postgres: installs and starts nothing of others
  --profile     profile the embedded engine at 64 callers even if every bar is met
  --json        print the report as JSON, and nothing else, to standard output
  --out FOLDER  write tasks.md and tasks.json there (default bench/reports)
  --help        this

Installs DBOS and Restate (240 MB) into bench/.peers when it first runs; without them, or without the
programs of Postgres, the report says what was not measured and why. Ends with 1 when a task was done
wrongly. A bar that is missed is no error: the report says by how much, and where the time goes.
`

const OPTIONS = {
  seconds: { type: 'string' },
  quick: { type: 'boolean', default: false },
  alone: { type: 'boolean', default: false },
  profile: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  out: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const REPORTS = fileURLToPath(new URL('../reports', import.meta.url))
const SCRATCH = fileURLToPath(new URL('../.bench-tmp', import.meta.url))
const CALLERS = [1, 64, 512]
const CLIENTS = [1, 64]
const SECONDS = { usual: 3, quick: 1, max: 600 }
const PROFILE_MS = 3_000

interface Wanted {
  readonly plan: Plan
  readonly seconds: number
  readonly alone: boolean
  readonly profile: boolean
  readonly json: boolean
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
  const folder = mkdtempSync(join(SCRATCH, 'tasks-'))
  try {
    const report = await measure(wanted, folder)
    const json = `${JSON.stringify(report, null, 2)}\n`
    mkdirSync(wanted.out, { recursive: true })
    writeFileSync(join(wanted.out, 'tasks.md'), markdown(report))
    writeFileSync(join(wanted.out, 'tasks.json'), json)
    const text = `${terminalText(report)}\n${join(wanted.out, 'tasks.md')}\n`
    process.stdout.write(wanted.json ? json : text)
    return 0
  } catch (thrown) {
    if (!(thrown instanceof WrongTask)) throw thrown
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
  const { alone, profile, json, out = REPORTS } = values
  return { plan: planOf(seconds, values.quick), seconds, alone, profile, json, out }
}

function planOf(seconds: number, isQuick: boolean): Plan {
  const rounds = isQuick ? 1 : 3
  return {
    callers: CALLERS,
    clients: CLIENTS,
    rounds,
    measureMs: (seconds * 1_000) / rounds,
    warmMs: isQuick ? 100 : 250,
    firstWarmMs: isQuick ? 500 : 1_500,
    recoveries: isQuick ? 1 : 3,
    recoveredTasks: 1_000,
    waitingTasks: isQuick ? 20_000 : 100_000,
    idleMs: isQuick ? 2_000 : 5_000,
  }
}

async function measure(wanted: Wanted, folder: string): Promise<TasksReport> {
  const { plan, seconds } = wanted
  const facts = machine(ROOT, folder)
  const engines = Object.keys(ENGINE_TITLES).length
  const cells = engines * plan.callers.length + HTTP_TARGETS.length * plan.clients.length
  const warm = engines + HTTP_TARGETS.length
  const progress = startProgress(warm + cells * plan.rounds + plan.recoveries + 1)
  const ofEngines = await enginesPart(wanted, folder, progress)
  const http = cellsOf(await measureHttp(plan, folder, progress), besideOf)
  const recoveries: Recovery[] = []
  for (let at = 0; at < plan.recoveries; at++) {
    recoveries.push(
      await measureRecovery(join(folder, `recovery-${String(at)}`), plan.recoveredTasks),
    )
    progress.step(`kill -9 and recovery ${String(at + 1)}`)
  }
  progress.step(`waiting tasks: ${String(plan.waitingTasks)}`)
  const waiting = await measureWaiting(join(folder, 'waiting'), plan.waitingTasks, plan.idleMs)
  const measured = { ...ofEngines, http, recoveries, waiting }
  const bars = barsOf({ ...measured, peers: PEERS.map(titled), stored: STORED })
  const isMissed = bars.some(({ met }) => !met)
  const profile =
    wanted.profile || isMissed ? await profileTasks(ROOT, folder, PROFILE_MS) : undefined
  progress.end()
  const { rounds } = plan
  const shown = { ...measured, ...(profile ? { profile } : {}) }
  return { machine: facts, seconds, rounds, titles: TITLES, bars, ...shown }
}

const TITLES: Readonly<Record<string, string>> = {
  ...ENGINE_TITLES,
  ...Object.fromEntries(HTTP_TARGETS.map(({ id, title }) => [id, title])),
}
const STORED = HTTP_TARGETS.filter(({ beside }) => beside !== undefined)
const titled = (id: string): { readonly id: string; readonly title: string } => ({
  id,
  title: TITLES[id] ?? id,
})
const besideOf = (id: string): string | undefined =>
  HTTP_TARGETS.find((one) => one.id === id)?.beside

async function enginesPart(
  { plan, alone }: Wanted,
  folder: string,
  progress: Progress,
): Promise<Pick<TasksReport, 'engines' | 'absent' | 'fdatasyncs'>> {
  const lineup = await startLineup(folder, alone)
  try {
    const { samples, fdatasyncs } = await measureEngines(plan, lineup.entrants, folder, progress)
    const engines = cellsOf(samples, (id) => (id === 'sqlite' ? undefined : 'sqlite'))
    return { engines, absent: lineup.absent, fdatasyncs: spreadOf(fdatasyncs) }
  } finally {
    await lineup.stop()
  }
}
