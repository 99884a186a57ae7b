import type { EntryBody, Note, NotedKind } from '@countersign/contract/ledger/entries'
import type { World } from '#base'

interface Folded {
  readonly more: number
  readonly withinMs: number
}

/** Kinds that have a form in which many are counted. */
type FoldedKind = {
  [Kind in NotedKind]: Folded extends EntryBody<Kind> ? Kind : never
}[NotedKind]

/** Notes of what strangers can bring about: beyond some in a minute they are only counted. */
export interface FoldedNotes {
  readonly note: <Kind extends FoldedKind>(kind: Kind, body: EntryBody<Kind>) => void
  /** Writes what was counted and not told yet. */
  readonly close: () => Promise<void>
}

const MINUTE_MS = 60_000

/** AU-004: of each kind `eachMax` in a minute stand by themselves; the rest are counted in one entry. */
export function foldNotes(
  world: World,
  ledger: { readonly note: Note },
  eachMax: number,
): FoldedNotes {
  let since = world.monotonic()
  let counts = new Map<FoldedKind, number>()
  let stop: (() => void) | undefined
  const settle = async (): Promise<void> => {
    stop?.()
    stop = undefined
    const told = counts
    counts = new Map()
    since = world.monotonic()
    for (const [kind, count] of told) {
      const more = count - eachMax
      if (more > 0) await ledger.note(kind, { more, withinMs: MINUTE_MS })
    }
  }
  return {
    note: (kind, body) => {
      if (world.monotonic() - since >= MINUTE_MS) void settle()
      const count = (counts.get(kind) ?? 0) + 1
      counts.set(kind, count)
      if (count <= eachMax) void ledger.note(kind, body)
      else stop ??= world.after(MINUTE_MS, () => void settle())
    },
    close: settle,
  }
}
