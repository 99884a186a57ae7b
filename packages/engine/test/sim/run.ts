import { parseArgs } from 'node:util'
import { simulate, type Report } from './simulate.ts'

const HELP = `npm run sim -- [--seeds N] [--from K]   run N stories, from seed K on
npm run sim -- --seed S                 run one, and tell everything that happens in it

Runs the durable engine in invented worlds: two workers share four tasks, while processes die and
close, answers are lost, disks are slow or full and clocks jump. After every write it is checked that
nothing is lost, nothing that ended changes and no effect happens twice. A seed decides everything,
so a story that fails can be told again.

  --seeds N   how many (default 2,000; npm test runs seeds 1 to 2,000)
  --from K    the first seed (default 1)
  --seed S    one seed, in full
  --help      this`

/** What all stories came to. */
interface Sum {
  failed: number
  crashes: number
  closes: number
  settled: number
  tasks: number
}

const wrong = (message: string): never => {
  console.error(`${message}\n\n${HELP}`)
  process.exit(2)
}

function whole(name: string, said: string): number {
  const value = Number(said)
  const isWhole = Number.isSafeInteger(value) && value > 0
  return isWhole ? value : wrong(`--${name} is a whole number above 0.`)
}

const text = { type: 'string' } as const
const options = { seeds: text, from: text, seed: text, help: { type: 'boolean' } } as const

function read(): { readonly from: number; readonly seeds: number; readonly isTold: boolean } {
  try {
    const { seeds = '2000', from = '1', seed, help } = parseArgs({ options }).values
    if (help === true) {
      console.log(HELP)
      process.exit(0)
    }
    return seed === undefined
      ? { from: whole('from', from), seeds: whole('seeds', seeds), isTold: false }
      : { from: whole('seed', seed), seeds: 1, isTold: true }
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error))
  }
}

function add(sum: Sum, report: Report): void {
  sum.crashes += report.crashes
  sum.closes += report.closes
  sum.settled += report.settled
  for (const count of Object.values(report.states)) sum.tasks += count
  if (report.breaches.length === 0) return
  sum.failed++
  const seed = String(report.seed)
  console.log(`seed ${seed} failed:\n  ${report.breaches.join('\n  ')}`)
  console.log(`  again, in full: npm run sim -- --seed ${seed}`)
}

/** How often it says how far it is. */
const STEPS = 10

async function run(): Promise<void> {
  const { from, seeds, isTold } = read()
  const sum: Sum = { failed: 0, crashes: 0, closes: 0, settled: 0, tasks: 0 }
  const started = performance.now()
  const seconds = (): string => ((performance.now() - started) / 1_000).toFixed(1)
  const step = Math.ceil(seeds / STEPS)
  for (let done = 0; done < seeds;) {
    add(sum, await simulate({ seed: from + done, ...(isTold ? { log: console.log } : {}) }))
    done++
    if (done % step !== 0 || isTold) continue
    console.error(
      `${String(done)} of ${String(seeds)} seeds, ${String(sum.failed)} failed, ${seconds()} s`,
    )
  }
  const { tasks, crashes, closes, settled, failed } = sum
  console.log(
    `${String(tasks)} tasks through ${String(crashes)} crashes, ${String(closes)} closes and ${String(settled)} settled outcomes`,
  )
  console.log(`${String(seeds - failed)} passed, ${String(failed)} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}

await run()
