import type { Op, Verdict } from './ops.ts'
import type { Store } from './store.ts'
import { elapsed, type World } from './world.ts'

const FIRST_PAUSE_MS = 10
const PAUSE_MS_MAX = 1_000

/**
 * Commits one op, and again while the store fails, for `forMs` at most. Every op may be repeated:
 * its fence and sequence make the second time harmless. Undefined when the store stayed away, or
 * `isOver` said that nobody wants to know any more.
 */
export async function commitSurely(
  store: Store,
  world: World,
  op: Op,
  forMs: number,
  isOver: () => boolean = () => false,
): Promise<Verdict | undefined> {
  const started = elapsed(world)
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX)) {
    try {
      const [verdict] = await store.commit([op])
      return verdict
    } catch {
      const elapsedMs = elapsed(world) - started
      // A clock that went back must not keep anyone here for ever.
      if (elapsedMs < 0 || elapsedMs + pauseMs > forMs || isOver()) return undefined
      const ms = pauseMs
      await new Promise<void>((resolve) => {
        world.after(ms, resolve)
      })
    }
  }
}
