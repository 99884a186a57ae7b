import type { Child, World } from '#base'
import { inheritedEnv } from './child-env.ts'
import type { Keeper } from './keeper.ts'
import type { LastLines } from './last-lines.ts'
import type { ProcessSpec } from './upstream.ts'

/** How long each step of a shutdown may take: stdin closed, SIGTERM, SIGKILL. Sums to under 5 s. */
const STEP_MS = 1_500
/** How long output may still come after the process is gone, from what it left in its pipes. */
const DRAIN_MS = 250

/** A server that we started, with everything it started itself. */
export interface RunningChild {
  readonly pid: number | undefined
  readonly stdin: Child['stdin']
  readonly stdout: Child['stdout']
  /** Resolves when the process is gone and its output has been read, with how it went, in words. */
  readonly gone: Promise<string>
  /** Closes stdin, waits, SIGTERM, waits, SIGKILL, each to the whole group (S-008). */
  readonly stop: () => Promise<void>
  /** SIGKILL to the whole group at once. */
  readonly kill: () => void
}

interface Rooms {
  readonly world: World
  readonly keeper: Keeper
}

export function startChild(rooms: Rooms, spec: ProcessSpec, stderr: LastLines): RunningChild {
  const { world, keeper } = rooms
  const child = world.spawn({
    command: spec.command,
    args: spec.args,
    env: { ...inheritedEnv(world), ...spec.env, ...keeper.marker() },
    ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
    group: true,
  })
  const { pid } = child
  const left = watchExit(world, child) // First: an error that nobody listens to would end us.
  if (pid !== undefined) keeper.adopt(pid)
  // Draining is a duty: a full pipe blocks the child (S-002).
  child.stderr.setEncoding('utf8').on('data', (text: string) => stderr.push(text))
  // Writing to a process that has gone is no news; that it has gone is told by `gone`.
  child.stdin.on('error', ignore)
  child.stdout.on('error', ignore)
  child.stderr.on('error', ignore)
  const signal = (name: 'SIGTERM' | 'SIGKILL'): void => signalGroup(world, child, name)
  const gone = left.then((how) => {
    signal('SIGKILL') // Whoever it left behind in its group.
    if (pid !== undefined) keeper.release(pid)
    return how
  })
  let stopping: Promise<void> | undefined
  return {
    pid,
    stdin: child.stdin,
    stdout: child.stdout,
    gone,
    stop: () => (stopping ??= stop(world, child, gone, signal)),
    kill: () => signal('SIGKILL'),
  }
}

const ignore = (): void => undefined

async function stop(
  world: World,
  child: Child,
  gone: Promise<string>,
  signal: (name: 'SIGTERM' | 'SIGKILL') => void,
): Promise<void> {
  child.stdin.end()
  if (await within(world, STEP_MS, gone)) return
  signal('SIGTERM')
  if (await within(world, STEP_MS, gone)) return
  signal('SIGKILL')
  await within(world, STEP_MS, gone)
}

/** True when `done` came to pass within `ms`. */
export async function within(world: World, ms: number, done: Promise<unknown>): Promise<boolean> {
  const late = Promise.withResolvers<boolean>()
  const clear = world.after(ms, () => late.resolve(false))
  const settled = done.then(
    () => true,
    () => true,
  )
  return Promise.race([settled, late.promise]).finally(clear)
}

function watchExit(world: World, child: Child): Promise<string> {
  return new Promise((resolve) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined)
        resolve(`could not be started (${error.code ?? 'unknown error'})`)
    })
    child.once('exit', (code, signal) => {
      const how = signal === null ? `exited with code ${String(code)}` : `was ended by ${signal}`
      // A grandchild may hold the pipes open, so `close` might never come.
      const giveUp = world.after(DRAIN_MS, () => resolve(how))
      child.once('close', () => {
        giveUp()
        resolve(how)
      })
    })
  })
}

function signalGroup(world: World, child: Child, name: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return
  if (world.platform === 'win32') {
    child.kill(name)
    return
  }
  try {
    process.kill(-child.pid, name)
  } catch {
    // The group is gone already.
  }
}
