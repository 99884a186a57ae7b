import type { Migration, Store } from '#store'
import type { PayloadPart } from './payload-box.ts'
import type { Dropped, Payload, PayloadStore } from './payload-store.ts'

export const PAYLOAD_TABLES: Migration = {
  room: 'payloads',
  steps: [
    `CREATE TABLE payloads (
       call TEXT NOT NULL,
       part TEXT NOT NULL,
       key TEXT NOT NULL,
       until INTEGER NOT NULL,
       bytes INTEGER NOT NULL,
       sealed BLOB NOT NULL
     ) STRICT;
     CREATE UNIQUE INDEX payloads_call ON payloads (call, part);
     CREATE INDEX payloads_key ON payloads (key);
     CREATE INDEX payloads_until ON payloads (until, bytes);`,
  ],
}

/** Writes a payload in the commit that is under way. A call that is tried again has the newest. */
export function payloadPen(store: Store): (payload: Payload) => void {
  const put = store.prepare(
    `INSERT INTO payloads (call, part, key, until, bytes, sealed) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (call, part) DO UPDATE SET key = excluded.key, until = excluded.until,
       bytes = excluded.bytes, sealed = excluded.sealed`,
  )
  return ({ call, part, key, until, sealed }) => {
    put.run(call, part, key, until, sealed.length, sealed)
  }
}

/** The payloads of the embedded store. */
export function sqlitePayloads(store: Store): PayloadStore {
  const of = store.prepare(
    'SELECT * FROM payloads WHERE call = ?1 OR (call > ?2 AND call < ?3) ORDER BY call, part',
  )
  const count = store.prepare('SELECT count(*) AS count FROM payloads WHERE key = ?')
  const bytes = store.prepare('SELECT coalesce(sum(bytes), 0) AS bytes FROM payloads')
  const out = (where: string) =>
    store.prepare(
      `DELETE FROM payloads WHERE rowid IN (SELECT rowid FROM payloads WHERE ${where} LIMIT ?)
       RETURNING bytes`,
    )
  const [drop, sweep] = [out('key = ?'), out('until <= ?')]
  return {
    of: async (call) => of.all(call, `${call}.`, `${call}/`).map(toPayload),
    countOf: async (key) => Number(count.get(key)?.['count']),
    bytes: async () => Number(bytes.get()?.['bytes']),
    drop: (key, limit) => store.commit(() => droppedIn(drop.all(key, limit))),
    sweep: (now, limit) => store.commit(() => droppedIn(sweep.all(now, limit))),
  }
}

type Row = Readonly<Record<string, unknown>>

const toPayload = ({ call, part, key, until, sealed }: Row): Payload => ({
  call: String(call),
  part: part === 'result' ? 'result' : ('arguments' satisfies PayloadPart),
  key: String(key),
  until: Number(until),
  sealed: sealed instanceof Uint8Array ? sealed : new Uint8Array(),
})

const droppedIn = (rows: readonly Row[]): Dropped => ({
  count: rows.length,
  bytes: rows.reduce((sum, row) => sum + Number(row['bytes']), 0),
})
