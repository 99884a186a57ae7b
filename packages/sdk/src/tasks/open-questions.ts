/** What a task asks of whoever is behind the client, its children's questions included. */
import {
  elicitationMode,
  isInputMethod,
  isObject,
  own,
  textAt,
  type InputRequest,
  type Json,
  type JsonObject,
} from '@countersign/contract'
import type { Task } from '@countersign/engine'

/** A question that waits, and where its answer goes. */
export interface OpenQuestion {
  /** Unique for the whole life of the task, and never used again (TX-015). */
  readonly key: string
  readonly task: string
  /** The wait that the answer ends; absent when a person is to say what happened. */
  readonly wait?: string
  /** The step whose outcome is unknown. */
  readonly unknown?: string
  readonly request: InputRequest
}

const CHILD_CHARS = 8

/** The questions of a task and its children, in the order in which they were made. */
export const questionsOf = (root: string, family: readonly Task[]): readonly OpenQuestion[] =>
  family.flatMap((task) => {
    const prefix = task.id === root ? '' : `${task.id.slice(-CHILD_CHARS)}.`
    const waits = task.waits.flatMap(({ name, ask }): OpenQuestion[] => {
      const request = toRequest(ask)
      return request ? [{ key: prefix + name, task: task.id, wait: name, request }] : []
    })
    return [...waits, ...unknownOf(prefix, task)]
  })

function toRequest(ask: Json): InputRequest | undefined {
  const method = isObject(ask) ? own(ask, 'method') : undefined
  const params = isObject(ask) ? own(ask, 'params') : undefined
  return isInputMethod(method) && isObject(params) ? { method, params } : undefined
}

/** The verdicts a person can give, as the values of the form. */
const VERDICTS = ['happened', 'repeat', 'give up'] as const

function unknownOf(prefix: string, { id, state, epoch, error }: Task): readonly OpenQuestion[] {
  if (state !== 'unknown') return []
  const data = isObject(error?.data) ? error.data : {}
  const unknown = textAt(data, 'attempt')
  const message = `The server was interrupted while "${unknown}" was under way, and cannot tell whether it happened. Please find out, and say what is to be done.`
  const requestedSchema: JsonObject = {
    type: 'object',
    properties: {
      outcome: {
        type: 'string',
        title: 'What happened',
        description:
          'happened: go on after it. repeat: it did not happen, do it now. give up: fail.',
        enum: VERDICTS,
      },
    },
    required: ['outcome'],
  }
  const request: InputRequest = {
    method: 'elicitation/create',
    params: { mode: 'form', message, requestedSchema },
  }
  return [{ key: `${prefix}outcome-${String(epoch)}`, task: id, unknown, request }]
}

/** The question as a client before 2026-07-28 reads it: a page to visit has an id there (I-040). */
export function toLegacyParams({ key, task, request }: OpenQuestion): JsonObject {
  const params = request.params ?? {}
  return elicitationMode(request) === 'url'
    ? { ...params, elicitationId: `${task}/${key}` }
    : params
}
