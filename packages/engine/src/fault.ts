import type { Json } from '@countersign/contract'

/** Every way the engine refuses or gives up, and what each means. */
export const TASK_FAULTS = {
  'task/unknown-kind': 'no handler is defined for this kind',
  'task/not-found': 'no such task, or not the asker’s',
  'task/bad-name': 'a name is empty, too long or has control characters',
  'task/bad-value': 'a value is not JSON',
  'task/bad-cursor': 'the cursor is not one that this engine gave out',
  'task/key-reused': 'the same key was used for different work',
  'task/illegal': 'the task is in a state in which this cannot happen',
  'task/not-waiting': 'the task does not wait for this signal, or it was answered already',
  'task/owner-busy': 'the owner has too many tasks in flight',
  'task/inbox-full': 'too many signals wait for this task',
  'task/input-too-large': 'input or metadata exceed the limit',
  'task/value-too-large': 'a result or another recorded value exceeds the limit',
  'task/journal-too-large': 'the journal of the task exceeds the limit',
  'task/nondeterministic': 'the handler took another path than its journal',
  'task/deadline': 'the task was not done by its deadline',
  'task/expired': 'the task outlived its time to live',
  'task/cancelled': 'the task was cancelled',
  'task/abandoned': 'the outcome stayed unknown and was given up',
  'task/outcome-unknown': 'an effect may or may not have happened; settle it',
  'wait/timeout': 'nothing came in time',
  'attempt/timeout': 'the try took too long',
  'store/unavailable': 'the store could not be written or read',
} as const

/** The stable code of a fault, see `TASK_FAULTS`. */
export type TaskFaultCode = keyof typeof TASK_FAULTS

/** An expected failure of the engine. Its message is for the caller; its cause is not. */
export class TaskFault extends Error {
  override readonly name = 'TaskFault'
  readonly code: TaskFaultCode
  readonly data: Json | undefined

  constructor(
    code: TaskFaultCode,
    message: string,
    options?: ErrorOptions & { readonly data?: Json },
  ) {
    super(message, options)
    this.code = code
    this.data = options?.data
  }
}

/** Thrown by an attempt that is certain: the effect did not happen, so another try is safe. */
export class NotDone extends Error {
  override readonly name: string = 'NotDone'
}

/** How a failure is stored: what a person may read, and a code that programs may test. */
export interface TaskFailure {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly data?: Json
}

/** A failure that was recorded, as it is thrown into the handler, now and in every replay. */
export class RecordedError extends Error {
  override readonly name: string
  readonly code: string | undefined
  readonly data: Json | undefined

  constructor(failure: TaskFailure) {
    super(failure.message)
    this.name = failure.name
    this.code = failure.code
    this.data = failure.data
  }
}

const MESSAGE_CHARS_MAX = 4_000
const NAME_CHARS_MAX = 200
const DATA_CHARS_MAX = 65_536

/** What of a thrown value is stored. Stacks and causes never are. Never throws, whatever was thrown. */
export function toFailure(thrown: unknown): TaskFailure {
  try {
    if (!(thrown instanceof Error)) {
      return { name: 'Error', message: String(thrown).slice(0, MESSAGE_CHARS_MAX) }
    }
    const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined
    // Whoever throws may have put anything there.
    const { name, message }: { readonly name: unknown; readonly message: unknown } = thrown
    return {
      name: String(name).slice(0, NAME_CHARS_MAX),
      message: String(message).slice(0, MESSAGE_CHARS_MAX),
      ...(code === undefined ? {} : { code: code.slice(0, NAME_CHARS_MAX) }),
      ...dataOf(thrown),
    }
  } catch {
    return { name: 'Error', message: 'Something was thrown that cannot be put in words.' }
  }
}

function dataOf(thrown: Error): { readonly data?: Json } {
  const isOurs = thrown instanceof RecordedError || thrown instanceof TaskFault
  if (!isOurs || thrown.data === undefined) return {}
  return JSON.stringify(thrown.data).length > DATA_CHARS_MAX ? {} : { data: thrown.data }
}
