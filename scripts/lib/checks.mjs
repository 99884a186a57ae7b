/** What `npm run check` runs: nothing here starts a server. */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { findNode, ourEnv, ROOT } from './machine.mjs'
import { SUITES } from './suites.mjs'

/** Each a name and the arguments to Node. */
const bin = (path) => join('node_modules', path)
/** Stands for the one check that is not a tool. */
const STRAY = []
/** @type {[string, string[]][]} */
const CHECKS = [
  ['suites', STRAY],
  ['types', [bin('typescript/bin/tsc'), '-p', '.']],
  ['types of contract without Node', [bin('typescript/bin/tsc'), '-p', 'packages/contract']],
  ['lint', [bin('oxlint/bin/oxlint'), '--type-aware']],
  ['format', [bin('oxfmt/bin/oxfmt'), '--check', '.']],
  ['unused', [bin('knip/bin/knip.js')]],
  ['house', ['--test', '--test-reporter=dot', 'test/house.test.ts']],
]

/** A test in a folder that no suite knows would pass for ever by never running. */
function strayTests() {
  const every = globSync('{packages,test,examples,bench}/**/*.test.ts', {
    cwd: ROOT,
    exclude: (path) => /(?:^|[\\/])(?:node_modules|build)(?:[\\/]|$)/.test(path),
  })
  const known = new Set(
    Object.values(SUITES).flatMap(({ globs }) => globSync(globs, { cwd: ROOT })),
  )
  // A template's own test is run by the story that makes a project of it.
  return every.filter((path) => !known.has(path) && !path.includes('/templates/'))
}

function runTool(args) {
  const { status, stdout, stderr } = spawnSync(findNode(), args, {
    cwd: ROOT,
    env: ourEnv(),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  return { isFine: status === 0, said: `${stdout}${stderr}` }
}

function runStray() {
  const stray = strayTests()
  return { isFine: stray.length === 0, said: `in no suite:\n${stray.join('\n')}\n` }
}

/** Runs all of them, also after one failed; prints what those say that did. */
export function runChecks() {
  const problems = []
  for (const [name, args] of CHECKS) {
    const started = performance.now()
    const { isFine, said } = args === STRAY ? runStray() : runTool(args)
    const took = `${((performance.now() - started) / 1000).toFixed(1)} s`
    console.log(`${isFine ? 'ok    ' : 'FAILED'} ${name.padEnd(32)} ${took.padStart(7)}`)
    if (isFine) continue
    problems.push(`check: ${name}`)
    console.log(said)
  }
  return { passed: CHECKS.length - problems.length, failed: problems.length, problems }
}
