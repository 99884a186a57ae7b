import { fork, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

/** A process of the bench's own. */
export interface Running {
  readonly pid: number
  readonly child: ChildProcess
  readonly stop: () => Promise<void>
}

const STOP_MS = 15_000
const ERROR_CHARS_MAX = 4_000

const alive = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => process.exit(130))
}

function running(name: string, child: ChildProcess): Running {
  const { pid } = child
  if (pid === undefined) throw new Error(`${name} could not be started`)
  alive.add(child)
  child.once('exit', () => alive.delete(child))
  return {
    pid,
    child,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      const late = new AbortController()
      const force = sleep(STOP_MS, undefined, { signal: late.signal }).then(
        () => child.kill('SIGKILL'),
        () => undefined,
      )
      await exited
      late.abort()
      await force
    },
  }
}

/** Starts one of our modules, which reports `{ port }` or whatever it has to say by message. */
export function startModule(
  path: string,
  args: readonly string[] = [],
  execArgv: readonly string[] = [],
): Running {
  const child = fork(path, [...args], { execArgv: [...execArgv], serialization: 'advanced' })
  return running(path, child)
}

/** The next message of a process; rejects when it ends instead. */
export async function message<Value>({ child }: Running): Promise<Value> {
  const over = new AbortController()
  try {
    const [said]: readonly Value[] = await Promise.race([
      once(child, 'message', { signal: over.signal }),
      once(child, 'exit', { signal: over.signal }).then(([code]) => {
        throw new Error(`a process of the bench ended early (${String(code)})`)
      }),
    ])
    if (said === undefined) throw new TypeError('an empty message')
    return said
  } finally {
    over.abort()
  }
}

interface Program {
  readonly name: string
  /** Default: Node. */
  readonly command?: string
  readonly env?: Readonly<Record<string, string>>
  readonly args: readonly string[]
  readonly cwd: string
  /** `null` as a service whose output nobody reads; `pipe` for whoever wants to read it. */
  readonly stdout: 'null' | 'pipe'
}

/** Starts a program; what it says on standard error is shown if it ends by itself. */
export function startProgram({ name, command, env, args, cwd, stdout }: Program): Running {
  // A descriptor, not `ignore`: the program writes its lines as it would anywhere.
  const sink = stdout === 'null' ? openSync(devNull, 'w') : undefined
  const child = spawn(command ?? process.execPath, [...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', sink ?? 'pipe', 'pipe'],
  })
  if (sink !== undefined) closeSync(sink)
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-ERROR_CHARS_MAX)
  })
  child.once('exit', (code) => {
    if (code !== 0 && code !== null)
      process.stderr.write(`\n${name} ended with ${code}:\n${said}\n`)
  })
  return running(name, child)
}
