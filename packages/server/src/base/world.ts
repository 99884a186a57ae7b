import type { ChildProcess } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import spawn from 'cross-spawn'

export type Child = ChildProcess & {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
}

/** A process to start. `env` is the whole environment of the child: nothing is inherited unasked. */
export interface SpawnSpec {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Gives the child a process group of its own, so that wrappers such as npx die with their children. */
  readonly group?: boolean
}

/** Everything the server cannot decide for itself. Tests and the simulator bring their own. */
export interface World {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Milliseconds that never go back, for durations. */
  readonly monotonic: () => number
  readonly random: (bytes: number) => Buffer
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Runs `then` once after `ms`; returns the way to call it off. Never keeps the process alive. */
  readonly after: (ms: number, then: () => void) => () => void
  readonly env: (name: string) => string | undefined
  readonly spawn: (spec: SpawnSpec) => Child
  readonly platform: NodeJS.Platform
  readonly pid: number
}

export const systemWorld: World = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random,
  wait: (ms, signal) => sleep(ms, undefined, signal ? { signal } : {}),
  after: (ms, then) => {
    const timer = setTimeout(then, ms)
    timer.unref()
    return () => {
      clearTimeout(timer)
    }
  },
  env: (name) => process.env[name],
  spawn: startChild,
  platform: process.platform,
  pid: process.pid,
}

// On Windows `npx` and its like are `.cmd` files, which only a shell can start: cross-spawn knows how.
function startChild({ command, args, env, cwd, group }: SpawnSpec): Child {
  const child = spawn(command, [...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...env },
    ...(cwd === undefined ? {} : { cwd }),
    detached: group === true && process.platform !== 'win32',
    windowsHide: true,
  })
  const { stdin, stdout, stderr } = child
  if (!stdin || !stdout || !stderr) throw new TypeError('A child was started without its pipes.')
  return Object.assign(child, { stdin, stdout, stderr })
}

// One system call fills many ids: a call needs several, and each costs microseconds otherwise.
const POOL_BYTES = 8_192
const pool = Buffer.alloc(POOL_BYTES)
let used = POOL_BYTES

function random(bytes: number): Buffer {
  if (bytes > POOL_BYTES) return randomFillSync(Buffer.alloc(bytes))
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool)
    used = 0
  }
  const from = used
  used += bytes
  const taken = Buffer.allocUnsafe(bytes)
  pool.copy(taken, 0, from, used)
  pool.fill(0, from, used)
  return taken
}
