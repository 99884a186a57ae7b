/** Check and every suite in order, then one summary. */
import { spawn } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { findNode, installMissing, ourEnv, stop } from './machine.mjs'
import { SUITES } from './suites.mjs'

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`

async function runOne(name) {
  if (name === 'check') return (await import('./checks.mjs')).runChecks()
  return (await import('./run-suite.mjs')).runSuite(name)
}

/** Where the right Node takes over from whichever typed the command. */
async function handOver(args) {
  const node = findNode()
  if (realpathSync(node) === realpathSync(process.execPath)) return false
  const self = fileURLToPath(new URL('../test.mjs', import.meta.url))
  const child = spawn(node, [self, ...args], { stdio: 'inherit', env: ourEnv() })
  const pass = (signal) => child.kill(signal)
  process.on('SIGINT', pass).on('SIGTERM', pass)
  process.exitCode = await new Promise((resolve) => {
    child.once('exit', (code) => resolve(code ?? 1))
  })
  return true
}

/** `names` are suites to run; without any, all but those that take long for what they tell. */
export async function runAll(names) {
  await installMissing()
  if (await handOver(names)) return
  const all = ['check', ...Object.keys(SUITES)]
  const unknown = names.filter((name) => name !== 'all' && !all.includes(name))
  if (unknown.length > 0) stop(`There is no suite ${unknown.join(', ')}: all, ${all.join(', ')}.`)
  const usual = all.filter((name) => SUITES[name]?.isApart !== true)
  const wanted = names.includes('all') ? all : names.length > 0 ? names : usual
  const rows = []
  for (const name of wanted) {
    console.log(`\n── ${name} ${'─'.repeat(60 - name.length)}`)
    const started = performance.now()
    rows.push({ name, ...(await runOne(name)), ms: performance.now() - started })
  }
  summarise(rows)
}

function summarise(rows) {
  console.log('\n── summary ──────────────────────────────────────────────────')
  for (const { name, passed, failed, ms, problems } of rows) {
    const counts = `${String(passed).padStart(5)} passed ${String(failed).padStart(4)} failed`
    console.log(`${name.padEnd(12)} ${counts} ${seconds(ms).padStart(9)}`)
    for (const problem of problems) console.log(`  failed: ${problem}`)
  }
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0)
  console.log(`took ${seconds(sum('ms'))}\n`)
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
  process.exitCode = sum('failed') === 0 ? 0 : 1
}
