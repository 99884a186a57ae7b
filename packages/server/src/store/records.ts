import type { JsonObject } from '@countersign/contract'
import type { World } from '#base'
import type { Migration, Store } from './store.ts'

/** One document that a room keeps: found by kind and id, or by its alias. */
export interface Saved {
  readonly id: string
  readonly value: JsonObject
  /** Counts its changes from 1: whoever changes it says which one was read. */
  readonly revision: number
  /** When it was used up, in milliseconds since the epoch; undefined while it was not. */
  readonly usedAt: number | undefined
  /** What it is removed with. */
  readonly group: string | undefined
}

export interface Keep {
  /** Milliseconds since the epoch: from then on it is not there. Undefined: it stays. */
  readonly until?: number
  readonly group?: string
  /** Another name, unique within its kind. */
  readonly alias?: string
}

/**
 * Documents of the rooms that are off the hot path: clients, grants, accounts, credentials. Each
 * method is one atomic step of the database, whoever else runs at the same time, on this node or
 * another: of many that `add`, `use` or `swap` the same document, one is told true.
 */
export interface Records {
  /** Writes it over whatever was there. */
  readonly put: (kind: string, id: string, value: JsonObject, keep?: Keep) => Promise<void>
  /** Writes it when nothing (that has not expired) is there. */
  readonly add: (kind: string, id: string, value: JsonObject, keep?: Keep) => Promise<boolean>
  /** Replaces the value that has this revision; what it is kept by stays, unless said anew. */
  readonly swap: (
    kind: string,
    id: string,
    revision: number,
    next: { readonly value: JsonObject } & Keep,
  ) => Promise<boolean>
  readonly get: (kind: string, id: string) => Promise<Saved | undefined>
  readonly getByAlias: (kind: string, alias: string) => Promise<Saved | undefined>
  /** Marks it as used up. True for the first only. */
  readonly use: (kind: string, id: string) => Promise<boolean>
  readonly remove: (kind: string, id: string) => Promise<boolean>
  /** Removes all of the group, of every kind; says how many there were. */
  readonly removeGroup: (group: string) => Promise<number>
  /** In the order of their ids, at most `limit` of those after `after`. */
  readonly list: (
    kind: string,
    page: { readonly after?: string; readonly limit: number },
  ) => Promise<readonly Saved[]>
}

export const RECORD_TABLES: Migration = {
  room: 'records',
  steps: [
    `CREATE TABLE records (
       kind TEXT NOT NULL,
       id TEXT NOT NULL,
       value TEXT NOT NULL,
       revision INTEGER NOT NULL,
       until INTEGER,
       used_at INTEGER,
       grouped TEXT,
       alias TEXT,
       PRIMARY KEY (kind, id)
     ) STRICT, WITHOUT ROWID;
     CREATE UNIQUE INDEX records_alias ON records (kind, alias) WHERE alias IS NOT NULL;
     CREATE INDEX records_grouped ON records (grouped) WHERE grouped IS NOT NULL;
     CREATE INDEX records_until ON records (until) WHERE until IS NOT NULL;`,
  ],
}

/** What expired is removed this often, with the next write. */
const SWEEP_MS = 60_000
const COLUMNS = 'id, value, revision, used_at, grouped'
const IS_THERE = '(until IS NULL OR until > :now)'

/** The records of the embedded store; writes share its commits. */
export function storeRecords(world: World, store: Store): Records {
  const { put, insert, swap, byId, byAlias, use, ...others } = statements(store)
  const { remove, removeGroup, page, dropOld, dropGone } = others
  let sweptAt = Number.NEGATIVE_INFINITY
  const write = <Value>(work: () => Value): Promise<Value> =>
    store.commit(() => {
      if (world.monotonic() - sweptAt > SWEEP_MS) {
        dropOld.run({ now: world.now() })
        sweptAt = world.monotonic()
      }
      return work()
    })
  return {
    put: async (kind, id, value, keep = {}) => {
      const text = JSON.stringify(value)
      await write(() => put.run({ kind, id, value: text, ...kept(keep) }))
    },
    add: (kind, id, value, keep = {}) => {
      const text = JSON.stringify(value)
      return write(() => {
        // What expired and was not swept yet stands in nobody's way.
        dropGone.run({ kind, id, alias: keep.alias ?? null, now: world.now() })
        return insert.run({ kind, id, value: text, ...kept(keep) }).changes === 1
      })
    },
    swap: (kind, id, revision, { value, ...keep }) => {
      const text = JSON.stringify(value)
      return write(
        () =>
          swap.run({ kind, id, revision, value: text, now: world.now(), ...kept(keep) }).changes ===
          1,
      )
    },
    get: async (kind, id) => savedIn(byId.get({ kind, id, now: world.now() })),
    getByAlias: async (kind, alias) => savedIn(byAlias.get({ kind, alias, now: world.now() })),
    use: (kind, id) => write(() => use.run({ kind, id, now: world.now() }).changes === 1),
    remove: (kind, id) => write(() => remove.run({ kind, id }).changes === 1),
    removeGroup: (group) => write(() => Number(removeGroup.run({ group }).changes)),
    list: async (kind, { after = '', limit }) =>
      page.all({ kind, after, limit, now: world.now() }).map(saved),
  }
}

const statements = (store: Store) => ({
  put: store.prepare(
    `INSERT INTO records (kind, id, value, revision, until, grouped, alias)
     VALUES (:kind, :id, :value, 1, :until, :group, :alias)
     ON CONFLICT (kind, id) DO UPDATE SET value = excluded.value, revision = revision + 1,
       until = excluded.until, grouped = excluded.grouped, alias = excluded.alias, used_at = NULL`,
  ),
  insert: store.prepare(
    `INSERT INTO records (kind, id, value, revision, until, grouped, alias)
     VALUES (:kind, :id, :value, 1, :until, :group, :alias) ON CONFLICT DO NOTHING`,
  ),
  swap: store.prepare(
    `UPDATE records SET value = :value, revision = revision + 1,
       until = coalesce(:until, until), grouped = coalesce(:group, grouped),
       alias = coalesce(:alias, alias)
     WHERE kind = :kind AND id = :id AND revision = :revision AND ${IS_THERE}`,
  ),
  byId: store.prepare(
    `SELECT ${COLUMNS} FROM records WHERE kind = :kind AND id = :id AND ${IS_THERE}`,
  ),
  byAlias: store.prepare(
    `SELECT ${COLUMNS} FROM records WHERE kind = :kind AND alias = :alias AND ${IS_THERE}`,
  ),
  use: store.prepare(
    `UPDATE records SET used_at = :now
     WHERE kind = :kind AND id = :id AND used_at IS NULL AND ${IS_THERE}`,
  ),
  remove: store.prepare('DELETE FROM records WHERE kind = :kind AND id = :id'),
  removeGroup: store.prepare('DELETE FROM records WHERE grouped = :group'),
  page: store.prepare(
    `SELECT ${COLUMNS} FROM records WHERE kind = :kind AND id > :after AND ${IS_THERE}
     ORDER BY id LIMIT :limit`,
  ),
  dropOld: store.prepare('DELETE FROM records WHERE until <= :now'),
  dropGone: store.prepare(
    'DELETE FROM records WHERE kind = :kind AND (id = :id OR alias = :alias) AND until <= :now',
  ),
})

const kept = ({ until, group, alias }: Keep) => ({
  until: until === undefined ? null : Math.ceil(until),
  group: group ?? null,
  alias: alias ?? null,
})

type Row = Readonly<Record<string, unknown>>

const savedIn = (row: Row | undefined): Saved | undefined => row && saved(row)

/** A row of the columns `id, value, revision, used_at, grouped`, of whichever database. */
export function saved(row: Row): Saved {
  const { id, value, revision, used_at: usedAt, grouped } = row
  return {
    id: String(id),
    value: JSON.parse(String(value)),
    revision: Number(revision),
    usedAt: usedAt === null ? undefined : Number(usedAt),
    group: typeof grouped === 'string' ? grouped : undefined,
  }
}
