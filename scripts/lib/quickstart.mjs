/** Runs the sample configuration and ends together with it, whichever way either ends. */
import { spawn } from 'node:child_process'
import { findNode, installMissing, ourEnv, ROOT } from './machine.mjs'

const CONFIG = 'examples/quickstart/countersign.yaml'
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']
/** One Ctrl-C arrives twice, from the terminal and from npm; a second one meant so comes later. */
const REPEAT_MS = 1_000
const PARENT_POLL_MS = 250

/** Options given later win, so `extra` may name another configuration. */
const argumentsOf = (extra) => [
  '--import',
  './scripts/lib/leave-with-parent.mjs',
  'packages/server/src/main.ts',
  'serve',
  '--config',
  CONFIG,
  ...extra,
]

export async function start(extra) {
  await installMissing()
  const child = spawn(findNode(), argumentsOf(extra), {
    cwd: ROOT,
    env: ourEnv(),
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    // Out of the terminal's reach: it is told to stop once, by us, and not by every Ctrl-C as well.
    detached: process.platform !== 'win32',
  })
  let toldAt
  const tell = () => {
    toldAt ??= performance.now()
    if (child.connected) child.disconnect()
    else if (performance.now() - toldAt > REPEAT_MS) child.kill('SIGKILL')
  }
  for (const signal of SIGNALS) process.on(signal, tell)
  const parent = process.ppid
  // A shell between npm and us may die of the signal without passing it on.
  const watch = setInterval(() => {
    if (process.env.npm_lifecycle_event !== undefined && process.ppid !== parent) tell()
  }, PARENT_POLL_MS)
  child.once('exit', (code) => {
    clearInterval(watch)
    process.exitCode = code ?? 1
    for (const signal of SIGNALS) process.off(signal, tell)
  })
}
