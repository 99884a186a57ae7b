import { Engine } from '@countersign/engine'
import type { World } from '#base'
import type { Config } from '#config'
import type { Shelf } from './shelf.ts'

/** How many tasks may run at one time: each may hold a call that is under way. */
const RUNNING_MAX = 10_000
/** Tasks of a node that died go on on another one after this long. */
const LEASE_MS = 9_000
/** What an errand says beside the parameters of its call. */
const INPUT_EXTRA_BYTES = 65_536

/** The task engine in the same database as the ledger; the embedded one shares its commits. */
export function openEngine(
  { tasks, limits }: Config,
  world: World,
  { store, dispatcher }: Shelf['tasks'],
): Engine {
  return new Engine({
    world,
    store,
    ...(dispatcher ? { dispatcher } : {}),
    concurrency: RUNNING_MAX,
    pace: { drainMs: limits.closeMs, ...(dispatcher ? { leaseMs: LEASE_MS } : {}) },
    limits: {
      ttlMs: tasks.ttl,
      ownerOpenMax: tasks.inFlightMax,
      valueBytesMax: tasks.resultBytesMax,
      inputBytesMax: limits.bodyBytesMax + INPUT_EXTRA_BYTES,
      journalBytesMax: 2 * tasks.resultBytesMax + limits.bodyBytesMax + INPUT_EXTRA_BYTES,
    },
  })
}
