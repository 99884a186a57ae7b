import { barRows, type Bar } from '../bars.ts'
import { writtenBy, type Machine } from '../machine.ts'
import type { Spent } from '../profile.ts'
import type { Spread } from '../statistics.ts'
import { markdownTable, number, textTable } from '../text-table.ts'
import { percent, type Cell } from './figures.ts'
import type { Absent } from './lineup.ts'
import type { TaskProfile } from './profiling.ts'
import type { Recovery } from './recovery.ts'
import { bytesEach, type Waiting } from './waiting.ts'

/** Everything one run found out. `tasks.json` is this. */
export interface TasksReport {
  readonly machine: Machine
  readonly seconds: number
  readonly rounds: number
  /** Names of what is measured, by the ids of the cells. */
  readonly titles: Readonly<Record<string, string>>
  readonly bars: readonly Bar[]
  /** Pages appended and brought to disk a second, one after the other: the limit. */
  readonly fdatasyncs: Spread
  readonly engines: readonly Cell[]
  readonly absent: readonly Absent[]
  readonly http: readonly Cell[]
  readonly recoveries: readonly Recovery[]
  readonly waiting: Waiting
  readonly profile?: TaskProfile
}

type Rows = readonly (readonly string[])[]
type Titles = TasksReport['titles']

const ratio = (spread: Spread | undefined): string => {
  if (!spread) return '–'
  return `${spread.median.toFixed(spread.median < 0.1 ? 3 : 2)}×`
}

const cellRows = (cells: readonly Cell[], titles: Titles, beside: string): Rows => [
  ['', 'tasks/s', beside, 'p50 ms', 'p99 ms', 'CPU µs/task'],
  ...cells.map((cell) => [
    titles[cell.id] ?? cell.id,
    number(cell.perSecond.median),
    ratio(cell.ratio),
    number(cell.p50Ms, 2),
    number(cell.p99Ms, 2),
    number(cell.cpuUsPerTask),
  ]),
]

const recoveryRows = (recoveries: readonly Recovery[]): Rows => [
  ['kill', 'tasks', 'effects sent before it', 'all settled after ms', 'lost', 'repeated'],
  ...recoveries.map((one, at) => [
    String(at + 1),
    number(one.tasks),
    number(one.sentBefore),
    number(one.settledMs),
    number(one.lost),
    number(one.repeated),
  ]),
]

const waitingRows = ({ tasks, created, found }: Waiting): Rows => [
  ['', 'heap each B', 'RSS each B', 'CPU without', 'CPU with', 'ready s', 'one woken ms'],
  ...[
    ['where they were created', created] as const,
    ['in the process started after it', found] as const,
  ].map(([title, waited]) => [
    title,
    number(bytesEach(tasks, waited, 'heapBytes')),
    number(bytesEach(tasks, waited, 'rssBytes')),
    percent(waited.empty.cpuShare),
    percent(waited.waiting.cpuShare),
    number(waited.readyMs / 1_000, 2),
    number(waited.wokenMs, 1),
  ]),
]

const byCallers = (cells: readonly Cell[]): readonly (readonly [number, readonly Cell[]])[] => [
  ...Map.groupBy(cells, ({ callers }) => callers),
]

const loadTitle = (count: number, noun: string): string =>
  `${number(count)} ${count === 1 ? noun : `${noun}s`}`

const diskLine = ({ median, low, high }: Spread): string =>
  `The disk itself, one page after the other: ${number(median)} fdatasync/s (${number(low)}–${number(high)}).`

/** What a terminal shows when a run is over. */
export function terminalText(report: TasksReport): string {
  const { bars, engines, absent, http, titles, recoveries, waiting, fdatasyncs } = report
  const part = (cells: readonly Cell[], noun: string, beside: string): readonly string[] =>
    byCallers(cells).flatMap(([callers, these]) => [
      `\n${loadTitle(callers, noun)}`,
      textTable(cellRows(these, titles, beside)),
    ])
  return [
    `\n${diskLine(fdatasyncs)}`,
    ...part(engines, 'caller', 'of embedded'),
    ...absent.map(({ title, why }) => `${title} was not measured: ${why}.`),
    ...part(http, 'HTTP client', 'of no storage'),
    `\n${textTable(recoveryRows(recoveries))}`,
    `\n${textTable(waitingRows(waiting))}`,
    `\n${textTable(barRows(bars))}`,
    '',
  ].join('\n')
}

export function markdown(report: TasksReport): string {
  const { machine, bars, engines, absent, http, titles, recoveries, waiting } = report
  const part = (cells: readonly Cell[], noun: string, beside: string): readonly string[] =>
    byCallers(cells).flatMap(([callers, these]) => [
      `### ${loadTitle(callers, noun)}`,
      markdownTable(cellRows(these, titles, beside)),
    ])
  return [
    '# A durable task, beside DBOS, Restate and the disk itself',
    writtenBy('tasks', machine),
    '## The bars',
    markdownTable(barRows(bars)),
    ...absent.map(({ title, why }) => `${title} was not measured: ${why}.`),
    '## Two steps, created to completed',
    diskLine(report.fdatasyncs),
    ...part(engines, 'caller', 'of embedded'),
    HOW_TASKS(report),
    LICENCES,
    '## Over HTTP',
    ...part(http, 'client', 'of no storage'),
    HOW_HTTP,
    '## After kill -9',
    markdownTable(recoveryRows(recoveries)),
    HOW_RECOVERY,
    '## While they wait',
    markdownTable(waitingRows(waiting)),
    HOW_WAITING(waiting),
    ...profileParts(report.profile),
    '',
  ].join('\n\n')
}

const HOW_TASKS = ({
  seconds,
  rounds,
}: TasksReport): string => `Each engine runs in a process of its own, with its callers in that process; what it needs beside that
(one Postgres for all that want one, the Restate server) runs on the same machine. A caller creates its next
task when the result of its last one is known. Each engine is measured for ${number(seconds, 1)} s under each load, in
${String(rounds)} ${rounds === 1 ? 'round that takes' : 'rounds that take'} the engines in turn: *of embedded* compares tasks/s within a round and is the median over
the rounds. Before it counts, as many tasks are done as there are callers. p99 is over all tasks of a cell. A task
has 150 bytes of input and two steps of 80 bytes each; every result is checked, and one wrong result fails the
run. Every engine is as it comes, with every commit on disk: SQLite with \`synchronous = FULL\`, Postgres with
\`fsync\` and \`synchronous_commit\`, Restate with its log synced. CPU is that of the process with the callers,
without Postgres or the Restate server. Postgres keeps its data in the system's folder for temporary files.`

const LICENCES = `DBOS (\`@dbos-inc/dbos-sdk\`) is under the MIT licence. The Restate server
(\`@restatedev/restate-server\`) is under the Business Source License 1.1 and becomes Apache-2.0 four years after
each release; its TypeScript packages are MIT. Neither is part of Countersign, nor installed by its own \`npm ci\`:
this bench installs them for itself into \`bench/.peers\`, without install scripts, and runs Restate with its
telemetry off.`

const HOW_HTTP = `A bare \`node:http\` server with the embedded engine behind it, and the same one that remembers nothing,
each in a process of its own; the clients in one more. *Created and fetched* is two requests: one that creates the
task, answered when that is durable, and one that fetches its result when it is there. *One request* does both.`

const HOW_RECOVERY = `A process is killed when all its tasks are acknowledged and half of them have sent their effect: a write that
must not leave twice and takes 100 ms to answer. The time counts from the start of the next process, with what
Node needs to begin, until no task is open. An acknowledged task is lost when it is not completed then, or its
effect never left; effects are counted in a file that both processes append to. Where the outcome of an effect
was not recorded, the task asks whether it happened before it sends anything.`

const HOW_WAITING = ({
  tasks,
  idleMs,
}: Waiting): string => `${number(tasks)} tasks that have done one step and wait for a signal or a day, whichever is first. Memory is after
garbage collection, beyond that of the same process without them; processor time is that of ${number(idleMs / 1_000, 0)} s, without them
and with them, as a share of one core. Resident memory where they were created is mostly the room that V8 has
made for the work of creating them, and does not grow with their number; so heap is judged there, and resident
memory in the process that found them. *Ready* is the time from the first creation until all waited, and from
the start of the engine until it could be used.`

const profileParts = (profile: TaskProfile | undefined): readonly string[] =>
  profile
    ? [
        '## Where the time of a task goes',
        `From a CPU profile of ${number(profile.tasks)} tasks of 64 callers in the embedded engine, in microseconds for each task: ${number(profile.busyUs, 1)}. What SQLite does counts as done by the function that calls it, and so does its wait for the disk: in \`#transact\` that is the commit.`,
        '### By module',
        costTable('module', profile.modules),
        '### By function, its own time',
        costTable('function', profile.functions),
        '### Within our functions, with all they called before they first waited',
        costTable('function', profile.within),
      ]
    : []

const costTable = (title: string, costs: readonly Spent[]): string =>
  markdownTable([
    [title, 'µs/task'],
    ...costs.map(({ name, us }) => [`\`${name}\``, number(us, 1)]),
  ])
