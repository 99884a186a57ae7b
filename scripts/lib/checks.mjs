/** What `npm run check` runs: nothing here starts a server. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { findNode, ourEnv, ROOT } from './machine.mjs'

/** Each a name and the arguments to Node. */
const bin = (path) => join('node_modules', path)
/** @type {[string, string[]][]} */
const CHECKS = [
  ['types', [bin('typescript/bin/tsc'), '-p', '.']],
  ['types of contract without Node', [bin('typescript/bin/tsc'), '-p', 'packages/contract']],
  ['lint', [bin('oxlint/bin/oxlint'), '--type-aware']],
  ['format', [bin('oxfmt/bin/oxfmt'), '--check', '.']],
  ['unused', [bin('knip/bin/knip.js')]],
  ['house', ['--test', '--test-reporter=dot', 'test/house.test.ts']],
]

/** Runs all of them, also after one failed; prints the output of those that did. */
export function runChecks() {
  const node = findNode()
  const problems = []
  for (const [name, args] of CHECKS) {
    const started = performance.now()
    const { status, stdout, stderr } = spawnSync(node, args, {
      cwd: ROOT,
      env: ourEnv(),
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    })
    const took = `${((performance.now() - started) / 1000).toFixed(1)} s`
    const isFine = status === 0
    console.log(`${isFine ? 'ok    ' : 'FAILED'} ${name.padEnd(32)} ${took.padStart(7)}`)
    if (isFine) continue
    problems.push(`check: ${name}`)
    console.log(`${stdout}${stderr}`)
  }
  return { passed: CHECKS.length - problems.length, failed: problems.length, problems }
}
