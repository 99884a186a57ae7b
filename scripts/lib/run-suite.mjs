/** One suite: finds its files, runs them, counts. */
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT, say } from './machine.mjs'
import { runNode } from './run-node.mjs'
import { SUITES } from './suites.mjs'

/** A test that waits for ever is a failure of its own, and its suite goes on. */
const TEST_TIMEOUT_MS = 120_000

/** Resolves with `{ passed, failed, problems }`. A suite that tests nothing has failed. */
export async function runSuite(name) {
  const suite = SUITES[name]
  const files = globSync(suite.globs, { cwd: ROOT }).toSorted()
  if (files.length === 0) return { passed: 0, failed: 1, problems: [`${name} has no test files`] }
  const counted = await runTests(suite, files)
  return suite.run === undefined ? counted : add(counted, await runProgram(suite))
}

const add = (one, other) => ({
  passed: one.passed + other.passed,
  failed: one.failed + other.failed,
  problems: [...one.problems, ...other.problems],
})

/** A program that tests and says so in its last line: "N passed, N failed". */
async function runProgram({ run, limitMs }) {
  let said = ''
  const code = await runNode(run, { limitMs, hear: (text) => (said += text) })
  const [, passed, failed] = /(\d+) passed, (\d+) failed\s*$/.exec(said) ?? []
  const counted = { passed: Number(passed ?? 0), failed: Number(failed ?? 0) }
  if (code === 0 && counted.passed > 0 && counted.failed === 0) return { ...counted, problems: [] }
  const problem = `${run.join(' ')} ended with ${code}`
  return { ...counted, failed: Math.max(1, counted.failed), problems: [problem] }
}

async function runTests(suite, files) {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-count-'))
  const destination = join(folder, 'count.json')
  const reporters = [
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=./scripts/lib/count.mjs',
    `--test-reporter-destination=${destination}`,
  ]
  const flags = ['--test', `--test-timeout=${TEST_TIMEOUT_MS}`, ...suite.args, ...reporters]
  try {
    const code = await runNode([...flags, ...files], { limitMs: suite.limitMs })
    return judge(code, readCount(destination))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The last whole line; a run that was ended may have been cut off in the middle of one. */
function readCount(path) {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []
  const last = lines.at(-2)
  return last === undefined ? undefined : JSON.parse(last)
}

function judge(code, counted) {
  if (counted === undefined) {
    return { passed: 0, failed: 1, problems: [`no test ran, and the run ended with ${code}`] }
  }
  const { empty, failures, passed, failed, skipped, isWhole } = counted
  const isOdd = !isWhole || (code !== 0 && failed === 0)
  const problems = [
    ...failures,
    ...(passed + failed === 0 ? ['no test ran'] : []),
    ...empty.map((file) => `${file} has no tests`),
    ...(isOdd ? [`the run ended with ${code}${isWhole ? '' : ' before all tests had'}`] : []),
  ]
  if (skipped > 0) say(`${skipped} skipped on this machine`)
  // A test inside of a failed test fails both; what is no test counts as one failure each.
  return { passed, failed: failed + problems.length - failures.length, problems }
}
