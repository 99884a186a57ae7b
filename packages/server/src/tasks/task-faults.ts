import { Fault, type FaultCode } from '@countersign/contract'
import { TaskFault, type TaskFaultCode } from '@countersign/engine'

/** What of the engine's own faults a client can do something about, in the words of our table. */
const FAULT_OF: Readonly<Partial<Record<TaskFaultCode, FaultCode>>> = {
  'task/not-found': 'task/unknown',
  'task/bad-cursor': 'call/bad-cursor',
  'task/illegal': 'task/illegal',
  'task/not-waiting': 'task/illegal',
  'task/owner-busy': 'task/busy',
  'task/inbox-full': 'task/busy',
  'task/input-too-large': 'task/too-large',
  'task/value-too-large': 'task/too-large',
  'task/journal-too-large': 'task/too-large',
  'store/unavailable': 'store/unavailable',
}

/** A fault of the engine as one of ours; whatever else was thrown as it is. */
export function fromTaskFault(thrown: unknown): unknown {
  if (!(thrown instanceof TaskFault)) return thrown
  return new Fault(FAULT_OF[thrown.code] ?? 'task/failed', thrown.message, { cause: thrown })
}

/** A call that is written down before it is sent is not sent when it cannot be. */
export function notSent(thrown: unknown): never {
  if (!(thrown instanceof Fault && thrown.code === 'store/unavailable')) throw thrown
  const words =
    'The call was not sent: it could not be written down first. Try again later; the operator sees why.'
  throw new Fault('store/unavailable', words, { cause: thrown })
}

/** A task that is not there is over; of one that cannot be read nobody knows. */
export const goneOrUnread = (thrown: unknown): 'gone' | 'unknown' =>
  thrown instanceof TaskFault && thrown.code === 'task/not-found' ? 'gone' : 'unknown'
