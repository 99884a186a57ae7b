import type { PostgresLink } from '@countersign/engine'
import { newId, type World } from '#base'
import { bringUpToDate } from '#store'
import type { LedgerStore, Line, StoredCheckpoint } from '../ledger-store.ts'
import { postgresPayloads } from './postgres-payloads.ts'
import { ledgerSchema } from './tables.ts'
import { WriteQueue } from './write-queue.ts'

export type Link = Pick<PostgresLink, 'query'>
export type Row = Readonly<Record<string, unknown>>

export interface PostgresLedgerRooms {
  readonly world: World
  readonly link: Link
  readonly schema?: string
  /** A node that said nothing for so long is gone, and what it left open is anybody's to close. */
  readonly leaseMs?: number
}

/** A ledger that is one of many nodes. */
export interface PostgresLedger extends LedgerStore {
  /** Writes what was handed in, and says that this node is gone. */
  readonly close: () => Promise<void>
}

const SCHEMA = 'countersign_ledger'
const LEASE_MS = 8_000
const BEATS = 4
/** Nodes that are gone are forgotten after this long. */
const FORGET = "interval '1 day'"

/** The ledger in a Postgres database, to which any number of nodes write. */
export async function postgresLedger(rooms: PostgresLedgerRooms): Promise<PostgresLedger> {
  const { world, link, schema: s = SCHEMA, leaseMs = LEASE_MS } = rooms
  const { query } = link
  await bringUpToDate(link, ledgerSchema(s))
  const node = newId(world, 'node')
  const seen = `INSERT INTO ${s}.nodes (node, number, seen) VALUES ($1, 0, clock_timestamp())
    ON CONFLICT (node) DO UPDATE SET seen = excluded.seen`
  await query(seen, [node])
  await query(
    `DELETE FROM ${s}.nodes WHERE seen < clock_timestamp() - ${FORGET}
       AND NOT EXISTS (SELECT 1 FROM ${s}.open_calls AS open WHERE open.node = nodes.node)`,
  )
  const stopBeating = beat(world, leaseMs / BEATS, () => query(seen, [node]))
  const queue = new WriteQueue(world, async (number, doc) => {
    const { rows } = await query(`SELECT ${s}.write($1, $2, $3) AS was`, [node, number, doc])
    return Number(rows[0]?.['was'])
  })
  return {
    ...readsOf(link, s, { node, leaseMs }),
    payloads: postgresPayloads(link, s),
    commit: (write, withinMs) => queue.commit(write, withinMs),
    settled: () => queue.settled(),
    close: async () => {
      stopBeating()
      await queue.close()
      // What still stands open is nobody's from now on.
      await query(`DELETE FROM ${s}.nodes WHERE node = $1`, [node])
    },
  }
}

/** Says again and again that this node lives. What fails now is said the next time. */
function beat(world: World, everyMs: number, say: () => Promise<unknown>): () => void {
  let isOver = false
  const wait = (): (() => void) =>
    world.after(everyMs, () => {
      say()
        .catch(() => undefined)
        .finally(() => {
          if (!isOver) stop = wait()
        })
    })
  let stop = wait()
  return () => {
    isOver = true
    stop()
  }
}

interface Me {
  readonly node: string
  readonly leaseMs: number
}

type Reads = Omit<LedgerStore, 'commit' | 'settled' | 'payloads'>

function readsOf({ query }: Link, s: string, { node, leaseMs }: Me): Reads {
  const read = async <Value>(
    sql: string,
    values: readonly unknown[],
    to: (row: Row) => Value,
  ): Promise<readonly Value[]> => (await query(sql, values)).rows.map(to)
  const entries = `SELECT seq, at, kind, call, body FROM ${s}.entries`
  const checkpoints = `SELECT size, at, note, peaks FROM ${s}.checkpoints`
  return {
    after: (seq, limit) =>
      read(`${entries} WHERE seq > $1 ORDER BY seq LIMIT $2`, [seq, limit], toLine),
    newest: (limit) =>
      read(
        `SELECT * FROM (${entries} ORDER BY seq DESC LIMIT $1) AS newest ORDER BY seq`,
        [limit],
        toLine,
      ),
    // Later rounds are named after the first: `{call}.{number}-…`.
    ofCall: (call, limit) =>
      read(
        `${entries} WHERE call = $1 OR (call > $2 AND call < $3) ORDER BY seq LIMIT $4`,
        [call, `${call}.`, `${call}/`, limit],
        toLine,
      ),
    // The id of a later round has a dot, and no other id has.
    named: (prefix, limit) =>
      read(
        `SELECT DISTINCT call FROM ${s}.entries WHERE call >= $1 AND call < $2
           AND strpos(call, '.') = 0 ORDER BY call LIMIT $3`,
        [prefix, `${prefix}\u{10FFFF}`, limit],
        ({ call }) => String(call),
      ),
    inRun: ({ principal, run }, limit) =>
      read(
        `SELECT call, (SELECT min(seq) FROM ${s}.entries AS e WHERE e.call = run_calls.call) AS first
         FROM ${s}.run_calls WHERE principal = $1 AND run = $2 ORDER BY first LIMIT $3`,
        [principal, run, limit],
        ({ call }) => String(call),
      ),
    orphans: () =>
      read(
        `SELECT call FROM ${s}.open_calls AS open LEFT JOIN ${s}.nodes USING (node)
         WHERE open.node <> $1 AND (nodes.seen IS NULL
           OR nodes.seen < clock_timestamp() - make_interval(secs => $2)) ORDER BY call`,
        [node, leaseMs / 1_000],
        ({ call }) => String(call),
      ),
    newestCheckpoint: async () =>
      (await read(`${checkpoints} ORDER BY size DESC LIMIT 1`, [], toCheckpoint))[0],
    covering: async (seq) =>
      (await read(`${checkpoints} WHERE size >= $1 ORDER BY size LIMIT 1`, [seq], toCheckpoint))[0],
    between: (from, to) =>
      read(`${checkpoints} WHERE size BETWEEN $1 AND $2 ORDER BY size`, [from, to], toCheckpoint),
    nodes: (level, from, count) =>
      read(
        `SELECT hash FROM ${s}.tree_nodes WHERE level = $1 AND place >= $2 AND place < $3
         ORDER BY place`,
        [level, from, from + count],
        ({ hash }) => bytesOf(hash),
      ),
  }
}

const toLine = ({ seq, at, kind, call, body }: Row): Line => ({
  seq: Number(seq),
  at: Number(at),
  kind: String(kind),
  call: typeof call === 'string' ? call : null,
  body: String(body),
})

const toCheckpoint = ({ size, at, note, peaks }: Row): StoredCheckpoint => ({
  size: Number(size),
  at: Number(at),
  note: String(note),
  peaks: bytesOf(peaks),
})

const bytesOf = (column: unknown): Uint8Array =>
  column instanceof Uint8Array ? column : new Uint8Array()
