import { Engine, sqliteStore } from '@countersign/engine'
import type { World } from '#base'
import type { Config } from '#config'
import type { Store } from '#store'

/** How many tasks may run at one time: each may hold a call that is under way. */
const RUNNING_MAX = 10_000
/** What an errand says beside the parameters of its call. */
const INPUT_EXTRA_BYTES = 65_536

/** The task engine in the same database as the ledger, which shares its commits. */
export function openEngine({ tasks, limits }: Config, world: World, store: Store): Engine {
  return new Engine({
    world,
    store: sqliteStore({
      prepare: (sql) => store.prepare(sql),
      commit: (write) => store.commit(write),
      close: () => undefined, // The house closes it, after everything that writes.
    }),
    concurrency: RUNNING_MAX,
    pace: { drainMs: limits.closeMs },
    limits: {
      ttlMs: tasks.ttl,
      ownerOpenMax: tasks.inFlightMax,
      valueBytesMax: tasks.resultBytesMax,
      inputBytesMax: limits.bodyBytesMax + INPUT_EXTRA_BYTES,
      journalBytesMax: 2 * tasks.resultBytesMax + limits.bodyBytesMax + INPUT_EXTRA_BYTES,
    },
  })
}
