import { barRows, type Bar } from '../bars.ts'
import { writtenBy, type Machine } from '../machine.ts'
import { markdownTable, number, textTable, times } from '../text-table.ts'
import type { Cell, StartFigures } from './figures.ts'
import type { CallProfile, Cost, StartProfile } from './profiling.ts'
import { TARGETS, type TargetId } from './targets.ts'

/** Everything one run found out. `call.json` is this. */
export interface CallReport {
  readonly machine: Machine
  readonly seconds: number
  readonly rounds: number
  readonly bars: readonly Bar[]
  readonly cells: readonly Cell[]
  readonly memory: readonly Memory[]
  readonly starts: readonly StartFigures[]
  readonly profile?: CallProfile
  readonly startProfile?: StartProfile
}

interface Memory {
  readonly target: TargetId
  readonly idleMb: number
  readonly afterMb: number
}

const titleOf = (id: TargetId): string => TARGETS.find((one) => one.id === id)?.title ?? id

type Rows = readonly (readonly string[])[]

const cellRows = (cells: readonly Cell[]): Rows => [
  ['', 'calls/s', 'of bare', 'p50 ms', 'more', 'p99 ms', 'CPU µs/call', 'RSS MB'],
  ...cells.map((cell) => [
    titleOf(cell.target),
    number(cell.perSecond.median),
    times(cell.ratio.median),
    number(cell.p50Ms, 2),
    cell.target === 'bare' ? '–' : signed(cell.moreMs.median),
    number(cell.p99Ms, 2),
    number(cell.cpuUsPerCall),
    number(cell.rssMb),
  ]),
]

const signed = (ms: number): string => `${ms < 0 ? '−' : '+'}${Math.abs(ms).toFixed(2)}`

const memoryRows = (memory: readonly Memory[]): Rows => [
  ['', 'idle MB', 'after load MB'],
  ...memory.map(({ target, idleMb, afterMb }) => [
    titleOf(target),
    number(idleMb),
    number(afterMb),
  ]),
]

const startRows = (starts: readonly StartFigures[]): Rows => [
  ['start', 'listening ms', 'first answer ms', 'RSS then MB', 'RSS idle MB'],
  ...starts.map((one) => [
    one.kind === 'stored' ? 'definitions stored' : 'empty data folder',
    number(one.listeningMs),
    number(one.answeredMs.median),
    number(one.rssMb),
    number(one.idleMb),
  ]),
]

const byClients = (cells: readonly Cell[]): readonly (readonly [number, readonly Cell[]])[] => [
  ...Map.groupBy(cells, ({ clients }) => clients),
]

const clientsTitle = (clients: number): string =>
  `${String(clients)} ${clients === 1 ? 'client' : 'clients'}`

/** What a terminal shows when a run is over. */
export function terminalText({ bars, cells, starts, memory }: CallReport): string {
  return [
    ...byClients(cells).flatMap(([clients, these]) => [
      `\n${clientsTitle(clients)}`,
      textTable(cellRows(these)),
    ]),
    `\n${textTable(startRows(starts))}`,
    `\n${textTable(memoryRows(memory))}`,
    `\n${textTable(barRows(bars))}`,
    '',
  ].join('\n')
}

export function markdown(report: CallReport): string {
  const { machine, seconds, rounds, bars, cells, memory, starts } = report
  return [
    '# One governed call, beside a bare proxy and the upstream itself',
    writtenBy('call', machine),
    '## The bars',
    markdownTable(barRows(bars)),
    '## Calls',
    ...byClients(cells).flatMap(([clients, these]) => [
      `### ${clientsTitle(clients)}`,
      markdownTable(cellRows(these)),
    ]),
    HOW(seconds, rounds),
    ...costOfTokens(cells),
    ...costOfPolicies(cells),
    '## Start and memory',
    markdownTable(startRows(starts)),
    markdownTable(memoryRows(memory)),
    ...profileParts(report),
    '',
  ].join('\n\n')
}

const HOW = (
  seconds: number,
  rounds: number,
): string => `The upstream, the clients and each target are processes of their own on this one machine. A client sends its
next call when the last one was answered, over its own kept connection. Each target is measured for
${number(seconds, 1)} s under each load, in ${String(rounds)} rounds that take the targets in turn: *of bare* and *more* compare
calls/s and medians within a round and are the median over the rounds. p99 is over all calls of a cell, RSS
the most seen after one. A call carries some 250 bytes of arguments and is answered with 1 KiB of text; every
answer is checked, and one wrong answer fails the run. *read* is written behind by up to 20 ms, *write* is on
disk before the call leaves; the bare proxy forwards bytes, and does neither. *With a token*: one JWT (ES256) that was
verified before, as it is again and again; *with a proof each*: a token bound to a key, and a new proof (RFC 9449) for each
call, which is verified and written to the store before the call goes on.`

/** What finding out who asks costs the gateway, beside the same call in local mode. */
function costOfTokens(cells: readonly Cell[]): readonly string[] {
  const rows = byClients(cells).flatMap(([clients, these]) => {
    const find = (id: TargetId): Cell | undefined => these.find(({ target }) => target === id)
    const [read, bearer, dpop] = [find('read'), find('bearer'), find('dpop')]
    if (!read || !bearer || !dpop) return []
    const beside = ({ perSecond, cpuUsPerCall, p50Ms }: Cell): readonly string[] => [
      times(perSecond.median / read.perSecond.median),
      number(cpuUsPerCall - read.cpuUsPerCall),
      signed(p50Ms - read.p50Ms),
    ]
    return [[clientsTitle(clients), ...beside(bearer), ...beside(dpop)]]
  })
  if (rows.length === 0) return []
  const head = ['', 'token: of read', 'CPU µs more', 'p50 ms more']
  const proof = ['proof: of read', 'CPU µs more', 'p50 ms more']
  return ['### What verification costs', markdownTable([[...head, ...proof], ...rows])]
}

const POLICIES = ['policies5', 'policies50', 'policies500'] as const

/** What judging costs, beside the same call where nothing is judged. */
function costOfPolicies(cells: readonly Cell[]): readonly string[] {
  const rows = byClients(cells).flatMap(([clients, these]) => {
    const find = (id: TargetId): Cell | undefined => these.find(({ target }) => target === id)
    const read = find('read')
    const judged = POLICIES.flatMap((id) => find(id) ?? [])
    if (!read || judged.length < POLICIES.length) return []
    const beside = ({ perSecond, cpuUsPerCall, p50Ms }: Cell): readonly string[] => [
      times(perSecond.median / read.perSecond.median),
      number(cpuUsPerCall - read.cpuUsPerCall),
      signed(p50Ms - read.p50Ms),
    ]
    return [[clientsTitle(clients), ...judged.flatMap(beside)]]
  })
  if (rows.length === 0) return []
  const head = [5, 50, 500].flatMap((count) => [
    `${String(count)} policies: of read`,
    'CPU µs more',
    'p50 ms more',
  ])
  return ['### What policies cost', markdownTable([['', ...head], ...rows])]
}

function profileParts({ profile, startProfile }: CallReport): readonly string[] {
  return [...(profile ? callParts(profile) : []), ...(startProfile ? startParts(startProfile) : [])]
}

const callParts = (profile: CallProfile): readonly string[] => [
  '## Where the time of a call goes',
  `From a CPU profile of ${number(profile.calls)} reads at 64 clients, in microseconds for each call: ${number(profile.busyUs, 1)} in the gateway, ${number(profile.bareBusyUs, 1)} in the bare proxy under the same profiler. Waiting is not counted.`,
  '### By module, most beyond the bare proxy first',
  markdownTable([
    ['module', 'gateway', 'bare', 'more'],
    ...profile.modules.map(({ name, us, bareUs = 0 }) => [
      `\`${name}\``,
      number(us, 1),
      number(bareUs, 1),
      number(us - bareUs, 1),
    ]),
  ]),
  '### By function, its own time',
  costTable(profile.functions),
  '### Within our functions, with all they called before they first waited',
  costTable(profile.within),
]

const costTable = (costs: readonly Cost[]): string =>
  markdownTable([
    ['function', 'µs/call'],
    ...costs.map(({ name, us }) => [`\`${name}\``, number(us, 1)]),
  ])

const startParts = ({ busyMs, modules }: StartProfile): readonly string[] => [
  '## Where the time of a start goes',
  `From a CPU profile of one start with stored definitions: ${number(busyMs)} ms at work.`,
  markdownTable([
    ['module', 'ms'],
    ...modules.map(({ name, ms }) => [`\`${name}\``, number(ms, 1)]),
  ]),
]
