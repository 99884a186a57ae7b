import { Fault } from '@countersign/contract'
import { newId, type World } from '#base'
import type { Records } from '#store'

/** Work that at most one does at a time, on every node. */
export interface SingleFlight<Value> {
  /**
   * Runs `work` unless somebody else does, and otherwise waits for what comes of theirs. `look` says
   * whether there is something already: it is asked again after every wait, and before any work.
   */
  readonly once: (
    key: string,
    look: () => Promise<Value | undefined>,
    work: () => Promise<Value>,
  ) => Promise<Value>
}

const KIND = 'RefreshLease'
/** Whoever holds a lease longer has died; no request of ours takes as long. */
const LEASE_MS = 60_000
const FIRST_LOOK_MS = 20
const LAST_LOOK_MS = 500

/**
 * In this process by a map, between processes by a record that only one can add. An issuer that sees
 * one refresh token twice takes it for stolen and ends the whole family, so a second is not harmless.
 */
export function makeSingleFlight<Value>(world: World, records: Records): SingleFlight<Value> {
  const flying = new Map<string, Promise<Value>>()
  const holder = newId(world, 'node')

  const underLease = async (
    key: string,
    look: () => Promise<Value | undefined>,
    work: () => Promise<Value>,
  ): Promise<Value> => {
    const until = world.monotonic() + 2 * LEASE_MS
    let waitMs = FIRST_LOOK_MS
    while (world.monotonic() < until) {
      const there = await look()
      if (there !== undefined) return there
      if (await records.add(KIND, key, { holder }, { until: world.now() + LEASE_MS })) {
        try {
          // Whoever had the lease before may have finished since we looked.
          return (await look()) ?? (await work())
        } finally {
          await release(key)
        }
      }
      await world.wait(waitMs)
      waitMs = Math.min(LAST_LOOK_MS, waitMs * 2)
    }
    throw new Fault('upstream/unavailable', 'A credential is being renewed for too long.')
  }
  const release = async (key: string): Promise<void> => {
    // One that ran out may be another's by now.
    const held = await records.get(KIND, key)
    if (held?.value['holder'] === holder) await records.remove(KIND, key)
  }

  return {
    once: (key, look, work) => {
      const there = flying.get(key)
      if (there) return there
      const flight = underLease(key, look, work).finally(() => {
        flying.delete(key)
      })
      flying.set(key, flight)
      return flight
    },
  }
}
