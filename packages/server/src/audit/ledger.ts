import type { StatementSync } from 'node:sqlite'
import { canonical, Fault, type Effect, type JsonObject } from '@countersign/contract'
import type { World } from '#base'
import type { Migration, Store } from '#store'

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
  ],
}

/** What is known before the effect. Digests only: payloads never stand in an entry. */
export interface Opening {
  readonly call: string
  readonly principal: string
  /** Under which token and scopes, through which client and on whose behalf; absent in local mode. */
  readonly authority?: JsonObject | undefined
  readonly client: string
  readonly view: string
  readonly server: string
  readonly method: string
  readonly name: string
  readonly effect: Effect
  readonly decision: JsonObject
  readonly definition: string | undefined
  readonly arguments: string
  readonly round: number
}

/** What came of it. */
export interface Closing {
  readonly outcome:
    | 'answered'
    | 'refused'
    | 'failed'
    | 'input'
    | 'deferred'
    /** Nothing was sent: somebody has to approve it first. */
    | 'asked'
    | 'cancelled'
    | 'unknown'
  /** A fault code, or what the server called its error. */
  readonly reason?: string
  readonly isError?: boolean
  /** What was shown to the server, by name: issuer, client and digest; never a token. */
  readonly credential?: string
  readonly durationMs: number
}

export interface OpenEntry {
  readonly call: string
  readonly effect: Effect
  isClosed: boolean
  /** Whether it is among those that a crash would leave open. */
  isMarked: boolean
}

/** One line of the ledger. `at` is in milliseconds since the epoch. */
export interface Entry {
  readonly seq: number
  readonly at: number
  readonly kind: string
  readonly call: string | undefined
  readonly body: JsonObject
}

export type ReadsPolicy = 'batched' | 'ahead'

export interface Ledger {
  /** Resolves once the entry may be relied on. If it cannot be written, rejects: then do nothing. */
  readonly open: (facts: Opening) => Promise<OpenEntry>
  /** Never rejects: the effect has happened. What cannot be written now is written before the next entry. */
  readonly close: (entry: OpenEntry, facts: Closing) => Promise<void>
  /**
   * Something that is not a call: a definition that changed, a start, a stop. Never rejects, like
   * `close`: it has happened. What cannot be written now is written before the next entry.
   */
  readonly note: (kind: string, body: JsonObject) => Promise<void>
  /** Entries after `after`, oldest first; or with `last`, the newest ones, oldest first. */
  readonly read: (range: { readonly after?: number; readonly last?: number }) => readonly Entry[]
  /** Those of one call and its rounds, oldest first. */
  readonly of: (call: string) => readonly Entry[]
  /** Closes what a crash left open, as unknown. Returns the calls concerned. */
  readonly recover: () => Promise<readonly string[]>
}

/** How long an entry about a read may wait for company before it is written. */
const BEHIND_MS = 20
/** The most entries one reading returns. */
const READ_MAX = 1_000

/**
 * The ledger in its first form: an entry before each effect, one after it. Anything but a read is on
 * disk before the effect; reads may be written behind within 20 ms (`ledger.reads: batched`).
 */
export function openLedger(
  world: World,
  store: Store,
  reads: ReadsPolicy,
  grew: () => void = () => undefined,
): Ledger {
  const sql = statements(store)
  const { insert, begin, end, left } = sql
  const writer = makeWriter(store, reads, grew)
  const closeAs = (call: string, at: number, text: string) => (): void => {
    end.run(call)
    insert.run(at, 'call.closed', call, text)
  }
  return {
    open: async (facts) => {
      const { call, ...body } = facts
      const at = world.now()
      const text = textFor(body)
      const entry = { call, effect: facts.effect, isClosed: false, isMarked: false }
      await writer.write(() => {
        // What is closed by the same commit never stands open, so it needs no mark to be found by.
        entry.isMarked = !entry.isClosed
        if (entry.isMarked) begin.run(call, facts.server)
        insert.run(at, 'call.opened', call, text)
      }, facts.effect)
      return entry
    },
    close: async (entry, facts) => {
      const at = world.now()
      const text = textFor(facts)
      entry.isClosed = true
      const write = (): void => {
        if (entry.isMarked) end.run(entry.call)
        insert.run(at, 'call.closed', entry.call, text)
      }
      await writer.write(write, entry.effect).catch(() => {
        writer.owe(write)
      })
    },
    note: async (kind, body) => {
      const at = world.now()
      const text = textFor(body)
      // What is about a call belongs to its story.
      const call = textOf(body['call'])
      const write = (): void => void insert.run(at, kind, call === '' ? null : call, text)
      await writer.ahead(write).catch(() => {
        writer.owe(write)
      })
    },
    ...readings(store, sql),
    recover: async () => {
      const calls = left.all().map(({ call }) => textOf(call))
      const text = textFor({ outcome: 'unknown', reason: 'crash', durationMs: 0 })
      if (calls.length === 0) return calls
      await writer.ahead(() => {
        for (const call of calls) closeAs(call, world.now(), text)()
      })
      return calls
    },
  }
}

const readings = (
  store: Store,
  { after, newest, ofCall }: Statements,
): Pick<Ledger, 'read' | 'of'> => ({
  read: ({ after: seq, last }) => {
    store.flush()
    const limit = Math.min(last ?? READ_MAX, READ_MAX)
    const rows = seq === undefined ? newest.all(limit) : after.all(seq, limit)
    return rows.map(toEntry)
  },
  of: (call) => {
    store.flush()
    return ofCall.all(call, `${call}.`, `${call}/`, READ_MAX).map(toEntry)
  },
})

interface Writer {
  /** Ahead or behind, as the effect class and the policy for reads ask. */
  readonly write: (write: () => void, effect: Effect) => Promise<void>
  readonly ahead: (write: () => void) => Promise<void>
  /** What must be written before anything else is. */
  readonly owe: (write: () => void) => void
}

/**
 * What could not be written is owed: it goes before the next entry, and until it is paid every entry
 * is written ahead, so a ledger that cannot be written stops calls instead of losing them.
 */
function makeWriter(store: Store, reads: ReadsPolicy, grew: () => void): Writer {
  let owed: readonly (() => void)[] = []
  const owe = (write: () => void): void => {
    owed = [...owed, write]
  }
  const ahead = async (write: () => void): Promise<void> => {
    grew()
    const paying = owed
    owed = []
    try {
      await store.commit(() => {
        for (const debt of paying) debt()
        write()
      })
    } catch (cause) {
      owed = [...paying, ...owed]
      throw unavailable(cause)
    }
  }
  return {
    owe,
    ahead,
    write: async (write, effect) => {
      if (effect !== 'read' || reads === 'ahead' || owed.length > 0) return ahead(write)
      grew()
      store.commit(write, BEHIND_MS).catch(() => {
        owe(write)
      })
    },
  }
}

const statements = (store: Store): Statements => ({
  insert: store.prepare('INSERT INTO entries (at, kind, call, body) VALUES (?, ?, ?, ?)'),
  begin: store.prepare('INSERT INTO open_calls (call, server) VALUES (?, ?)'),
  end: store.prepare('DELETE FROM open_calls WHERE call = ?'),
  left: store.prepare('SELECT call FROM open_calls ORDER BY call'),
  after: store.prepare('SELECT * FROM entries WHERE seq > ? ORDER BY seq LIMIT ?'),
  // Later rounds are named after the first: `{call}.{number}-…`.
  ofCall: store.prepare(
    'SELECT * FROM entries WHERE call = ?1 OR (call > ?2 AND call < ?3) ORDER BY seq LIMIT ?4',
  ),
  newest: store.prepare(
    'SELECT * FROM (SELECT * FROM entries ORDER BY seq DESC LIMIT ?) ORDER BY seq',
  ),
})
type StatementName = 'insert' | 'begin' | 'end' | 'left' | 'after' | 'newest' | 'ofCall'
type Statements = Readonly<Record<StatementName, StatementSync>>

/** Canonical (RFC 8785), because that is what is hashed. What has no such form is told as near as can be. */
function textFor(body: object): string {
  try {
    return canonical(body)
  } catch {
    const plain: unknown = JSON.parse(JSON.stringify(body), (_key, value: unknown) =>
      typeof value === 'string' ? value.toWellFormed() : value,
    )
    return canonical(plain)
  }
}

const unavailable = (cause: unknown): Fault =>
  new Fault(
    'ledger/unavailable',
    'Nothing was executed: the ledger cannot be written at the moment. Try again later; the operator sees why.',
    { cause },
  )

function toEntry(row: Record<string, unknown>): Entry {
  const body: JsonObject = JSON.parse(textOf(row['body']))
  return {
    seq: Number(row['seq']),
    at: Number(row['at']),
    kind: textOf(row['kind']),
    call: row['call'] === null ? undefined : textOf(row['call']),
    body,
  }
}

/** A text column is a text: the tables are STRICT. */
const textOf = (column: unknown): string => (typeof column === 'string' ? column : '')
