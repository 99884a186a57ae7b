import {
  isObject,
  own,
  relatedTask,
  TASK_STATUSES,
  type ClientCapabilities,
  type Era,
  type Json,
  type JsonObject,
  type RpcError,
  type TaskEnd,
  type TaskStatus,
} from '@countersign/contract'
import { withoutHopMeta } from './hop-meta.ts'
import { readRequests } from './input-round.ts'
import type { UpstreamTask, UpstreamTaskSeen } from './upstream.ts'

/** Some ids carry all there is to know about their task; this much still fits in a header (TX-028). */
const ID_CHARS_MAX = 4_096
const MESSAGE_CHARS_MAX = 1_000
/** A server that wants to be asked more seldom is asked this often. */
export const POLL_MS_MAX = 3_600_000

/** What is wrong with what a server said of a task, in words for the operator. */
export interface Violation {
  readonly kind: 'violation'
  readonly why: string
}

const violation = (why: string): Violation => ({ kind: 'violation', why })

export const isViolation = (read: object): read is Violation =>
  'kind' in read && read.kind === 'violation'

/**
 * Reads what both eras say of a task. Only what is needed to go on is demanded: a missing poll
 * interval, a null ttl or a bad date is no reason to lose a task (TL-008, TL-035, TX-006).
 */
export function readTask(era: Era, value: Json | undefined): UpstreamTask | Violation {
  if (!isObject(value)) return violation('made a task without saying which')
  const id = own(value, 'taskId')
  if (typeof id !== 'string' || id === '' || id.length > ID_CHARS_MAX) {
    return violation('made a task without a usable id')
  }
  const message = own(value, 'statusMessage')
  return {
    id,
    era,
    pollMs: readPoll(own(value, era === 'legacy' ? 'pollInterval' : 'pollIntervalMs')),
    message:
      typeof message === 'string' && message !== ''
        ? message.slice(0, MESSAGE_CHARS_MAX)
        : undefined,
  }
}

const readPoll = (hint: Json | undefined): number | undefined =>
  typeof hint === 'number' && hint > 0 ? Math.min(Math.ceil(hint), POLL_MS_MAX) : undefined

const isStatus = (status: unknown): status is TaskStatus =>
  (TASK_STATUSES as readonly unknown[]).includes(status)

/** Reads the answer to `tasks/get` about the task `id`. */
export function readSeen(
  era: Era,
  id: string,
  said: JsonObject,
  capabilities: ClientCapabilities,
): UpstreamTaskSeen | Violation {
  const task = readTask(era, said)
  if (isViolation(task) || task.id !== id) return violation('spoke of another task than was asked')
  const status = own(said, 'status')
  if (!isStatus(status)) return violation('says that a task is in a state that is not known')
  const open = { ...task, status, inputs: {}, end: undefined }
  // Nothing is stored for a task that was cancelled, so there is nothing to fetch (BR-057, AM-07).
  if (status === 'cancelled') return { ...open, end: { kind: 'cancelled' } }
  if (era === 'legacy') return open
  switch (status) {
    case 'working':
      return open
    case 'input_required':
      return withInputs(open, said, capabilities)
    case 'completed':
      return withResult(open, own(said, 'result'))
    case 'failed':
      return { ...open, end: errorEnd(own(said, 'error'), task.message) }
  }
}

// TX-010: all that is outstanding. Right after an answer that may be nothing (TX-016).
function withInputs(
  open: UpstreamTaskSeen,
  said: JsonObject,
  capabilities: ClientCapabilities,
): UpstreamTaskSeen | Violation {
  const asked = own(said, 'inputRequests') ?? {}
  if (!isObject(asked)) return violation('sent malformed input requests')
  const inputs = readRequests(asked, capabilities)
  return typeof inputs === 'string' ? violation(inputs) : { ...open, inputs }
}

/** TX-011, AM-08: the result says what it is, or says nothing of it. */
function withResult(
  open: UpstreamTaskSeen,
  result: Json | undefined,
): UpstreamTaskSeen | Violation {
  if (!isObject(result)) return violation('completed a task without its result')
  const type = own(result, 'resultType')
  if (type !== undefined && type !== 'complete') {
    return violation('completed a task with a result of an unknown type')
  }
  return { ...open, end: { kind: 'result', result: withoutHopMeta(result, 'resultType') } }
}

/** That it failed is certain, however badly the reason is put. */
function errorEnd(said: Json | undefined, message: string | undefined): TaskEnd {
  const code = isObject(said) ? own(said, 'code') : undefined
  const error: RpcError =
    isObject(said) && typeof code === 'number' && Number.isInteger(code)
      ? { code, ...restOfError(said, message) }
      : { code: -32603, ...restOfError({}, message) }
  return { kind: 'error', error }
}

function restOfError(said: JsonObject, otherwise: string | undefined): Omit<RpcError, 'code'> {
  const message = own(said, 'message')
  const data = own(said, 'data')
  return {
    message: typeof message === 'string' ? message : (otherwise ?? 'The task failed.'),
    ...(data === undefined ? {} : { data }),
  }
}

/** True when a legacy message names another task than the one it should be about (TL-013). */
export const isOfAnotherTask = (message: JsonObject, id: string): boolean =>
  (relatedTask(message) ?? id) !== id
