import { Fault, type InputRequest } from '@countersign/contract'
import { isFinal, type Task } from '@countersign/engine'
import { waitingFor, type Waiting } from './await-approval.ts'
import type { Live } from './call-task.ts'
import type { Errand } from './errand.ts'
import { fromRecord, type Ended } from './outcome.ts'
import { readErrand } from './read-errand.ts'

/** A deferred call as it stands. */
export interface Standing {
  readonly task: Task
  readonly errand: Errand
  readonly inputs: Readonly<Record<string, InputRequest>>
  /** Whom it waits for, while nothing of it has been sent. */
  readonly waiting: Waiting | undefined
  /** It was cancelled, and certainly never sent: it waited for people. */
  readonly isUnsent?: boolean
  /** Absent while it runs, and while its outcome is unknown. */
  readonly ended: Ended | 'cancelled' | undefined
}

/** The kind of task that a deferred call is. */
export const KIND = 'call'

/** True for a deferred call; what takes one back is of the same kind, and has no errand. */
export const isCall = ({ kind, undoes }: Task): boolean => kind === KIND && undoes === undefined

/** How the ledger names a task: a call with its own entries, the rest by itself. */
export const named = (task: Task): { readonly task: string; readonly call?: string } => ({
  task: task.id,
  ...(isCall(task) ? { call: readErrand(task.input).call } : {}),
})

/** `live` is the call as it runs here, if it does. */
export function standingOf(task: Task, live: Live | undefined): Standing {
  const isOver = isFinal(task.state)
  const inputs = isOver ? {} : (live?.conversation.questions.all() ?? {})
  const waiting = isOver ? undefined : waitingFor(task)
  return { task, errand: readErrand(task.input), inputs, waiting, ended: endedOf(task) }
}

function endedOf({ state, result, error }: Task): Standing['ended'] {
  switch (state) {
    case 'completed':
      return fromRecord(result)
    case 'cancelled':
      return 'cancelled'
    case 'failed':
      return {
        kind: 'refused',
        fault: new Fault('task/failed', error?.message ?? 'The task failed.'),
      }
    case 'working':
    case 'waiting':
    case 'unknown':
      return undefined
  }
}
