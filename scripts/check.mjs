/** `npm run check`: types, lint, format, unused code, the house rules. */
import { runChecks } from './lib/checks.mjs'

const { passed, failed } = runChecks()
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
