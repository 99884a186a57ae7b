import type { JsonObject } from '@countersign/contract'
import type { PostgresLink } from '@countersign/engine'
import type { World } from '#base'
import { saved, type Keep, type Records, type Saved } from './records.ts'

const SCHEMA = 'countersign_records'
/** What expired is removed this often, with the next write. */
const SWEEP_MS = 60_000
/** Two that remove groups wanted each other's rows: one was undone, and may simply try again. */
const DEADLOCK = '40P01'
const TRIES_MAX = 5
const COLUMNS = 'id, value, revision, used_at, grouped'

/** Ids sort by their bytes, as they do in the embedded store. */
const tablesIn = (schema: string): string => `
  CREATE SCHEMA IF NOT EXISTS ${schema};
  CREATE TABLE IF NOT EXISTS ${schema}.records (
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    value text NOT NULL,
    revision bigint NOT NULL,
    until bigint,
    used_at bigint,
    grouped text,
    alias text,
    PRIMARY KEY (kind, id)
  );
  CREATE UNIQUE INDEX IF NOT EXISTS records_alias ON ${schema}.records (kind, alias)
    WHERE alias IS NOT NULL;
  CREATE INDEX IF NOT EXISTS records_grouped ON ${schema}.records (grouped)
    WHERE grouped IS NOT NULL;
  CREATE INDEX IF NOT EXISTS records_until ON ${schema}.records (until) WHERE until IS NOT NULL;`

/**
 * The records of a Postgres database, which any number of processes share. Each method is one
 * statement, or a retry of one, so whoever is told true is the only one.
 */
export async function postgresRecords(
  world: World,
  link: Pick<PostgresLink, 'query'>,
  schema = SCHEMA,
): Promise<Records> {
  if (!/^[a-z_][a-z0-9_]{0,50}$/.test(schema)) throw new Error('not the name of a schema')
  // Of several processes that start at once, one makes the tables and the others wait for it.
  await link.query(`DO $do$ BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('${schema}'));
    EXECUTE $sql$${tablesIn(schema)}$sql$;
  END $do$`)
  const statements = statementsOn(link)
  const table = `${schema}.records`
  return { ...readsOf(world, table, statements), ...writesOf(world, table, statements) }
}

interface Statements {
  readonly read: (sql: string, values: readonly unknown[]) => Promise<readonly Saved[]>
  /** How many rows it was: every statement of these returns them. */
  readonly write: (sql: string, values: readonly unknown[]) => Promise<number>
}

function statementsOn(link: Pick<PostgresLink, 'query'>): Statements {
  return {
    read: async (sql, values) => {
      if (!values.every(isStorable)) return []
      const { rows } = await link.query(sql, values)
      return rows.map(saved)
    },
    write: async (sql, values) => {
      if (!values.every(isStorable)) {
        throw new Error('Postgres keeps no text with a NUL or half a pair')
      }
      for (let tries = 1; ; tries++) {
        try {
          const { rows } = await link.query(`${sql} RETURNING 1`, values)
          return rows.length
        } catch (thrown) {
          if (tries === TRIES_MAX || !isDeadlock(thrown)) throw thrown
        }
      }
    },
  }
}

type Reads = 'get' | 'getByAlias' | 'list'

function readsOf({ now }: World, table: string, { read }: Statements): Pick<Records, Reads> {
  const find = `SELECT ${COLUMNS} FROM ${table} WHERE kind = $1 AND ${isThere('$3')}`
  return {
    get: async (kind, id) => (await read(`${find} AND id = $2`, [kind, id, now()]))[0],
    getByAlias: async (kind, alias) =>
      (await read(`${find} AND alias = $2`, [kind, alias, now()]))[0],
    list: (kind, { after = '', limit }) =>
      read(`${find} AND id > $2 ORDER BY id LIMIT $4`, [kind, after, now(), limit]),
  }
}

function writesOf(
  { now, monotonic }: World,
  table: string,
  statements: Statements,
): Omit<Records, Reads> {
  let sweptAt = monotonic()
  const write: Statements['write'] = async (sql, values) => {
    if (monotonic() - sweptAt > SWEEP_MS) {
      sweptAt = monotonic()
      await statements.write(`DELETE FROM ${table} WHERE until <= $1`, [now()])
    }
    return statements.write(sql, values)
  }
  const insert = `INSERT INTO ${table} (kind, id, value, revision, until, grouped, alias)
    VALUES ($1, $2, $3, 1, $4, $5, $6) ON CONFLICT`
  const isKnown = `kind = $1 AND id = $2 AND ${isThere('$3')}`
  return {
    put: async (kind, id, value, keep = {}) => {
      await write(
        `${insert} (kind, id) DO UPDATE SET value = excluded.value,
           revision = records.revision + 1, until = excluded.until, grouped = excluded.grouped,
           alias = excluded.alias, used_at = NULL`,
        rowOf(kind, id, value, keep),
      )
    },
    add: async (kind, id, value, keep = {}) => {
      const row = rowOf(kind, id, value, keep)
      if ((await write(`${insert} DO NOTHING`, row)) === 1) return true
      // What expired and was not swept yet stands in nobody's way.
      const gone = await write(
        `DELETE FROM ${table} WHERE kind = $1 AND (id = $2 OR alias = $3) AND until <= $4`,
        [kind, id, keep.alias ?? null, now()],
      )
      return gone > 0 && (await write(`${insert} DO NOTHING`, row)) === 1
    },
    swap: async (kind, id, revision, { value, ...keep }) =>
      (await write(
        `UPDATE ${table} SET value = $4, revision = revision + 1,
           until = coalesce($5, until), grouped = coalesce($6, grouped), alias = coalesce($7, alias)
         WHERE ${isKnown} AND revision = $8`,
        [kind, id, now(), JSON.stringify(value), ...kept(keep), revision],
      )) === 1,
    use: async (kind, id) =>
      (await write(`UPDATE ${table} SET used_at = $3 WHERE ${isKnown} AND used_at IS NULL`, [
        kind,
        id,
        now(),
      ])) === 1,
    remove: async (kind, id) =>
      (await write(`DELETE FROM ${table} WHERE kind = $1 AND id = $2`, [kind, id])) === 1,
    removeGroup: (group) => write(`DELETE FROM ${table} WHERE grouped = $1`, [group]),
  }
}

const rowOf = (kind: string, id: string, value: JsonObject, keep: Keep): readonly unknown[] => [
  kind,
  id,
  JSON.stringify(value),
  ...kept(keep),
]

const isThere = (now: string): string => `(until IS NULL OR until > ${now})`

const kept = ({ until, group, alias }: Keep): readonly unknown[] => [
  until === undefined ? null : Math.ceil(until),
  group ?? null,
  alias ?? null,
]

/** Anything else is in no row: Postgres would refuse the question, or take it for another. */
const isStorable = (value: unknown): boolean =>
  typeof value !== 'string' || (!value.includes('\0') && value.isWellFormed())

const isDeadlock = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && thrown.code === DEADLOCK
