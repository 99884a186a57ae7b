/** A store that tells which tasks somebody may want to look at again. */
import type { Op, Store } from '@countersign/engine'

/** The same store; `changed` is called with the id of a task once a change of it is durable. */
export function observedStore(store: Store, changed: (task: string) => void): Store {
  return {
    ...store,
    commit: async (ops) => {
      const verdicts = await store.commit(ops)
      for (const [at, op] of ops.entries()) {
        const verdict = verdicts[at]
        if (verdict?.accepted !== true) continue
        const id = visibly(op)
        if (id !== undefined) changed(id)
        for (const expired of verdict.expired ?? []) changed(expired)
      }
      return verdicts
    },
  }
}

/** Ops after which a task looks different. Steps, leases and signals cannot be seen. */
const VISIBLE: ReadonlySet<Op['op']> = new Set(['suspend', 'finish', 'cancel', 'settle'])

function visibly(op: Op): string | undefined {
  if (op.op === 'record') {
    return op.progress === null && op.status === null && op.waits === null ? undefined : op.task
  }
  return VISIBLE.has(op.op) && 'task' in op && typeof op.task === 'string' ? op.task : undefined
}
