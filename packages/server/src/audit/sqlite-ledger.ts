import type { StatementSync } from 'node:sqlite'
import type { Migration, Store } from '#store'
import type { LedgerPen, LedgerStore, Line, StoredCheckpoint } from './ledger-store.ts'
import { payloadPen, sqlitePayloads } from './sqlite-payloads.ts'

export const LEDGER_TABLES: Migration = {
  room: 'audit',
  steps: [
    `CREATE TABLE entries (
       seq INTEGER PRIMARY KEY AUTOINCREMENT,
       at INTEGER NOT NULL,
       kind TEXT NOT NULL,
       call TEXT,
       body TEXT NOT NULL
     ) STRICT;
     CREATE TABLE open_calls (call TEXT PRIMARY KEY, server TEXT NOT NULL) STRICT, WITHOUT ROWID;`,
    `CREATE TABLE tree_nodes (
       level INTEGER NOT NULL,
       place INTEGER NOT NULL,
       hash BLOB NOT NULL,
       PRIMARY KEY (level, place)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX entries_call ON entries (call) WHERE call IS NOT NULL;
     CREATE TABLE checkpoints (
       size INTEGER PRIMARY KEY,
       at INTEGER NOT NULL,
       note TEXT NOT NULL,
       peaks BLOB NOT NULL
     ) STRICT;`,
    `CREATE TABLE run_calls (
       principal TEXT NOT NULL,
       run TEXT NOT NULL,
       call TEXT NOT NULL,
       PRIMARY KEY (principal, run, call)
     ) STRICT, WITHOUT ROWID;`,
  ],
}

/** The ledger in the embedded store: its writes share the commits of everything else in there. */
export function sqliteLedger(store: Store): LedgerStore {
  const sql = statements(store)
  const pen = penOn(sql, payloadPen(store))
  return {
    payloads: sqlitePayloads(store),
    commit: (write, withinMs) =>
      store.commit(() => {
        write(pen)
      }, withinMs),
    settled: async () => {
      store.flush()
    },
    after: async (seq, limit) => sql.after.all(seq, limit).map(toLine),
    newest: async (limit) => sql.newest.all(limit).map(toLine),
    ofCall: async (call, limit) => sql.ofCall.all(call, `${call}.`, `${call}/`, limit).map(toLine),
    named: async (prefix, limit) =>
      sql.named.all(prefix, `${prefix}\u{10FFFF}`, limit).map(({ call }) => textOf(call)),
    inRun: async ({ principal, run }, limit) =>
      sql.inRun.all(principal, run, limit).map(({ call }) => textOf(call)),
    orphans: async () => sql.left.all().map(({ call }) => textOf(call)),
    newestCheckpoint: async () => checkpointIn(sql.signed.get()),
    covering: async (seq) => checkpointIn(sql.covering.get(seq)),
    between: async (from, to) => sql.between.all(from, to).map(toCheckpoint),
    nodes: async (level, from, count) =>
      sql.nodes.all(level, from, count).map(({ hash }) => bytesOf(hash)),
  }
}

const penOn = (sql: Statements, carry: LedgerPen['carry']): LedgerPen => ({
  carry,
  join: ({ principal, run }, call) => void sql.join.run(principal, run, call),
  append: (at, kind, call, body) => Number(sql.insert.run(at, kind, call, body).lastInsertRowid),
  begin: (call, server) => void sql.begin.run(call, server),
  end: (call) => void sql.end.run(call),
  abandon: (at, kind, call, body) => {
    if (sql.end.run(call).changes === 1) sql.insert.run(at, kind, call, body)
  },
  keep: (level, place, hash) => void sql.keep.run(level, place, hash),
  sign: ({ size, at, note, peaks }) => void sql.sign.run(size, at, note, peaks),
})

const statements = (store: Store): Statements => ({
  insert: store.prepare('INSERT INTO entries (at, kind, call, body) VALUES (?, ?, ?, ?)'),
  begin: store.prepare('INSERT INTO open_calls (call, server) VALUES (?, ?)'),
  end: store.prepare('DELETE FROM open_calls WHERE call = ?'),
  left: store.prepare('SELECT call FROM open_calls ORDER BY call'),
  after: store.prepare('SELECT * FROM entries WHERE seq > ? ORDER BY seq LIMIT ?'),
  newest: store.prepare(
    'SELECT * FROM (SELECT * FROM entries ORDER BY seq DESC LIMIT ?) ORDER BY seq',
  ),
  // Later rounds are named after the first: `{call}.{number}-…`.
  ofCall: store.prepare(
    'SELECT * FROM entries WHERE call = ?1 OR (call > ?2 AND call < ?3) ORDER BY seq LIMIT ?4',
  ),
  // The id of a later round has a dot, and no other id has.
  named: store.prepare(
    `SELECT DISTINCT call FROM entries
     WHERE call >= ? AND call < ? AND instr(call, '.') = 0 ORDER BY call LIMIT ?`,
  ),
  inRun: store.prepare(
    `SELECT call, (SELECT min(seq) FROM entries WHERE entries.call = run_calls.call) AS first
     FROM run_calls WHERE principal = ? AND run = ? ORDER BY first LIMIT ?`,
  ),
  join: store.prepare(
    'INSERT INTO run_calls (principal, run, call) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  ),
  signed: store.prepare('SELECT * FROM checkpoints ORDER BY size DESC LIMIT 1'),
  covering: store.prepare('SELECT * FROM checkpoints WHERE size >= ? ORDER BY size LIMIT 1'),
  between: store.prepare('SELECT * FROM checkpoints WHERE size BETWEEN ? AND ? ORDER BY size'),
  nodes: store.prepare(
    'SELECT hash FROM tree_nodes WHERE level = ?1 AND place >= ?2 AND place < ?2 + ?3 ORDER BY place',
  ),
  keep: store.prepare('INSERT INTO tree_nodes (level, place, hash) VALUES (?, ?, ?)'),
  sign: store.prepare('INSERT INTO checkpoints (size, at, note, peaks) VALUES (?, ?, ?, ?)'),
})

type Write = 'join' | 'insert' | 'begin' | 'end' | 'keep' | 'sign'
type Read =
  | 'named'
  | 'inRun'
  | 'left'
  | 'after'
  | 'newest'
  | 'ofCall'
  | 'signed'
  | 'covering'
  | 'between'
  | 'nodes'
type Statements = Readonly<Record<Write | Read, StatementSync>>

type Row = Readonly<Record<string, unknown>>

const toLine = ({ seq, at, kind, call, body }: Row): Line => ({
  seq: Number(seq),
  at: Number(at),
  kind: textOf(kind),
  call: call === null ? null : textOf(call),
  body: textOf(body),
})

const checkpointIn = (row: Row | undefined): StoredCheckpoint | undefined =>
  row && toCheckpoint(row)

const toCheckpoint = ({ size, at, note, peaks }: Row): StoredCheckpoint => ({
  size: Number(size),
  at: Number(at),
  note: textOf(note),
  peaks: bytesOf(peaks),
})

/** A text column is a text: the tables are STRICT. */
const textOf = (column: unknown): string => (typeof column === 'string' ? column : '')
const bytesOf = (column: unknown): Uint8Array =>
  column instanceof Uint8Array ? column : new Uint8Array()
