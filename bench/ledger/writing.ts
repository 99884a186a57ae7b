import { join } from 'node:path'
import {
  LEDGER_TABLES,
  makeSigner,
  openLedger,
  openTree,
  PAYLOAD_TABLES,
  sqliteLedger,
  type Opening,
} from '../../packages/server/src/audit/index.ts'
import { systemWorld } from '../../packages/server/src/base/index.ts'
import { openStore, type Store } from '../../packages/server/src/store/index.ts'
import { silentLog } from '../../packages/server/src/telemetry/index.ts'

/** What one way of writing came to. */
export interface Rate {
  readonly perSecond: number
  readonly cpuUsEach: number
}

const TABLES = [
  LEDGER_TABLES,
  PAYLOAD_TABLES,
  {
    room: 'bench',
    steps: ['CREATE TABLE raw (seq INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL) STRICT'],
  },
]

export const openingOf = (call: string, effect: Opening['effect']): Opening => ({
  call,
  principal: 'https://idp.example#ada',
  client: 'bench 1.0.0',
  view: '',
  server: 'files',
  method: 'tools/call',
  name: 'write_file',
  effect,
  decision: { kind: 'allow', policies: ['permit-all'], version: { number: 1, digest: DIGEST } },
  definition: DIGEST,
  arguments: DIGEST,
  round: 1,
})
const DIGEST = `sha256:${'ab'.repeat(32)}`
/** As long as the entry of a call. */
const BODY = JSON.stringify(openingOf('call_0123456789abcdefghijkl', 'write'))

/** So many callers, each of whom begins anew when it is done, for so long. */
async function measure(
  callers: number,
  measureMs: number,
  work: (turn: number) => Promise<number>,
): Promise<Rate> {
  const until = performance.now() + measureMs
  const cpu = process.cpuUsage()
  const from = performance.now()
  let count = 0
  let turn = 0
  const caller = async (): Promise<void> => {
    while (performance.now() < until) {
      const done = await work(turn++)
      count += done
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  const elapsedMs = performance.now() - from
  const { user, system } = process.cpuUsage(cpu)
  return { perSecond: (count / elapsedMs) * 1_000, cpuUsEach: (user + system) / count }
}

/** One row a commit, and commits that meet share one: what the store can do, with no ledger. */
export function raw(store: Store, callers: number, measureMs: number): Promise<Rate> {
  const insert = store.prepare('INSERT INTO raw (body) VALUES (?)')
  return measure(callers, measureMs, async () => {
    await store.commit(() => void insert.run(BODY))
    return 1
  })
}

export interface Written {
  /** Entries of calls that write: each is on disk before its call goes on. */
  readonly writes: Rate
  /** Entries of calls that read: written behind. */
  readonly reads: Rate
}

/** Opens and closes calls, with the tree signed meanwhile, as in a house. Counts entries: two a call. */
export async function ledgered(store: Store, callers: number, measureMs: number): Promise<Written> {
  const lines = sqliteLedger(store)
  const signer = makeSigner(Buffer.alloc(32, 1))
  const tree = openTree({ world: systemWorld, log: silentLog, store: lines, signer })
  const ledger = openLedger(systemWorld, lines, 'batched', tree.grew)
  let number = 0
  const of = (effect: Opening['effect']): Promise<Rate> =>
    measure(callers, measureMs, async () => {
      const entry = await ledger.open(
        openingOf(`call_${String(number++).padStart(22, '0')}`, effect),
      )
      await ledger.close(entry, { outcome: 'answered', isError: false, durationMs: 1 })
      // Reads wait for nothing: without a turn of the loop nothing would ever be written.
      if (effect === 'read') await new Promise(setImmediate)
      return 2
    })
  const writes = await of('write')
  const reads = await of('read')
  await tree.close()
  return { writes, reads }
}

export const storeIn = (folder: string, name: string): Store =>
  openStore(join(folder, `${name}.db`), TABLES)
