import { digestOf, type World } from '#base'
import type { Records } from '#store'
import { numberIn } from './account.ts'

/** How often something may be tried. Counted before the try, so that many at once count as many. */
export interface Throttle {
  /** True when this try may be made. */
  readonly take: (key: string, most: number) => Promise<boolean>
  /** The try was right after all. */
  readonly giveBack: (key: string) => Promise<void>
  readonly forget: (key: string) => Promise<void>
}

const KIND = 'Tries'
const THROTTLE_MS = 15 * 60_000
/** Every turn that fails is one in which another try was counted. */
const TURNS_MAX = 100

export function makeThrottle(world: World, records: Records): Throttle {
  const count = async (key: string, most: number, by: 1 | -1): Promise<boolean> => {
    const id = digestOf(key)
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      const saved = await records.get(KIND, id)
      if (!saved) {
        if (by < 0) return true
        const until = world.now() + THROTTLE_MS
        if (await records.add(KIND, id, { count: 1 }, { until })) return true
        continue
      }
      const now = numberIn(saved.value, 'count')
      if (by > 0 && now >= most) return false
      const value = { count: Math.max(0, now + by) }
      if (await records.swap(KIND, id, saved.revision, { value })) return true
    }
    return false
  }
  return {
    take: (key, most) => count(key, most, 1),
    giveBack: async (key) => {
      await count(key, 0, -1)
    },
    forget: async (key) => {
      await records.remove(KIND, digestOf(key))
    },
  }
}
