/** `npm test`: every suite, from a fresh clone. Old Nodes parse this file: see needs-node.mjs. */
import { needsNode20 } from './lib/needs-node.mjs'

needsNode20()
void import('./lib/all-suites.mjs').then(function (suites) {
  return suites.runAll(process.argv.slice(2))
})
