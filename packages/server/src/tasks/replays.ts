import type { World } from '#base'

/** A finished request is remembered this long, for a client whose answer got lost (BR-035). */
const KEEP_MS = 5 * 60_000
const KEPT_MAX = 10_000

/** Requests that may arrive twice: the second one gets what came of the first (I-013). */
export interface Replays<Outcome> {
  readonly once: (key: string, run: () => Promise<Outcome>) => Promise<Outcome>
}

/** `isKept` says which outcomes are worth remembering; what rejects is not. */
export function makeReplays<Outcome>(
  world: World,
  isKept: (outcome: Outcome) => boolean,
): Replays<Outcome> {
  const known = new Map<string, Promise<Outcome>>()
  return {
    once: async (key, run) => {
      const same = known.get(key)
      if (same) return same
      const started = run()
      // Beyond this many no other is remembered: better a repeat than no memory left.
      if (known.size >= KEPT_MAX) return started
      known.set(key, started)
      let isWorthKeeping = false
      try {
        const outcome = await started
        isWorthKeeping = isKept(outcome)
        return outcome
      } finally {
        if (isWorthKeeping) world.after(KEEP_MS, () => void known.delete(key))
        else known.delete(key)
      }
    },
  }
}
