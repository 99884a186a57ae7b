import type { PayloadPart } from '../payload-box.ts'
import type { Dropped, Payload, PayloadStore } from '../payload-store.ts'
import type { Link, Row } from './postgres-ledger.ts'

/** The payloads that lie beside a ledger in Postgres. */
export function postgresPayloads({ query }: Link, s: string): PayloadStore {
  const all = `SELECT * FROM ${s}.payloads`
  const out = (where: string): string =>
    `WITH gone AS (DELETE FROM ${s}.payloads WHERE ctid IN
       (SELECT ctid FROM ${s}.payloads WHERE ${where} LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING bytes)
     SELECT count(*) AS count, coalesce(sum(bytes), 0) AS bytes FROM gone`
  const dropped = async (sql: string, values: readonly unknown[]): Promise<Dropped> => {
    const [row] = (await query(sql, values)).rows
    return { count: Number(row?.['count']), bytes: Number(row?.['bytes']) }
  }
  return {
    of: async (call) => {
      const where = 'call = $1 OR (call > $2 AND call < $3) ORDER BY call, part'
      const { rows } = await query(`${all} WHERE ${where}`, [call, `${call}.`, `${call}/`])
      return rows.map(toPayload)
    },
    countOf: async (key) => {
      const { rows } = await query(`SELECT count(*) FROM ${s}.payloads WHERE key = $1`, [key])
      return Number(rows[0]?.['count'])
    },
    bytes: async () => {
      const { rows } = await query(`SELECT coalesce(sum(bytes), 0) AS bytes FROM ${s}.payloads`)
      return Number(rows[0]?.['bytes'])
    },
    drop: (key, limit) => dropped(out('key = $1'), [key, limit]),
    sweep: (now, limit) => dropped(out('until <= $1'), [now, limit]),
  }
}

const toPayload = ({ call, part, key, until, sealed }: Row): Payload => ({
  call: String(call),
  part: part === 'result' ? 'result' : ('arguments' satisfies PayloadPart),
  key: String(key),
  until: Number(until),
  sealed: sealed instanceof Uint8Array ? sealed : new Uint8Array(),
})
