import { byKind, KINDS, toFault, type Kind } from '@countersign/contract'
import type { World } from '#base'
import type { Introduction, Upstream } from '#upstream'
import type { CatalogStore } from './catalog-store.ts'
import { NOTHING_LISTED, type Listed } from './listed.ts'
import { readListing } from './read-listing.ts'
import { FIRST } from './tool-epochs.ts'

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
  readonly store: CatalogStore
  /** Called after each capture that is stored: other nodes read it then. */
  readonly onStored?: () => void
  /** Called when another node found a difference, and told of it. */
  readonly onElsewhere?: (server: string, changes: readonly Change[]) => void
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
  readonly admit: (server: string, fingerprint: string) => Promise<void>
  /** Reads what other nodes stored. */
  readonly refresh: () => Promise<void>
}

export function makeCatalog(rooms: CatalogRooms): Catalog {
  const { store } = rooms
  const known = new Known()
  const { once, again } = inTurn((upstream) => captureOnce(rooms, known, upstream))
  return {
    listed: (server) => known.listed(server),
    epoch: () => known.epoch,
    capture: once,
    recapture: again,
    ensure: async (upstream) => {
      const stored = known.listed(upstream.spec.id)
      return stored.capturedAt === undefined ? once(upstream) : stored
    },
    remember: (server, introduction) => {
      known.keep(server, { introduction })
      store.introduce(server, introduction).catch((cause: unknown) => {
        rooms.onProblem(server, `its introduction could not be stored: ${toFault(cause).message}`)
      })
    },
    admit: async (server, fingerprint) => {
      known.fingerprints.set(server, fingerprint)
      const { stored, isReplaced, since, epoch } = await store.admit(server, fingerprint)
      known.forget(server)
      if (stored) known.keep(server, { ...stored, since })
      known.raise(epoch)
      if (isReplaced) rooms.onReplaced?.(server)
    },
    refresh: () => refresh(rooms, known),
  }
}

/** What this process knows of what is stored. */
class Known {
  readonly fingerprints = new Map<string, string>()
  readonly #listed = new Map<string, Listed>()
  epoch = FIRST

  listed(server: string): Listed {
    return this.#listed.get(server) ?? NOTHING_LISTED
  }

  keep(server: string, news: Partial<Listed>): Listed {
    const before = this.listed(server)
    const after = { ...before, ...news, version: before.version + 1 }
    this.#listed.set(server, after)
    return after
  }

  forget(server: string): void {
    this.#listed.delete(server)
  }

  raise(epoch: number): void {
    this.epoch = Math.max(this.epoch, epoch)
  }
}

async function captureOnce(rooms: CatalogRooms, known: Known, upstream: Upstream): Promise<Listed> {
  const server = upstream.spec.id
  const news = await ask(rooms.world, upstream)
  const covered = await rooms.store.write(server, known.fingerprints.get(server) ?? '', news)
  // Other nodes changed something in between: a scope of this epoch is given for that, too.
  if (covered.epoch > known.epoch + 1) await refresh(rooms, known)
  // Only what is stored is known: a change that could not be stored is found, and told, next time.
  const before = known.listed(server)
  const after = known.keep(server, { ...news, since: covered.since })
  // Only now: a scope given until here was given for what was known until here.
  known.raise(covered.epoch)
  if (covered.isAside) rooms.onProblem(server, OTHERWISE)
  for (const problem of after.problems) rooms.onProblem(server, problem)
  const changes = differences(server, before, after)
  const tell = before.capturedAt === undefined ? rooms.onFirst : rooms.onChange
  if (changes.length > 0) tell?.(server, changes)
  rooms.onStored?.()
  return after
}

/** What each server is by now, whichever node listed it. */
async function refresh({ store, onElsewhere }: CatalogRooms, known: Known): Promise<void> {
  let earliest: number | undefined
  for (const [server, fingerprint] of known.fingerprints) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- one after the other, not a flood
    const news = await store.read(server, fingerprint)
    earliest ??= news?.epoch
    const before = known.listed(server)
    const { capturedAt } = news?.stored ?? {}
    if (!news || capturedAt === undefined || before.capturedAt === capturedAt) continue
    const changes = differences(
      server,
      before,
      known.keep(server, { ...news.stored, since: news.since }),
    )
    if (changes.length > 0) onElsewhere?.(server, changes)
  }
  // Of the first one read: all that came before it is known now.
  if (earliest !== undefined) known.raise(earliest)
}

const OTHERWISE =
  'another node has another server under this name, so its definitions are kept by this node alone: give every node the same configuration'

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
