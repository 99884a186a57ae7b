// The whole house in this process, over real HTTP, and the servers behind it as processes of their own.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemWorld, type World } from '#base'
import { parseConfig, type Config } from '#config'
import { silentLog } from '#telemetry'
import { launch, type Running } from '../../../../test/conformance/processes.ts'
import { openHouse, type House } from '../../src/server.ts'

type Entry = Readonly<Record<string, unknown>>

export interface Plan {
  readonly servers: Readonly<Record<string, Entry>>
  readonly views?: Readonly<Record<string, { readonly servers: readonly string[] }>>
  readonly limits?: Entry
  readonly ledger?: Entry
  readonly tasks?: Entry
  /** A folder that outlives the house, for stories about a restart. */
  readonly data?: string
  readonly world?: World
}

export interface LedgerLine {
  readonly kind: string
  readonly call: string | undefined
  readonly body: Readonly<Record<string, unknown>>
}

/** A house that listens on a free port. */
export interface TestHouse extends AsyncDisposable {
  readonly house: House
  readonly port: number
  /** The address of a view; of all servers without a name. */
  readonly at: (view?: string) => URL
  readonly entries: () => Promise<readonly LedgerLine[]>
}

/** Everything that nobody caught while houses were open, in any story of this file. */
export const uncaught: unknown[] = []
process.on('unhandledRejection', (reason) => void uncaught.push(reason))

export function configOf(plan: Plan, folder: string): Config {
  const { servers, views = {}, limits = {}, ledger = {}, tasks = {} } = plan
  const written = { listen: { port: 0 }, data: folder, servers, views, limits, ledger, tasks }
  const text = JSON.stringify(written)
  return parseConfig({ world: systemWorld, text, path: join(folder, 'countersign.json') })
}

/** A folder that is gone when the story is over. */
export function makeFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'countersign-story-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

export async function openTestHouse(plan: Plan): Promise<TestHouse> {
  const folder = plan.data === undefined ? makeFolder() : undefined
  const config = configOf(plan, folder?.path ?? plan.data ?? '')
  const house = await openHouse(config, { world: plan.world ?? systemWorld, log: silentLog })
  // The timers of the house keep nobody alive; a story does.
  const alive = setInterval(() => undefined, 60_000)
  const { port } = await house.listen()
  return {
    house,
    port,
    at: (view = '') => new URL(`http://127.0.0.1:${port}/mcp${view === '' ? '' : `/${view}`}`),
    entries: () => house.ledger.read({ after: 0 }),
    async [Symbol.asyncDispose]() {
      try {
        await house[Symbol.asyncDispose]()
      } finally {
        clearInterval(alive)
        folder?.[Symbol.dispose]()
      }
    },
  }
}

const fileOf = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

const CONFORMANCE = '../../../../test/conformance'
export const PROGRAMS = {
  old: fileOf(`${CONFORMANCE}/fixture-2025.ts`),
  new: fileOf(`${CONFORMANCE}/fixture-2026.ts`),
  oldPeer: fileOf('peers/legacy.ts'),
  newPeer: fileOf('peers/modern.ts'),
  hostile: fileOf('peers/hostile.ts'),
  bookings: fileOf('peers/bookings.ts'),
  main: fileOf('../../src/main.ts'),
} as const
type Program = keyof typeof PROGRAMS

/** A configuration entry that starts a program of ours over stdio. */
export const overStdio = (program: Program, ...args: readonly string[]): Entry => ({
  command: process.execPath,
  args: [PROGRAMS[program], '--stdio', ...args],
})

/** Starts a program of ours that serves HTTP, and waits until it does. */
export const startHttp = (program: Program, ...args: readonly string[]): Promise<Running> =>
  launch(
    [PROGRAMS[program], '--port', '0', ...args],
    (line) => /^listening (\S+)$/.exec(line)?.[1],
    { verbose: false },
  )

/** What the gateway adds at the end of the list of tools of a client without tasks. */
export const OWN_TOOLS = ['countersign_result', 'countersign_pending', 'countersign_cancel']

const PATIENCE_MS = 20_000
const LOOK_EVERY_MS = 5

/** Waits until `look` returns something, and returns that; fails when it never does. */
export async function until<Value>(
  what: string,
  look: () => Promise<Value | undefined> | Value | undefined,
): Promise<Value> {
  const patience = AbortSignal.timeout(PATIENCE_MS)
  for (;;) {
    const seen = await look()
    if (seen !== undefined && seen !== false) return seen
    if (patience.aborted) throw new Error(`never happened: ${what}`)
    await systemWorld.wait(LOOK_EVERY_MS)
  }
}
