import {
  byKind,
  canonical,
  isObject,
  KINDS,
  own,
  toFault,
  type Definition,
  type JsonObject,
  type Kind,
} from '@countersign/contract'
import { digestOf, type World } from '#base'
import type { Migration, Store } from '#store'
import type { Introduction, Listing, Upstream } from '#upstream'

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
  ],
}

/** A definition that is not what it was. `from` is absent for a new one, `to` for one that is gone. */
export interface Change {
  readonly server: string
  readonly kind: Kind
  readonly name: string
  readonly from?: string
  readonly to?: string
}

/** What is stored of one server. `capturedAt` is undefined until it has been listed once. */
export interface Listed {
  readonly introduction: Introduction | undefined
  readonly capturedAt: number | undefined
  readonly definitions: Readonly<Record<Kind, readonly Definition[]>>
  /** Rises with each change, so that what is derived from a listing can be kept until then. */
  readonly version: number
  /** How long the server says its lists stay good, from `capturedAt`, in milliseconds. */
  readonly ttlMs: number
  readonly problems: readonly string[]
}

export interface CatalogRooms {
  readonly world: World
  readonly store: Store
  /** Called after a capture that found a difference to what was stored before. */
  readonly onChange: (server: string, changes: readonly Change[]) => void
  readonly onProblem: (server: string, problem: string) => void
}

/** The stored definitions of every server: what is listed and called is this. */
export interface Catalog {
  readonly listed: (server: string) => Listed
  /** The stored listing, captured first if it never was. Rejects with upstream/unavailable. */
  readonly ensure: (upstream: Upstream) => Promise<Listed>
  /** Asks the server again and stores what it says. One capture at a time for each server. */
  readonly capture: (upstream: Upstream) => Promise<Listed>
  /** Remembers how a server introduced itself, for the next start. */
  readonly remember: (server: string, introduction: Introduction) => void
  /** Forgets a server whose configuration is no longer what was captured. */
  readonly admit: (server: string, fingerprint: string) => void
}

const NOTHING: Listed = {
  introduction: undefined,
  capturedAt: undefined,
  definitions: { tool: [], prompt: [], resource: [], template: [] },
  version: 0,
  ttlMs: 0,
  problems: [],
}

export function makeCatalog({ world, store, onChange, onProblem }: CatalogRooms): Catalog {
  const tables = statements(store)
  const known = new Map<string, Listed>()
  const captures = new Map<string, Promise<Listed>>()

  const keep = (server: string, listed: Partial<Listed>): Listed => {
    const before = known.get(server) ?? NOTHING
    const after = { ...before, ...listed, version: before.version + 1 }
    known.set(server, after)
    return after
  }

  const capture = async (upstream: Upstream): Promise<Listed> => {
    const server = upstream.spec.id
    const introduction = await upstream.introduce()
    const listings = await Promise.all(KINDS.map((kind) => upstream.list(kind)))
    const read = KINDS.map((kind, at) => readListing(server, kind, listings[at]))
    const definitions = byKind((kind) => read[KINDS.indexOf(kind)]?.sound ?? [])
    const problems = read.flatMap((one) => one.problems)
    const before = known.get(server) ?? NOTHING
    const after = keep(server, {
      introduction,
      capturedAt: world.now(),
      definitions,
      ttlMs: Math.min(...listings.map(({ ttlMs }) => ttlMs)),
      problems,
    })
    await store.commit(() => {
      tables.write(server, after)
    })
    for (const problem of problems) onProblem(server, problem)
    const changes = before.capturedAt === undefined ? [] : differences(server, before, after)
    if (changes.length > 0) onChange(server, changes)
    return after
  }

  const captureOnce = (upstream: Upstream): Promise<Listed> => {
    const server = upstream.spec.id
    const running = captures.get(server)
    if (running) return running
    const started = capture(upstream).finally(() => captures.delete(server))
    captures.set(server, started)
    return started
  }

  return {
    listed: (server) => known.get(server) ?? NOTHING,
    ensure: async (upstream) => {
      const listed = known.get(upstream.spec.id) ?? NOTHING
      return listed.capturedAt === undefined ? captureOnce(upstream) : listed
    },
    capture: captureOnce,
    remember: (server, introduction) => {
      keep(server, { introduction })
      store
        .commit(() => {
          tables.introduce(server, introduction)
        })
        .catch((cause: unknown) => {
          onProblem(server, `its introduction could not be stored: ${toFault(cause).message}`)
        })
    },
    admit: (server, fingerprint) => {
      const stored = tables.read(server, fingerprint)
      if (stored) known.set(server, { ...NOTHING, ...stored, version: 1 })
      else known.delete(server)
    },
  }
}

/** The name under which the server itself knows a definition. */
const NAME_KEY = { tool: 'name', prompt: 'name', resource: 'uri', template: 'uriTemplate' } as const

interface Read {
  readonly sound: readonly Definition[]
  readonly problems: readonly string[]
}

/** Sorts by name, so that lists are deterministic (F-003), and drops what strict clients die of (F-015). */
function readListing(server: string, kind: Kind, listing: Listing | undefined): Read {
  const problems = [...(listing?.problems ?? [])]
  const sound = new Map<string, Definition>()
  for (const body of listing?.items ?? []) {
    const name = own(body, NAME_KEY[kind])
    const fault = flaw(kind, body, name)
    if (fault !== undefined || typeof name !== 'string') problems.push(`${kind}: ${fault ?? ''}`)
    else if (sound.has(name)) problems.push(`${kind} ${name}: listed twice; the first one counts`)
    else sound.set(name, { server, kind, name, digest: digestOf(canonical(body)), body })
  }
  const byName = (a: Definition, b: Definition): number => (a.name < b.name ? -1 : 1)
  return { sound: [...sound.values()].toSorted(byName), problems }
}

function flaw(kind: Kind, body: JsonObject, name: unknown): string | undefined {
  if (typeof name !== 'string' || name === '') return `one without "${NAME_KEY[kind]}" is left out`
  if (kind !== 'tool') return undefined
  const schema = own(body, 'inputSchema')
  // F-008: the input schema is an object schema; one malformed tool takes a strict client's list down.
  if (!isObject(schema) || own(schema, 'type') !== 'object') {
    return `${name}: its inputSchema is not of type "object"; it is left out`
  }
  return undefined
}

function differences(server: string, before: Listed, after: Listed): readonly Change[] {
  return KINDS.flatMap((kind) => {
    const old = new Map(before.definitions[kind].map((one) => [one.name, one.digest]))
    const now = new Map(after.definitions[kind].map((one) => [one.name, one.digest]))
    const changed = [...now].flatMap(([name, to]): readonly Change[] => {
      const from = old.get(name)
      if (from === to) return []
      return [{ server, kind, name, to, ...(from === undefined ? {} : { from }) }]
    })
    const gone = [...old]
      .filter(([name]) => !now.has(name))
      .map(([name, from]): Change => ({ server, kind, name, from }))
    return [...changed, ...gone]
  })
}

function statements(store: Store): {
  readonly read: (server: string, fingerprint: string) => Partial<Listed> | undefined
  readonly write: (server: string, listed: Listed) => void
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
        return undefined
      }
      const text = row['introduction']
      const at = row['captured_at']
      const all = defined.all(server).map(toDefinition)
      const definitions = byKind((kind) => all.filter((one) => one.kind === kind))
      return {
        definitions,
        introduction: text === null ? undefined : (JSON.parse(String(text)) as Introduction),
        capturedAt: at === null ? undefined : Number(at),
      }
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

const toDefinition = (row: Record<string, unknown>): Definition => ({
  server: String(row['server']),
  kind: String(row['kind']) as Kind,
  name: String(row['name']),
  digest: String(row['digest']),
  body: JSON.parse(String(row['body'])) as JsonObject,
})
