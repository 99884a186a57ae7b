import { byKind, KINDS, toFault, type Kind } from '@countersign/contract'
import type { World } from '#base'
import type { Store } from '#store'
import type { Introduction, Upstream } from '#upstream'
import { catalogTables } from './catalog-tables.ts'
import { NOTHING_LISTED, type Listed } from './listed.ts'
import { makeRules, type ToolRules } from './rules.ts'
import { readListing } from './read-listing.ts'
import { toolEpochs } from './tool-epochs.ts'

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
  /** What the operator decided about single tools: it says which class each is of. */
  readonly rules?: ToolRules
  /** Called after a capture that found a difference to what was stored before. */
  readonly onChange: (server: string, changes: readonly Change[]) => void
  /** Called after the first capture of a server: until then its definitions were in no list. */
  readonly onFirst?: (server: string, changes: readonly Change[]) => void
  readonly onProblem: (server: string, problem: string) => void
  /** Called when a server is not the one whose definitions were stored; they are gone then. */
  readonly onReplaced?: (server: string) => void
}

/** The stored definitions of every server: what is listed and called is this. */
export interface Catalog {
  readonly listed: (server: string) => Listed
  /** Rises with each change of what scopes open. */
  readonly epoch: () => number
  /** The stored listing, captured first if it never was. Rejects with upstream/unavailable. */
  readonly ensure: (upstream: Upstream) => Promise<Listed>
  /** Asks the server again and stores what it says. One capture at a time for each server. */
  readonly capture: (upstream: Upstream) => Promise<Listed>
  /**
   * As `capture`, with nothing that was read before now: for a server that says that it changed. One
   * that runs may have read the old list already, so another runs after it, one for all who ask.
   */
  readonly recapture: (upstream: Upstream) => Promise<Listed>
  /** Remembers how a server introduced itself, for the next start. */
  readonly remember: (server: string, introduction: Introduction) => void
  /** Forgets a server whose configuration is no longer what was captured. */
  readonly admit: (server: string, fingerprint: string) => void
}

export function makeCatalog(rooms: CatalogRooms): Catalog {
  const tables = catalogTables(rooms.store)
  const epochs = toolEpochs(rooms.store, rooms.rules ?? makeRules({}))
  let epoch = epochs.now()
  const known = new Map<string, Listed>()
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
    const since = await rooms.store.commit(() => {
      tables.write(server, news)
      return epochs.stand(server, news.definitions.tool)
    })
    // Only what is stored is known: a change that could not be stored is found, and told, next time.
    const before = listed(server)
    const after = keep(server, { ...news, since })
    // Only now: a scope given until here was given for what was known until here.
    epoch = epochs.now()
    for (const problem of after.problems) rooms.onProblem(server, problem)
    const changes = differences(server, before, after)
    const tell = before.capturedAt === undefined ? rooms.onFirst : rooms.onChange
    if (changes.length > 0) tell?.(server, changes)
    return after
  }

  const { once, again } = inTurn(capture)
  return {
    listed,
    epoch: () => epoch,
    capture: once,
    recapture: again,
    ensure: async (upstream) => {
      const stored = listed(upstream.spec.id)
      return stored.capturedAt === undefined ? once(upstream) : stored
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
      const { stored, isReplaced } = tables.read(server, fingerprint)
      if (isReplaced) epochs.replace(server)
      if (stored) {
        const { capturedAt, definitions } = stored
        // What the operator says of a tool may be another since the last start.
        const since = capturedAt === undefined ? [] : epochs.stand(server, definitions?.tool ?? [])
        known.set(server, { ...NOTHING_LISTED, ...stored, since: new Map(since), version: 1 })
      } else known.delete(server)
      epoch = epochs.now()
      if (isReplaced) rooms.onReplaced?.(server)
    },
  }
}

type Capture = (upstream: Upstream) => Promise<Listed>

/**
 * One capture at a time over each connection: `once` joins one that runs, `again` waits for the next.
 * What one principal cannot reach, another may, so nobody joins an attempt of somebody else.
 */
function inTurn(capture: Capture): { readonly once: Capture; readonly again: Capture } {
  const running = new Map<Upstream, Promise<Listed>>()
  const queued = new Map<Upstream, Promise<Listed>>()
  const once: Capture = (upstream) => {
    const joined = running.get(upstream)
    if (joined) return joined
    const started = capture(upstream).finally(() => running.delete(upstream))
    running.set(upstream, started)
    return started
  }
  const again: Capture = (upstream) => {
    const before = running.get(upstream)
    if (!before) return once(upstream)
    const waiting = queued.get(upstream)
    if (waiting) return waiting
    const start = (): Promise<Listed> => {
      queued.delete(upstream)
      return once(upstream)
    }
    const next = before.then(start, start)
    queued.set(upstream, next)
    return next
  }
  return { once, again }
}

/** Asks a server for everything that is stored of it. */
async function ask(world: World, upstream: Upstream): Promise<Omit<Listed, 'version' | 'since'>> {
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
