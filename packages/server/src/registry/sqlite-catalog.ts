import type { Migration, Store } from '#store'
import type { Admitted, CatalogStore } from './catalog-store.ts'
import { rowsOf, storedIn } from './catalog-rows.ts'
import type { ToolRules } from './rules.ts'
import { EPOCH_STEP, toolEpochs } from './tool-epochs.ts'

export const REGISTRY_TABLES: Migration = {
  room: 'registry',
  steps: [
    `CREATE TABLE servers (
       id TEXT PRIMARY KEY,
       fingerprint TEXT NOT NULL,
       introduction TEXT,
       captured_at INTEGER
     ) STRICT;
     CREATE TABLE definitions (
       server TEXT NOT NULL,
       kind TEXT NOT NULL,
       name TEXT NOT NULL,
       position INTEGER NOT NULL,
       digest TEXT NOT NULL,
       body TEXT NOT NULL,
       PRIMARY KEY (server, kind, name)
     ) STRICT, WITHOUT ROWID;`,
    EPOCH_STEP,
  ],
}

/** The catalogue in the embedded store. */
export function sqliteCatalog(store: Store, rules: ToolRules): CatalogStore {
  const epochs = toolEpochs(store, rules)
  const find = store.prepare('SELECT * FROM servers WHERE id = ?')
  const insert = store.prepare('INSERT OR REPLACE INTO servers (id, fingerprint) VALUES (?, ?)')
  const introduce = store.prepare('UPDATE servers SET introduction = ? WHERE id = ?')
  const captured = store.prepare('UPDATE servers SET captured_at = ? WHERE id = ?')
  const clear = store.prepare('DELETE FROM definitions WHERE server = ?')
  const define = store.prepare(
    'INSERT INTO definitions (server, kind, name, position, digest, body) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const defined = store.prepare(
    'SELECT * FROM definitions WHERE server = ? ORDER BY kind, position',
  )
  const admit = (server: string, fingerprint: string): Admitted => {
    const row = find.get(server)
    if (row?.['fingerprint'] !== fingerprint) {
      const isReplaced = row !== undefined
      clear.run(server)
      insert.run(server, fingerprint)
      if (isReplaced) epochs.replace(server)
      return { stored: undefined, isReplaced, since: new Map(), epoch: epochs.now() }
    }
    const stored = storedIn(row, defined.all(server))
    // What the operator says of a tool may be another since the last start.
    const since =
      stored.capturedAt === undefined
        ? new Map()
        : epochs.stand(server, stored.definitions?.tool ?? [])
    return { stored, isReplaced: false, since, epoch: epochs.now() }
  }
  return {
    admit: (server, fingerprint) => store.commit(() => admit(server, fingerprint)),
    // One process owns this store: what it wrote it knows.
    read: async () => undefined,
    write: async (server, _fingerprint, news) => {
      const since = await store.commit(() => {
        clear.run(server)
        for (const { kind, name, position, digest, body } of rowsOf(news)) {
          define.run(server, kind, name, position, digest, body)
        }
        introduce.run(JSON.stringify(news.introduction), server)
        captured.run(news.capturedAt ?? null, server)
        return epochs.stand(server, news.definitions.tool)
      })
      return { since, epoch: epochs.now() }
    },
    introduce: async (server, introduction) => {
      await store.commit(() => introduce.run(JSON.stringify(introduction), server))
    },
  }
}
