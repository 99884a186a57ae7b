import { byKind, KINDS, type Definition, type JsonObject } from '@countersign/contract'
import type { Migration, Store } from '#store'
import type { Introduction } from '#upstream'
import type { Listed } from './listed.ts'
import { EPOCH_STEP } from './tool-epochs.ts'

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

interface Read {
  /** Undefined when nothing is stored of the server with this fingerprint. */
  readonly stored: Partial<Listed> | undefined
  /** True when something was stored under this id, of a server with another fingerprint. */
  readonly isReplaced: boolean
}

export function catalogTables(store: Store): {
  readonly read: (server: string, fingerprint: string) => Read
  readonly write: (server: string, listed: Omit<Listed, 'version' | 'since'>) => void
  readonly introduce: (server: string, introduction: Introduction) => void
} {
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
  return {
    read: (server, fingerprint) => {
      const row = find.get(server)
      if (row?.['fingerprint'] !== fingerprint) {
        clear.run(server)
        insert.run(server, fingerprint)
        return { stored: undefined, isReplaced: row !== undefined }
      }
      const introduced = row['introduction']
      const at = row['captured_at']
      const all = defined.all(server).map(toDefinition)
      const definitions = byKind((kind) => all.filter((one) => one.kind === kind))
      const introduction = typeof introduced === 'string' ? readIntroduction(introduced) : undefined
      const capturedAt = at === null ? undefined : Number(at)
      return { stored: { definitions, introduction, capturedAt }, isReplaced: false }
    },
    write: (server, listed) => {
      clear.run(server)
      for (const kind of KINDS) {
        for (const [position, one] of listed.definitions[kind].entries()) {
          define.run(server, kind, one.name, position, one.digest, JSON.stringify(one.body))
        }
      }
      introduce.run(JSON.stringify(listed.introduction), server)
      captured.run(listed.capturedAt ?? null, server)
    },
    introduce: (server, introduction) => void introduce.run(JSON.stringify(introduction), server),
  }
}

function toDefinition(row: Record<string, unknown>): Definition {
  const body: JsonObject = JSON.parse(text(row['body']))
  return {
    server: text(row['server']),
    kind: KINDS.find((kind) => kind === row['kind']) ?? 'tool',
    name: text(row['name']),
    digest: text(row['digest']),
    body,
  }
}

function readIntroduction(stored: string): Introduction {
  const introduction: Introduction = JSON.parse(stored)
  return introduction
}

/** A text column is a text: the tables are STRICT. */
const text = (column: unknown): string => (typeof column === 'string' ? column : '')
