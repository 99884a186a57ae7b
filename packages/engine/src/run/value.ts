import { parseExactly, type Json } from '@countersign/contract'
import { TaskFault, toFailure, type TaskFailure } from '../fault.ts'
import type { OpenWait } from '../task.ts'

/** An outcome on its way into the journal. */
export interface Outcome {
  readonly kind: 'done' | 'threw'
  readonly text: string
}

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

/** What a body gave, as the outcome to record: what cannot be recorded is a failure of its own. */
export function toOutcome(value: unknown, bytesMax: number): Outcome {
  try {
    return { kind: 'done', text: toText(value, bytesMax, 'task/value-too-large') }
  } catch (fault) {
    return toThrown(fault)
  }
}

/** What a body threw, as the outcome to record. */
export const toThrown = (error: unknown): Outcome => ({
  kind: 'threw',
  text: JSON.stringify(toFailure(error)),
})

function stringify(value: unknown): string {
  try {
    // The types promise a string; undefined and functions give none.
    const text: string | undefined = JSON.stringify(value)
    return text ?? 'null'
  } catch (cause) {
    throw new TaskFault('task/bad-value', 'Only what JSON can say can be recorded.', { cause })
  }
}

/**
 * Waits as JSON text that a database can look into: Postgres reads no NUL and no half character,
 * and only people read these. The journal keeps what was asked as it was.
 */
export const toWaitsText = (waits: readonly OpenWait[]): string =>
  JSON.stringify(waits).replace(/\\(?:u0000|ud[89a-f][0-9a-f]{2}|.)/g, (escape) =>
    /^\\u(?:0000|d)/.test(escape) ? '\uFFFD' : escape,
  )

/** JSON text that this process wrote; numbers keep the digits they were written with. */
export function fromText(text: string): Json {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return parseExactly(text) as Json
}

/** A recorded failure as it is read back. */
export function toRecorded(body: Json): TaskFailure {
  // What the engine stored as a failure has the shape the engine gave it.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return body as unknown as TaskFailure
}
