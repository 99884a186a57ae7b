import { byKind, KINDS, toFault, type Kind } from '@countersign/contract'
import type { World } from '#base'
import type { Store } from '#store'
import type { Introduction, Upstream } from '#upstream'
import { catalogTables } from './catalog-tables.ts'
import { NOTHING_LISTED, type Listed } from './listed.ts'
import { readListing } from './read-listing.ts'

/** A definition that is not what it was. `from` is absent for a new one, `to` for one that is gone. */
export interface Change {
  readonly server: string
  readonly kind: Kind
  readonly name: string
  readonly from?: string
  readonly to?: string
}

export interface CatalogRooms {
  readonly world: World
  readonly store: Store
  /** Called after a capture that found a difference to what was stored before. */
  readonly onChange: (server: string, changes: readonly Change[]) => void
  /** Called after the first capture of a server: until then its definitions were in no list. */
  readonly onFirst?: (server: string, changes: readonly Change[]) => void
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

export function makeCatalog(rooms: CatalogRooms): Catalog {
  const tables = catalogTables(rooms.store)
  const known = new Map<string, Listed>()
  const captures = new Map<string, Promise<Listed>>()
  const listed = (server: string): Listed => known.get(server) ?? NOTHING_LISTED

  const keep = (server: string, news: Partial<Listed>): Listed => {
    const before = listed(server)
    const after = { ...before, ...news, version: before.version + 1 }
    known.set(server, after)
    return after
  }

  const capture = async (upstream: Upstream): Promise<Listed> => {
    const server = upstream.spec.id
    const news = await ask(rooms.world, upstream)
    const before = listed(server)
    const after = keep(server, news)
    await rooms.store.commit(() => {
      tables.write(server, after)
    })
    for (const problem of after.problems) rooms.onProblem(server, problem)
    const changes = differences(server, before, after)
    const tell = before.capturedAt === undefined ? rooms.onFirst : rooms.onChange
    if (changes.length > 0) tell?.(server, changes)
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
    listed,
    capture: captureOnce,
    ensure: async (upstream) => {
      const stored = listed(upstream.spec.id)
      return stored.capturedAt === undefined ? captureOnce(upstream) : stored
    },
    remember: (server, introduction) => {
      keep(server, { introduction })
      const write = (): void => {
        tables.introduce(server, introduction)
      }
      rooms.store.commit(write).catch((cause: unknown) => {
        rooms.onProblem(server, `its introduction could not be stored: ${toFault(cause).message}`)
      })
    },
    admit: (server, fingerprint) => {
      const stored = tables.read(server, fingerprint)
      if (stored) known.set(server, { ...NOTHING_LISTED, ...stored, version: 1 })
      else known.delete(server)
    },
  }
}

/** Asks a server for everything that is stored of it. */
async function ask(world: World, upstream: Upstream): Promise<Partial<Listed>> {
  const introduction = await upstream.introduce()
  const listings = await Promise.all(KINDS.map((kind) => upstream.list(kind)))
  const isMirrored = introduction.era === 'modern' && upstream.spec.transport.kind === 'http'
  const { id } = upstream.spec
  const read = KINDS.map((kind, at) => readListing(id, kind, listings[at], isMirrored))
  return {
    introduction,
    capturedAt: world.now(),
    definitions: byKind((kind) => read[KINDS.indexOf(kind)]?.sound ?? []),
    ttlMs: Math.min(...listings.map(({ ttlMs }) => ttlMs)),
    problems: read.flatMap((one) => one.problems),
  }
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
