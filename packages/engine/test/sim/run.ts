/** `node packages/engine/test/sim/run.ts --seeds N --seed S`: N seeds from S; one seed is told in full. */
import { parseArgs } from 'node:util'
import { simulate } from './simulate.ts'

const { values } = parseArgs({
  options: { seeds: { type: 'string' }, seed: { type: 'string' }, quiet: { type: 'boolean' } },
})
const first = Number(values.seed ?? 1)
const count = Number(values.seeds ?? (values.seed === undefined ? 2_000 : 1))
const started = performance.now()
let broken = 0
let crashes = 0
let settled = 0
const totals: Record<string, number> = {}
for (let seed = first; seed < first + count; seed++) {
  const isTold = count === 1 && values.quiet !== true
  const report = await simulate({ seed, ...(isTold ? { log: console.log } : {}) })
  crashes += report.crashes
  settled += report.settled
  for (const [state, n] of Object.entries(report.states)) totals[state] = (totals[state] ?? 0) + n
  if (report.breaches.length === 0) continue
  broken++
  console.log(`seed ${String(seed)}:\n  ${report.breaches.join('\n  ')}`)
}
const seconds = ((performance.now() - started) / 1_000).toFixed(1)
console.log(
  `${String(count)} seeds, ${String(broken)} broken, ${String(crashes)} crashes, ${String(settled)} settled, tasks ${JSON.stringify(totals)}, ${seconds} s`,
)
process.exitCode = broken === 0 ? 0 : 1
