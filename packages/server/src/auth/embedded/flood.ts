import type { World } from '#base'

/** How much of something is let through for one key: a burst, then at a steady pace. */
export interface Pace {
  readonly burst: number
  readonly perMinute: number
  /** Keys that are remembered; the one that was let through longest ago makes room. */
  readonly keysMax: number
}

const MINUTE_MS = 60_000

/** Says whether one more may pass. */
export function pacer(world: World, { burst, perMinute, keysMax }: Pace): (key: string) => boolean {
  const known = new Map<string, { readonly left: number; readonly at: number }>()
  return (key) => {
    const now = world.monotonic()
    const { left, at } = known.get(key) ?? { left: burst, at: now }
    const refilled = Math.min(burst, left + ((now - at) / MINUTE_MS) * perMinute)
    const passes = refilled >= 1
    known.delete(key)
    known.set(key, { left: passes ? refilled - 1 : refilled, at: now })
    const [oldest] = known.keys()
    if (known.size > keysMax && oldest !== undefined) known.delete(oldest)
    return passes
  }
}
