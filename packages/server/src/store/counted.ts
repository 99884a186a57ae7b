import type { World } from '#base'
import type { Records } from './records.ts'

/** Twice within the second in which every node has to know. */
const LOOK_MS = 400
/** How often the same trouble is told. */
const TELL_MS = 30_000

/** Documents that every node keeps in memory too: who changes one counts, and the others look. */
export interface Counted {
  /** Tells the others that something changed. */
  readonly changed: () => Promise<void>
  /** What others changed is known here when it resolves. */
  readonly refresh: () => Promise<void>
  readonly close: () => void
}

export interface CountedRooms {
  readonly world: World
  readonly records: Records
  /** Whether other processes use these records too, so that theirs have to be looked for. */
  readonly isShared: boolean
  /** Reads them all again. */
  readonly load: () => Promise<void>
  readonly onProblem: (cause: unknown) => void
}

const KIND = 'Count'

/** Loads once before it resolves; with `isShared` again within a second of any change elsewhere. */
export async function openCounted(rooms: CountedRooms, name: string): Promise<Counted> {
  const { world, records, isShared, load, onProblem } = rooms
  let seen = -1
  const refresh = async (): Promise<void> => {
    // Read before what it counts: what comes in between is found twice, not never.
    const count = (await records.get(KIND, name))?.revision ?? 0
    if (count === seen) return
    await load()
    seen = count
  }
  const looking = new AbortController()
  let toldAt = Number.NEGATIVE_INFINITY
  const tell = (cause: unknown): void => {
    // A database that is gone for an hour is one trouble, not nine thousand.
    if (looking.signal.aborted || world.monotonic() - toldAt < TELL_MS) return
    toldAt = world.monotonic()
    onProblem(cause)
  }
  const look = async (): Promise<void> => {
    while (!looking.signal.aborted) {
      try {
        await world.wait(LOOK_MS, looking.signal)
        await refresh()
        toldAt = Number.NEGATIVE_INFINITY
      } catch (cause) {
        tell(cause)
      }
    }
  }
  await refresh()
  if (isShared) void look()
  return {
    refresh,
    changed: () => records.put(KIND, name, {}),
    close: () => {
      looking.abort()
    },
  }
}
