/** `npm start`: the quickstart, from a fresh clone. Old Nodes parse this file: see needs-node.mjs. */
import { needsNode20 } from './lib/needs-node.mjs'

needsNode20()
void import('./lib/quickstart.mjs').then(function (quickstart) {
  return quickstart.start(process.argv.slice(2))
})
