import type { JsonObject } from '@countersign/contract'
import type { Ledger } from '#audit'
import type { World } from '#base'

/** Notes of what strangers can bring about: beyond some in a minute they are only counted. */
export interface Notes {
  readonly note: (kind: string, body: JsonObject) => void
}

const MINUTE_MS = 60_000
const EACH_MAX = 30

export function makeNotes(world: World, ledger: Pick<Ledger, 'note'>): Notes {
  const minutes = new Map<string, { count: number }>()
  return {
    note: (kind, body) => {
      const minute = minutes.get(kind)
      if (minute) minute.count++
      else {
        minutes.set(kind, { count: 1 })
        world.after(MINUTE_MS, () => {
          const count = minutes.get(kind)?.count ?? 0
          minutes.delete(kind)
          if (count > EACH_MAX) void ledger.note(kind, { more: count - EACH_MAX })
        })
      }
      if ((minutes.get(kind)?.count ?? 0) <= EACH_MAX) void ledger.note(kind, body)
    },
  }
}
