import { TaskFault } from './fault.ts'

/** A place in a listing. */
export interface Place {
  readonly createdAt: number
  readonly id: string
}

/** A place has 80 characters at most, and base64 makes four of three. */
const CHARS_MAX = 120

/** A place as an opaque text. */
export const toCursor = ({ createdAt, id }: Place): string =>
  Buffer.from(`${String(createdAt)} ${id}`).toString('base64url')

/** The place a cursor stands for. @throws TaskFault `task/bad-cursor`. */
export function fromCursor(cursor: string): Place {
  const text = cursor.length > CHARS_MAX ? '' : Buffer.from(cursor, 'base64url').toString()
  const [, at = '', id = ''] = /^(\d{1,15}) ([\w-]{1,64})$/.exec(text) ?? []
  if (id === '') throw new TaskFault('task/bad-cursor', 'This cursor did not come from here.')
  return { createdAt: Number(at), id }
}
