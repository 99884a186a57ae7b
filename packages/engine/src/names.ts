import { TaskFault } from './fault.ts'
import type { Task } from './task.ts'

const NAME_CHARS_MAX = 500

/**
 * Checks a kind, key, owner, step or signal name: 1 to 500 characters, none of them a control
 * character. @throws TaskFault `task/bad-name`.
 */
export function checkName(what: string, name: string): string {
  const isSized = name.length > 0 && name.length <= NAME_CHARS_MAX
  // Neither database can keep a NUL or half a character.
  // oxlint-disable-next-line eslint/no-control-regex
  if (isSized && name.isWellFormed() && !/[\u0000-\u001F\u007F]/.test(name)) return name
  throw new TaskFault(
    'task/bad-name',
    `${what} must have 1 to ${String(NAME_CHARS_MAX)} characters and no control characters.`,
  )
}

/** True for what can be the id of a task: 22 to 64 characters of base64url. */
export const isId = (id: string): boolean => /^[\w-]{22,64}$/.test(id)

/** By signals of this name children tell their parents. */
const CHILD = 'child:'

/** Checks the name or id of a signal from outside. @throws TaskFault `task/bad-name`. */
export function checkSignal(what: string, name: string): string {
  if (!name.startsWith(CHILD)) return checkName(what, name)
  throw new TaskFault('task/bad-name', `${what} must not begin with "${CHILD}": children do so.`)
}

/** True while the task stands waiting for this signal. */
export const isExpecting = (task: Task, name: string): boolean =>
  task.waits.some((wait) => wait.name === name)
