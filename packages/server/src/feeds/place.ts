import type { JsonObject } from '@countersign/contract'
import type { Records } from '#store'

/** How far a place outside has been told, and what came of trying to tell it the next thing. */
export interface Place {
  /** Everything up to this is told, put aside, or not wanted. */
  readonly at: number
  /** How often the next one was tried in vain. */
  readonly attempts: number
  /** When it is tried again, in milliseconds since the epoch; 0: at once. */
  readonly nextAt: number
  /** Why it was not taken, in words without secrets. */
  readonly problem?: string
}

/** The place of one sink, which only its holder moves. */
export interface PlaceBook {
  readonly read: () => Promise<Place | undefined>
  /** False when somebody else has moved it: then this is no longer the holder. */
  readonly move: (place: Place) => Promise<boolean>
}

const KIND = 'FeedPlace'

export function openPlace(records: Records, name: string): PlaceBook {
  let revision = 0
  return {
    read: async () => {
      const saved = await records.get(KIND, name)
      revision = saved?.revision ?? 0
      return saved && placeIn(saved.value)
    },
    move: async (place) => {
      const value = { ...place }
      const isOurs =
        revision === 0
          ? await records.add(KIND, name, value)
          : await records.swap(KIND, name, revision, { value })
      if (isOurs) revision += 1
      return isOurs
    },
  }
}

function placeIn({ at, attempts, nextAt, problem }: JsonObject): Place {
  return {
    at: Number(at),
    attempts: Number(attempts),
    nextAt: Number(nextAt),
    ...(typeof problem === 'string' ? { problem } : {}),
  }
}
