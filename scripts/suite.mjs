/** `npm run unit` and its like: one suite by name. */
import { runSuite } from './lib/run-suite.mjs'
import { stop } from './lib/machine.mjs'
import { SUITES } from './lib/suites.mjs'

const [name] = process.argv.slice(2)
if (!Object.hasOwn(SUITES, name ?? '')) {
  stop(`Name a suite: ${Object.keys(SUITES).join(', ')}.`)
}
const { passed, failed, problems } = await runSuite(name)
for (const problem of problems) console.log(`failed: ${problem}`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
