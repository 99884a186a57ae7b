import { isObject } from '@countersign/contract'
import { TaskFault } from '../fault.ts'
import { SQL_OPEN } from '../machine.ts'
import type { Op, Verdict } from '../ops.ts'
import { toEntry, toSignal, toTask, type Row } from '../row.ts'
import type { Store, TaskQuery } from '../store.ts'
import { Batches } from './batches.ts'
import { postgresFunctions } from './functions.ts'
import { postgresTables } from './tables.ts'

/** A Postgres to talk to: a pool, a single connection, or PGlite. */
export interface PostgresLink {
  readonly query: (
    sql: string,
    values?: readonly unknown[],
  ) => Promise<{ readonly rows: readonly Row[] }>
  /** Calls `heard` with each notification on a channel; resolves with the way to stop. */
  readonly listen?: (
    channel: string,
    heard: (payload: string) => void,
  ) => Promise<() => Promise<void>>
  /** Statements that may be under way at once. Default 1. */
  readonly parallel?: number
  readonly close: () => Promise<void>
}

const SCHEMA = 'countersign_engine'
/** Two transactions wanted each other's rows: one of them was undone, and may simply try again. */
const DEADLOCK = '40P01'
const DEADLOCK_TRIES = 5

/**
 * Opens a task store in a schema of a Postgres database, creating it when it is not there. Any
 * number of processes may share it.
 */
export async function postgresStore(link: PostgresLink, schema = SCHEMA): Promise<Store> {
  if (!/^[a-z_][a-z0-9_]{0,50}$/.test(schema)) {
    throw new TaskFault('task/bad-name', 'A schema is named in lower case, digits and underscores.')
  }
  await migrate(link, schema)
  const batches = new Batches(
    (ops, texts) => write(link, schema, ops, texts),
    link.parallel ?? 1,
    isPoison,
  )
  const { listen } = link
  return {
    isExclusive: false,
    commit: (ops) => batches.commit(ops),
    ...makeReads(link, schema),
    ...(listen
      ? { changes: (heard) => listen(schema, (payload) => heard(payload.split(' '))) }
      : {}),
    close: () => link.close(),
  }
}

const execute = (sql: string): string => `EXECUTE $sql$${sql}$sql$;`

async function migrate(link: PostgresLink, schema: string): Promise<void> {
  const steps = postgresTables(schema)
  // One statement and so one transaction; the lock makes a second process wait for the first.
  await link.query(
    `DO $do$ DECLARE done int; BEGIN
       PERFORM pg_advisory_xact_lock(hashtext('${schema}'));
       ${execute(`CREATE SCHEMA IF NOT EXISTS ${schema}`)}
       ${execute(`CREATE TABLE IF NOT EXISTS ${schema}.migrations (steps int NOT NULL, one bool PRIMARY KEY)`)}
       SELECT coalesce(max(steps), 0) INTO done FROM ${schema}.migrations;
       IF done > ${String(steps.length)} THEN
         RAISE EXCEPTION 'The schema ${schema} was written by a newer version of the engine (%).', done;
       END IF;
       ${steps.map((step, at) => `IF done <= ${String(at)} THEN ${execute(step)} END IF;`).join('\n')}
       ${postgresFunctions(schema, schema).map(execute).join('\n')}
       INSERT INTO ${schema}.migrations (steps, one) VALUES (${String(steps.length)}, true)
         ON CONFLICT (one) DO UPDATE SET steps = excluded.steps;
     END $do$`,
  )
}

async function write(
  link: PostgresLink,
  schema: string,
  ops: readonly Op[],
  texts: readonly string[],
): Promise<readonly Verdict[]> {
  // Rows are locked in the order of their ids, so that flushes rarely want each other's.
  const order = [...ops.keys()].toSorted((a, b) => compare(subject(ops[a]), subject(ops[b])))
  const sorted = `[${order.map((at) => texts[at]).join(',')}]`
  const sql = `SELECT ${schema}.commit_ops($1::jsonb)::text AS verdicts`
  for (let tries = 1; ; tries++) {
    try {
      const { rows } = await link.query(sql, [sorted])
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      const found = JSON.parse(String(rows[0]?.['verdicts'])) as readonly Row[]
      const verdicts: Verdict[] = []
      for (const [at, place] of order.entries()) verdicts[place] = toVerdict(found[at] ?? {})
      return verdicts
    } catch (cause) {
      if (sqlState(cause) !== DEADLOCK || tries === DEADLOCK_TRIES) throw cause
    }
  }
}

/** What an op locks. Creations come first, in their own order: their rows are not there yet. */
const subject = (op: Op | undefined): string =>
  op && 'task' in op && typeof op.task === 'string' ? op.task : ''
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const sqlState = (cause: unknown): string =>
  isObject(cause) && typeof cause['code'] === 'string' ? cause['code'] : ''

/** A data error is of one op; anything else is of the connection or the server. */
const isPoison = (cause: unknown): boolean => /^2[23]/.test(sqlState(cause))

const listed = (value: unknown): readonly Row[] => (Array.isArray(value) ? value : [])

function toVerdict(row: Row): Verdict {
  const { task, journal, signals, ...rest } = row
  // The functions of the schema answer in the shape of a verdict.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const verdict = rest as unknown as Verdict
  return {
    ...verdict,
    ...(isObject(task) ? { task: toTask(task) } : {}),
    ...(journal === undefined ? {} : { journal: listed(journal).map(toEntry) }),
    ...(signals === undefined ? {} : { signals: listed(signals).map(toSignal) }),
  }
}

function makeReads(
  { query }: PostgresLink,
  s: string,
): Pick<Store, 'get' | 'list' | 'countOpen' | 'due' | 'journal' | 'signals'> {
  const waiting = `SELECT id, name, payload FROM ${s}.signals WHERE task = $1 AND NOT delivered ORDER BY seq`
  return {
    get: async (id) => {
      const [row] = (await query(`SELECT * FROM ${s}.tasks WHERE id = $1`, [id])).rows
      return row && toTask(row)
    },
    list: async (wanted) => {
      const { where, values } = listing(wanted)
      const order = `ORDER BY created_at DESC, id COLLATE "C" DESC LIMIT ${String(wanted.limit)}`
      return (await query(`SELECT * FROM ${s}.tasks ${where} ${order}`, values)).rows.map(toTask)
    },
    countOpen: async () => {
      const sql = `SELECT state, count(*) AS tasks FROM ${s}.tasks WHERE state IN (${SQL_OPEN}) GROUP BY state`
      const { rows } = await query(sql, [])
      return Object.fromEntries(rows.map((row) => [String(row['state']), Number(row['tasks'])]))
    },
    due: async (until, limit, after) => {
      const sql = `SELECT id, due_at FROM ${s}.tasks WHERE due_at <= $1
        AND (due_at, id COLLATE "C") > ($2, $3) ORDER BY due_at, id COLLATE "C" LIMIT $4`
      const from = [after?.dueAt ?? Number.MIN_SAFE_INTEGER, after?.id ?? '']
      const { rows } = await query(sql, [until, ...from, limit])
      return rows.map((row) => ({ id: String(row['id']), dueAt: Number(row['due_at']) }))
    },
    journal: async (id) => {
      const sql = `SELECT * FROM ${s}.journal WHERE task = $1 ORDER BY epoch, seq`
      return (await query(sql, [id])).rows.map(toEntry)
    },
    signals: async (id) => {
      // The count first: a signal that comes between the two is then seen twice, and never missed.
      const [row] = (await query(`SELECT inbox FROM ${s}.tasks WHERE id = $1`, [id])).rows
      const signals = (await query(waiting, [id])).rows.map(toSignal)
      return { inbox: Number(row?.['inbox'] ?? 0), signals }
    },
  }
}

function listing({ owner, run, states, after }: TaskQuery): {
  readonly where: string
  readonly values: readonly unknown[]
} {
  const values: unknown[] = []
  const take = (value: unknown): string => `$${String(values.push(value))}`
  const parts = [
    ...(owner === undefined ? [] : [`owner = ${take(owner)}`]),
    ...(run === undefined ? [] : [`run = ${take(run)}`]),
    ...(states === undefined ? [] : [`state = ANY(${take(states)})`]),
    ...(after
      ? [`(created_at, id COLLATE "C") < (${take(after.createdAt)}, ${take(after.id)})`]
      : []),
  ]
  return { where: parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, values }
}
