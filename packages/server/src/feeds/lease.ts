import { newId, type World } from '#base'
import type { Records } from '#store'

/** Makes sure that of several nodes one does a piece of work, and another goes on when that one is gone. */
export interface Lease {
  /**
   * Waits for its turn, then runs `work` until that is over or `signal` is aborted. The signal that `work`
   * is given is aborted, too, once another node may have taken over.
   */
  readonly during: (
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<void>,
  ) => Promise<void>
}

/** One process owns the store: there is nobody to share with. */
export const ownLease: Lease = { during: (signal, work) => work(signal) }

const KIND = 'FeedLease'
/** A node that says nothing for so long is gone. */
const LEASE_MS = 15_000
const RENEW_MS = 4_000

export function recordLease(
  { world, records }: { readonly world: World; readonly records: Records },
  name: string,
): Lease {
  const owner = newId(world, 'node')
  const until = (): number => world.now() + LEASE_MS
  const take = (): Promise<boolean> => records.add(KIND, name, { owner }, { until: until() })
  const renew = async (): Promise<boolean> => {
    const held = await records.get(KIND, name)
    if (held?.value['owner'] !== owner) return false
    return records.swap(KIND, name, held.revision, { value: { owner }, until: until() })
  }
  const keep = async (lost: AbortController): Promise<void> => {
    while (!lost.signal.aborted) {
      await world.wait(RENEW_MS, lost.signal).catch(() => undefined)
      if (lost.signal.aborted) return
      if (!(await renew().catch(() => false))) lost.abort()
    }
  }
  return {
    during: async (signal, work) => {
      while (!(await take())) {
        await world.wait(RENEW_MS, signal).catch(() => undefined)
        if (signal.aborted) return
      }
      const lost = new AbortController()
      const keeping = keep(lost)
      try {
        await work(AbortSignal.any([signal, lost.signal]))
      } finally {
        lost.abort()
        await keeping
        await giveBack(records, name, owner)
      }
    },
  }
}

/** The next node need not wait. What cannot be given back runs out. */
async function giveBack(records: Records, name: string, owner: string): Promise<void> {
  const held = await records.get(KIND, name).catch(() => undefined)
  if (held?.value['owner'] === owner) await records.remove(KIND, name).catch(() => false)
}
