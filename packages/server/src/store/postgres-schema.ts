import type { PostgresLink } from '@countersign/engine'
import { Fault } from '@countersign/contract'

/** What a room keeps in Postgres: a schema of its own. */
export interface PostgresSchema {
  readonly name: string
  /** In the order in which they came to be. Never edit one that was released; add. */
  readonly steps: readonly string[]
  /** Made anew at each start. */
  readonly functions?: readonly string[]
}

const NAME = /^[a-z_][a-z0-9_]{0,50}$/
const TOO_NEW = 'P0CSN'

const execute = (sql: string): string => `EXECUTE $sql$${sql}$sql$;`

/** Brings a schema up to date. Of several processes that start at once, one does it and the others wait. */
export async function bringUpToDate(
  link: Pick<PostgresLink, 'query'>,
  { name, steps, functions = [] }: PostgresSchema,
): Promise<void> {
  if (!NAME.test(name)) throw new Error('not the name of a schema')
  const count = String(steps.length)
  // One statement, and so one transaction.
  const text = `DO $do$ DECLARE done int; BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('${name}'));
    ${execute(`CREATE SCHEMA IF NOT EXISTS ${name}`)}
    ${execute(`CREATE TABLE IF NOT EXISTS ${name}.migrations (steps int NOT NULL, one bool PRIMARY KEY)`)}
    SELECT coalesce(max(steps), 0) INTO done FROM ${name}.migrations;
    IF done > ${count} THEN RAISE EXCEPTION 'newer' USING ERRCODE = '${TOO_NEW}'; END IF;
    ${steps.map((step, at) => `IF done <= ${String(at)} THEN ${execute(step)} END IF;`).join('\n')}
    ${functions.map(execute).join('\n')}
    INSERT INTO ${name}.migrations (steps, one) VALUES (${count}, true)
      ON CONFLICT (one) DO UPDATE SET steps = excluded.steps;
  END $do$`
  try {
    await link.query(text)
  } catch (cause) {
    if (sqlState(cause) !== TOO_NEW) throw cause
    throw new Fault(
      'store/unavailable',
      `The database was written by a newer version of Countersign (${name}). Install that version on every node, or name another database.`,
      { cause },
    )
  }
}

/** The code of an error of Postgres, also of what was made of it; empty for any other. What begins with E is of Node. */
export const sqlState = (thrown: unknown): string => {
  const cause = thrown instanceof Fault ? thrown.cause : thrown
  return cause instanceof Error && 'code' in cause && /^(?!E)[0-9A-Z]{5}$/.test(String(cause.code))
    ? String(cause.code)
    : ''
}

/** A data error is of what was said; anything else is of the connection, or the server. */
export const isDataError = (cause: unknown): boolean => /^2[123]/.test(sqlState(cause))

/** Of no statement of ours: it is full, may only be read, has no connection left, or took too long. */
export const isOverburdened = (cause: unknown): boolean =>
  /^(?:53|58|25006|57014)/.test(sqlState(cause))

/** The server said itself that nothing stands. After 08 and 57P the connection was gone before it could. */
export const isRolledBack = (cause: unknown): boolean => /^(?!08|57P|40003)./.test(sqlState(cause))
