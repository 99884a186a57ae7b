// `countersign serve --json` as a process of its own, to be killed.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { PROGRAMS, until } from '../stories/house.ts'
import { ask, modern, type Answer, type Wire } from '../stories/raw.ts'

export const WITNESS = fileURLToPath(new URL('witness.ts', import.meta.url))

/** The folder of one story: a configuration, a store, and what the witnesses saw. */
export interface Scene {
  readonly folder: string
  readonly config: string
  readonly effects: (server: 'stdio' | 'http') => readonly string[]
  readonly pids: () => readonly number[]
}

export function makeScene(folder: string, httpUrl: string, closeMs = 10_000): Scene {
  const config = join(folder, 'countersign.json')
  const file = (server: string): string => join(folder, `${server}.effects`)
  const lines = (path: string): readonly string[] =>
    existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []
  const text = {
    listen: { port: 0 },
    data: 'data',
    ledger: { reads: 'ahead' },
    limits: { closeMs },
    servers: {
      stdio: { command: process.execPath, args: [WITNESS, file('stdio')] },
      // A charge can be taken back, so it is written down as a task before it is sent.
      http: { url: httpUrl, tools: { charge: { compensate: { tool: 'write' } } } },
    },
  }
  writeFileSync(config, JSON.stringify(text))
  return {
    folder,
    config,
    effects: (server) => lines(file(server)),
    pids: () => lines(`${file('stdio')}.pids`).map(Number),
  }
}

export interface Gateway {
  readonly child: ChildProcess
  readonly url: URL
  /** The calls that it closed as unknown when it started. */
  readonly recovered: readonly string[]
  readonly kill: (signal: NodeJS.Signals) => Promise<readonly [number | null, string | null]>
}

const running = new Set<Gateway['kill']>()

/** Ends what a failed story left running. */
export const endGateways = async (): Promise<void> => {
  await Promise.all([...running].map((kill) => kill('SIGKILL')))
}

/** `fileBlocksMax` (of 512 bytes) is the size at which every file is full, for it and its children. */
export async function startGateway({ config }: Scene, fileBlocksMax?: number): Promise<Gateway> {
  const node = [process.execPath, PROGRAMS.main, 'serve', '--config', config, '--json']
  const [command = '', ...args] =
    fileBlocksMax === undefined
      ? node
      : ['/bin/sh', '-c', 'ulimit -f "$0" && exec "$@"', String(fileBlocksMax), ...node]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = once(child, 'exit') as Promise<[number | null, string | null]>
  const kill: Gateway['kill'] = (signal) => {
    child.kill(signal)
    return gone
  }
  running.add(kill)
  void gone.then(() => running.delete(kill))
  let first: Wire
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = JSON.parse(line)
    if (event.event === 'listening') first = event
  })
  const listening: Wire = await until('the gateway listens', () => {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`)
    return first
  })
  return {
    child,
    url: new URL(listening.url),
    recovered: listening.recovered,
    kill,
  }
}

export const call = (
  { url }: Gateway,
  server: 'stdio' | 'http',
  tool: 'read' | 'write' | 'charge' | 'wait',
  mark: string,
): Promise<Answer> =>
  ask(url, modern('tools/call', { params: { name: `${server}_${tool}`, arguments: { mark } } }))

export interface Line {
  readonly kind: string
  readonly call: string | null
  readonly body: Readonly<Record<string, unknown>>
}

/** The ledger as it is on disk, read while nobody owns it. */
export function ledgerIn({ folder }: Scene): readonly Line[] {
  const db = new DatabaseSync(join(folder, 'data', 'countersign.db'))
  try {
    const rows = db.prepare('SELECT kind, call, body FROM entries ORDER BY seq').all()
    return rows.map(({ kind, call: id, body }) => ({
      kind: String(kind),
      call: id === null ? null : String(id),
      body: JSON.parse(String(body)),
    }))
  } finally {
    db.close()
  }
}

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    // A dead process that nobody has collected yet can do no harm.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
