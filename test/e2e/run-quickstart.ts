/** The quickstart as a person starts it, on a copy, so that nobody's own data or port is touched. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import type { Readable } from 'node:stream'
import { setInterval as every } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A copy at the same depth, so that its relative paths mean the same. */
export async function copyQuickstart(): Promise<{ readonly config: string } & AsyncDisposable> {
  await mkdir(join(ROOT, 'build'), { recursive: true })
  const folder = await mkdtemp(join(ROOT, 'build', 'quickstart-'))
  await cp(join(ROOT, 'examples/quickstart'), folder, {
    recursive: true,
    filter: (path) => !path.includes('.countersign'),
  })
  const config = join(folder, 'countersign.yaml')
  const text = await readFile(config, 'utf8')
  const moved = text
    .replaceAll('examples/quickstart/', `build/${basename(folder)}/`)
    .replaceAll('7421', String(await freePort()))
  await writeFile(config, moved)
  return {
    config,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  }
}

export interface Started extends AsyncDisposable {
  /** Everything printed so far. */
  readonly printed: () => string
  /** The same of standard error. */
  readonly complained: () => string
  /** The first match in what is printed; rejects when the process ends without it. */
  readonly until: (pattern: RegExp) => Promise<RegExpExecArray>
  readonly untilComplained: (pattern: RegExp) => Promise<RegExpExecArray>
  readonly send: (signal: NodeJS.Signals) => void
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>
  /** The process and all its descendants. */
  readonly family: () => readonly number[]
  /** SIGTERM; resolves with the exit code. */
  readonly stop: () => Promise<number | null>
}

export function startProgram(program: string, args: readonly string[]): Started {
  const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'close') as Promise<[number | null]>
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const stop = async (): Promise<number | null> => {
    child.kill('SIGTERM')
    const [code] = await ended
    return code
  }
  const until = (stream: Readable, said: () => string, pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(said())
        if (found) resolve(found)
      }
      stream.on('data', look)
      ended.then(
        () => reject(new Error(`it ended without ${String(pattern)}:\n${out}\n${err}`)),
        reject,
      )
      look()
    })
  return {
    printed: () => out,
    complained: () => err,
    until: (pattern) => until(child.stdout, () => out, pattern),
    untilComplained: (pattern) => until(child.stderr, () => err, pattern),
    send: (signal) => {
      child.kill(signal)
    },
    ended: ended.then(([code]) => code),
    family: () => descendants(child.pid ?? 0),
    stop,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) await stop()
    },
  }
}

function descendants(root: number): readonly number[] {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  const family = [root]
  // Grows while it is walked: children of children are found in the same pass.
  for (const parent of family) {
    for (const [pid, ppid] of rows) {
      if (ppid === parent && pid !== undefined) family.push(pid)
    }
  }
  return family
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Resolves when none of the processes is left; rejects when one outlives every step of a shutdown. */
export async function untilGone(pids: readonly number[]): Promise<void> {
  const deadline = AbortSignal.timeout(10_000)
  for await (const _tick of every(20, undefined, { signal: deadline })) {
    if (!pids.some(isAlive)) return
  }
}
