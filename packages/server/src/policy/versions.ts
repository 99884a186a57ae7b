import type { Migration, Store } from '#store'

export const POLICY_TABLES: Migration = {
  room: 'policy',
  steps: [
    `CREATE TABLE policy_versions (
       number INTEGER PRIMARY KEY AUTOINCREMENT,
       at INTEGER NOT NULL,
       digest TEXT NOT NULL,
       policies TEXT NOT NULL
     ) STRICT;`,
  ],
}

type Texts = readonly (readonly [id: string, text: string])[]

interface Kept {
  readonly digest: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly policies: Texts
}

/** Every set that was in force, in order. */
export interface PolicyVersions {
  readonly latest: () => (Kept & { readonly number: number }) | undefined
  readonly add: (kept: Kept) => Promise<number>
}

export function policyVersions(store: Store): PolicyVersions {
  const newest = store.prepare('SELECT * FROM policy_versions ORDER BY number DESC LIMIT 1')
  const insert = store.prepare(
    'INSERT INTO policy_versions (at, digest, policies) VALUES (?, ?, ?)',
  )
  return {
    latest: () => {
      store.flush()
      const row = newest.get()
      if (!row) return undefined
      const policies: Texts = JSON.parse(String(row['policies']))
      return {
        number: Number(row['number']),
        at: Number(row['at']),
        digest: String(row['digest']),
        policies,
      }
    },
    add: async ({ at, digest, policies }) => {
      let number = 0
      await store.commit(() => {
        number = Number(insert.run(at, digest, JSON.stringify(policies)).lastInsertRowid)
      })
      return number
    },
  }
}

/** The ids of the policies that differ. */
export function changeBetween(before: Texts, after: Texts) {
  const old = new Map(before)
  const now = new Map(after)
  const ids = (list: Texts, isWanted: (id: string, text: string) => boolean): string[] =>
    list.flatMap(([id, text]) => (isWanted(id, text) ? [id] : [])).slice(0, IDS_MAX)
  return {
    added: ids(after, (id) => !old.has(id)),
    removed: ids(before, (id) => !now.has(id)),
    changed: ids(after, (id, text) => old.has(id) && old.get(id) !== text),
  }
}

/** The most ids that one entry tells of each kind. */
const IDS_MAX = 200
