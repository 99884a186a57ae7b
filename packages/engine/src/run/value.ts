import type { Json } from '@countersign/contract'
import { TaskFault, type TaskFailure } from '../fault.ts'

/**
 * A value as JSON text; what has no JSON (undefined, a function) becomes null.
 *
 * @throws TaskFault `task/bad-value` for cycles and bigints; `tooLarge` above `bytesMax`.
 */
export function toText(
  value: unknown,
  bytesMax: number,
  tooLarge: 'task/input-too-large' | 'task/value-too-large',
): string {
  const text = stringify(value)
  // UTF-8 takes at most three bytes for what UTF-16 counts as one.
  if (text.length * 3 > bytesMax && Buffer.byteLength(text) > bytesMax) {
    throw new TaskFault(tooLarge, `It is larger than ${String(bytesMax)} bytes of JSON.`)
  }
  return text
}

function stringify(value: unknown): string {
  try {
    // The types promise a string; undefined and functions give none.
    const text: string | undefined = JSON.stringify(value)
    return text ?? 'null'
  } catch (cause) {
    throw new TaskFault('task/bad-value', 'Only what JSON can say can be recorded.', { cause })
  }
}

/** JSON text that this process wrote. */
export function fromText(text: string): Json {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return JSON.parse(text) as Json
}

/** A recorded failure as it is read back. */
export function toRecorded(body: Json): TaskFailure {
  // What the engine stored as a failure has the shape the engine gave it.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return body as unknown as TaskFailure
}
