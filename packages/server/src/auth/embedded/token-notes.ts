import type { JsonObject } from '@countersign/contract'
import type { Ledger } from '#audit'
import type { World } from '#base'

/** In one minute this many notes of a kind stand by themselves; the rest are counted in one. */
const SINGLE_MAX = 60
const MINUTE_MS = 60_000

/** Writes down who was given which tokens and who was not, without letting anybody flood the ledger. */
export interface TokenNotes {
  readonly note: (kind: 'token.issued' | 'token.refused', body: JsonObject) => void
  /** Writes what was counted and not told yet. */
  readonly close: () => Promise<void>
}

export function tokenNotes(world: World, ledger: Pick<Ledger, 'note'>): TokenNotes {
  let since = world.monotonic()
  let counts = new Map<string, number>()
  let stop: (() => void) | undefined
  const settle = async (): Promise<void> => {
    stop?.()
    stop = undefined
    const told = counts
    counts = new Map()
    since = world.monotonic()
    for (const [kind, count] of told) {
      const more = count - SINGLE_MAX
      if (more > 0) await ledger.note(kind, { more, withinMs: MINUTE_MS })
    }
  }
  return {
    note: (kind, body) => {
      if (world.monotonic() - since >= MINUTE_MS) void settle()
      const count = (counts.get(kind) ?? 0) + 1
      counts.set(kind, count)
      if (count <= SINGLE_MAX) void ledger.note(kind, body)
      else stop ??= world.after(MINUTE_MS, () => void settle())
    },
    close: settle,
  }
}
