/** A store that a process loses when it dies: what was written stays, what comes later never was. */
import type { Op, Store } from '@countersign/engine'

/** Which op ends the life of the process: just after it is durable, or just before. */
export type Fatal = (op: Op) => 'after' | 'before' | undefined

const never = <Value>(): Promise<Value> => new Promise<Value>(() => undefined)

/** The store as one process sees it, until an op is fatal; then `died` is called and nothing answers. */
export function mortalStore(store: Store, fatal: Fatal, died: () => void): Store {
  let isDead = false
  const read = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    const value = isDead ? never<Value>() : work()
    return await value
  }
  const die = <Value>(): Promise<Value> => {
    isDead = true
    died()
    return never<Value>()
  }
  return {
    isExclusive: store.isExclusive,
    commit: async (ops) => {
      if (isDead) return await never()
      const ends = ops.map(fatal)
      if (ends.includes('before')) return await die()
      const verdicts = await store.commit(ops)
      return ends.includes('after') ? await die() : verdicts
    },
    get: (id) => read(() => store.get(id)),
    list: (query) => read(() => store.list(query)),
    due: (until, limit, after) => read(() => store.due(until, limit, after)),
    journal: (id) => read(() => store.journal(id)),
    signals: (id) => read(() => store.signals(id)),
    close: () => Promise.resolve(),
  }
}
