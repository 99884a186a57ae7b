// `npm run bench -- ledger`: what a signed ledger costs beside the bare store, and what proofs cost.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { machine, writtenBy, type Machine } from '../machine.ts'
import { median } from '../statistics.ts'
import { markdownTable, number, textTable, times } from '../text-table.ts'
import { prove, verifying, type Proofs } from './proving.ts'
import { ledgered, raw, storeIn } from './writing.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CALLERS = [1, 64]
const HELP = `Entries a second beside the rows that the same store commits; cost of a call; proofs; verification.

  npm run bench -- ledger [--quick]

  --quick   seconds instead of minutes: 100,000 entries instead of 10 million, one round
`

interface Line {
  readonly callers: number
  readonly raw: number
  readonly writes: number
  readonly reads: number
  readonly ratio: number
  readonly writeCpuUs: number
  readonly readCpuUs: number
}

/** Everything one run found out. `ledger.json` is this. */
interface LedgerReport {
  readonly machine: Machine
  readonly isQuick: boolean
  readonly writing: readonly Line[]
  readonly proofs: Proofs
  readonly verifiedPerSecond: number
}

export async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: { quick: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help === true) {
    process.stdout.write(HELP)
    return 0
  }
  const isQuick = values.quick === true
  const scratch = join(ROOT, 'build', 'bench')
  mkdirSync(scratch, { recursive: true })
  const folder = mkdtempSync(join(scratch, 'ledger-'))
  try {
    const report = await measureAll(folder, isQuick)
    write(report)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return 0
}

async function measureAll(folder: string, isQuick: boolean): Promise<LedgerReport> {
  const measureMs = isQuick ? 1_000 : 5_000
  const rounds = isQuick ? 1 : 5
  const writing: Line[] = []
  for (const callers of CALLERS) writing.push(await lineOf(folder, { callers, measureMs, rounds }))
  const store = storeIn(folder, 'proofs')
  try {
    const proofs = await prove(store, isQuick ? 100_000 : 10_000_000)
    const verifiedPerSecond = await verifying(store, isQuick ? 50_000 : 500_000)
    return { machine: machine(ROOT, folder), isQuick, writing, proofs, verifiedPerSecond }
  } finally {
    store.close()
  }
}

interface Plan {
  readonly callers: number
  readonly measureMs: number
  readonly rounds: number
}

/** In turn, so that whatever else happens on the machine happens to both. */
async function lineOf(folder: string, { callers, measureMs, rounds }: Plan): Promise<Line> {
  const rates: Omit<Line, 'callers'>[] = []
  for (let round = 0; round < rounds; round++) {
    const store = storeIn(folder, `c${String(callers)}-${String(round)}`)
    try {
      const bare = await raw(store, callers, measureMs)
      const { writes, reads } = await ledgered(store, callers, measureMs)
      rates.push({
        raw: bare.perSecond,
        writes: writes.perSecond,
        reads: reads.perSecond,
        ratio: writes.perSecond / bare.perSecond,
        writeCpuUs: 2 * writes.cpuUsEach,
        readCpuUs: 2 * reads.cpuUsEach,
      })
    } finally {
      store.close()
    }
  }
  const mid = (name: keyof Omit<Line, 'callers'>): number => median(rates.map((one) => one[name]))
  return {
    callers,
    raw: mid('raw'),
    writes: mid('writes'),
    reads: mid('reads'),
    ratio: mid('ratio'),
    writeCpuUs: mid('writeCpuUs'),
    readCpuUs: mid('readCpuUs'),
  }
}

const writingRows = ({ writing }: LedgerReport): readonly (readonly string[])[] => [
  [
    'callers',
    'rows/s, bare',
    'entries/s, writes',
    'beside bare',
    'entries/s, reads',
    'CPU µs/write',
    'CPU µs/read',
  ],
  ...writing.map((one) => [
    number(one.callers),
    number(one.raw),
    number(one.writes),
    times(one.ratio),
    number(one.reads),
    number(one.writeCpuUs),
    number(one.readCpuUs),
  ]),
]

const proofRows = ({ proofs, verifiedPerSecond }: LedgerReport): readonly (readonly string[])[] => [
  ['', ''],
  ['entries', number(proofs.entries)],
  ['hashes of a proof, at most', number(proofs.hashes)],
  ['bytes of a proof, at most', number(proofs.bytes)],
  ['to make one, p50 ms', number(proofs.p50Ms, 2)],
  ['to make one, p99 ms', number(proofs.p99Ms, 2)],
  ['to check one, µs', number(proofs.checkUs)],
  ['to prove that an older tree is still there, p50 ms', number(proofs.consistencyP50Ms, 2)],
  ['entries a second that `countersign verify` checks', number(verifiedPerSecond)],
]

function write(report: LedgerReport): void {
  const rows = [writingRows(report), proofRows(report)] as const
  process.stdout.write(`${rows.map(textTable).join('\n\n')}\n`)
  const path = join(ROOT, 'bench', 'reports', 'ledger')
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.json`, `${JSON.stringify(report, undefined, 2)}\n`)
  const [writing, proofs] = rows.map(markdownTable)
  writeFileSync(
    `${path}.md`,
    `# The ledger

${writtenBy(report.isQuick ? 'ledger --quick' : 'ledger', report.machine)}

## Writing

Each row of the bare store is as long as an entry and committed alone; commits that meet share one. A call has two entries: before it is sent, and when it is over. Those of
writes are on disk before the call goes on, those of reads within 20 ms; the tree over both is built and signed meanwhile.

${writing ?? ''}

## Proving

${proofs ?? ''}
`,
  )
}
