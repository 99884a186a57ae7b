/** What a finished task says: as a result of a call, as a value, or as an error. */
import {
  isObject,
  own,
  RPC,
  textAt,
  type Json,
  type JsonObject,
  type TaskEnd,
} from '@countersign/contract'
import { RecordedError, type Task, type TaskFailure } from '@countersign/engine'
import { ProtocolError } from '@modelcontextprotocol/server'
import type { DurableTool } from './durable-tool.ts'

/** Marks a recorded failure that is an error of the protocol rather than a result that says so. */
const RPC_ERROR = 'rpc/error'

/** What is recorded of something that `run` threw: a `ProtocolError` keeps its number. */
export function toRecordable(thrown: unknown): unknown {
  if (!(thrown instanceof ProtocolError)) return thrown
  const { name, message, code } = thrown
  return new RecordedError({ name, message, code: RPC_ERROR, data: { code } })
}

/** How a final task ended; undefined while it is not. */
export function endOf({ state, result, error }: Task): TaskEnd | undefined {
  if (state === 'cancelled') return { kind: 'cancelled' }
  if (state === 'completed') return { kind: 'result', result: isObject(result) ? result : {} }
  if (state !== 'failed') return undefined
  const failure = error ?? { name: 'Error', message: 'The tool failed.' }
  if (failure.code !== RPC_ERROR) return { kind: 'result', result: failureResult(failure) }
  const code = isObject(failure.data) ? own(failure.data, 'code') : undefined
  return {
    kind: 'error',
    error: { code: typeof code === 'number' ? code : RPC.internal, message: failure.message },
  }
}

/** A failure as a result: the message and no more. */
export const failureResult = (failure: TaskFailure): JsonObject => ({
  isError: true,
  content: [{ type: 'text', text: wordsOf(failure) }],
})

/** What a failure says to whoever called, in the words of this package. */
export function wordsOf({ code, message, data }: TaskFailure): string {
  if (code === 'task/nondeterministic') return otherPath(message, data)
  return message === '' ? 'The tool failed.' : message
}

/** The determinism guard: the engine says where, and here is what an author does about it. */
function otherPath(message: string, data: Json | undefined): string {
  const said = isObject(data) ? data : {}
  const at = String(Number(own(said, 'call')))
  const recorded = textAt(said, 'recorded')
  const asked = own(said, 'asked')
  const now =
    typeof asked === 'string' ? `this time it was "${asked}"` : 'this time it was never made'
  return `The tool took another path than before. Call ${at} of its run was "${recorded}" when it was recorded; ${now}. The code of the tool has changed while this task was waiting, or it does something outside of a step (reads a clock, a file, chance). Give the changed tool a new \`version\` and keep the old one in \`previous\`: then waiting tasks go on under the definition they began with. (${message})`
}

/** The output of a completed task, as `run` gave it. */
export function toValue<Value>({ output }: DurableTool<unknown, Value>, result: Json): Value {
  // What was recorded has the shape that was checked when it was recorded.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return plain(output !== undefined, isObject(result) ? result : {}) as Value
}

function plain(isStructured: boolean, result: JsonObject): Json {
  if (isStructured) return own(result, 'structuredContent') ?? null
  const content = own(result, 'content')
  const blocks: readonly Json[] = Array.isArray(content) ? content : []
  const [only] = blocks
  const text = blocks.length === 1 && isObject(only) ? own(only, 'text') : undefined
  return typeof text === 'string' ? text : { content: blocks }
}
