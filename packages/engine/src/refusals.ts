import { TaskFault } from './fault.ts'
import type { Verdict } from './ops.ts'

/** A refused op as the fault its caller is told. */
export function toFault(verdict: Verdict | undefined): TaskFault {
  const state = verdict?.state ?? 'gone'
  switch (verdict?.why) {
    case 'missing':
      return notFound()
    case 'illegal':
      return new TaskFault('task/illegal', `The task is ${state}.`, { data: { state } })
    case 'busy':
      return new TaskFault('task/owner-busy', 'The owner has too many tasks in flight.')
    case 'full':
      return new TaskFault('task/inbox-full', 'Too many signals wait for this task.')
    case 'not-waiting':
      return new TaskFault('task/not-waiting', 'The task does not wait for this signal.')
    case 'exists':
      return new TaskFault('task/key-reused', 'The same id or key was used for other work.')
    case 'fenced':
      return new TaskFault('task/illegal', 'The task has moved on meanwhile.')
    case undefined:
      return new TaskFault('store/unavailable', 'The store cannot be written.')
  }
}

/** No such task, or somebody else's: the two look the same. */
export const notFound = (): TaskFault => new TaskFault('task/not-found', 'There is no such task.')
