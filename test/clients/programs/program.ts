/** A real agent program, run headless: our gateway on one side, the scripted model on the other. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Json } from '../model/wire.ts'

/** Where the program finds everything. */
interface Setting {
  /** Its home folder, empty when it starts. */
  readonly home: string
  /** The folder that it works in. */
  readonly work: string
  readonly gateway: string
  readonly model: string
  /** After this long the program gives up a call. */
  readonly callTimeoutMs: number
}

interface Start {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** One program: writes the configuration that it reads, and says how it is started. */
export interface Program {
  readonly name: string
  readonly isForThisMachine: boolean
  /** Arguments of its own that it offers to its model for every tool. */
  readonly adds?: Json
  readonly prepare: (modules: string, setting: Setting) => Promise<Start>
}

export interface Run {
  readonly modules: string
  readonly gateway: string
  readonly model: string
  readonly outside: string
  readonly callTimeoutMs?: number | undefined
}

export interface Session extends AsyncDisposable {
  /** Resolves with the exit code and all that was printed. */
  readonly ended: Promise<{ readonly code: number | null; readonly printed: string }>
  /** As when the machine loses power. */
  readonly kill: () => Promise<void>
}

/** As two of the programs have it by default. */
const CALL_TIMEOUT_MS = 60_000

export const PROMPT = 'Do what the script says.'

export async function start(program: Program, run: Run): Promise<Session> {
  const home = await mkdtemp(join(tmpdir(), `countersign-${program.name}-`))
  const work = join(home, 'work')
  await mkdir(work)
  const { gateway, model, callTimeoutMs = CALL_TIMEOUT_MS } = run
  const setting = { home, work, gateway, model, callTimeoutMs }
  const { command, args, env } = await program.prepare(run.modules, setting)
  // Nothing of this machine's but the path: no keys, no accounts, no configuration.
  const { PATH = '' } = process.env
  const clean = { PATH, HOME: home, TMPDIR: home, ...proxied(run.outside), ...env }
  const child = spawn(command, [...args], {
    cwd: work,
    env: clean,
    stdio: ['ignore', 'pipe', 'pipe'],
    // With a process group of its own, so that what it starts goes with it.
    detached: true,
  })
  let printed = ''
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding('utf8').on('data', (text: string) => (printed += text))
  }
  const closed = once(child, 'close') as Promise<[number | null]>
  const kill = async (): Promise<void> => {
    killGroup(child.pid)
    await closed
  }
  return {
    ended: closed.then(([code]) => ({ code, printed })),
    kill,
    [Symbol.asyncDispose]: async () => {
      await kill()
      await rm(home, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

/** Everything that is not on this machine goes to a proxy that lets nothing through. */
const proxied = (outside: string): Readonly<Record<string, string>> => ({
  HTTP_PROXY: outside,
  HTTPS_PROXY: outside,
  http_proxy: outside,
  https_proxy: outside,
  NO_PROXY: '127.0.0.1',
  no_proxy: '127.0.0.1',
})

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}
