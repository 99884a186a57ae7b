import { TaskFault } from '../fault.ts'
import type { EntrySubject } from '../journal.ts'
import type { Call } from './calls.ts'

const NEW_VERSION = 'A changed handler needs a new version, with the old one defined meanwhile.'

/** The handler asks for something else than what is recorded under the same ordinal. */
export const otherCall = (call: Call, what: EntrySubject, name: string): TaskFault =>
  new TaskFault(
    'task/nondeterministic',
    `Call ${String(call.call)} of the handler was the ${call.what} "${call.name}" when it was recorded, and is now the ${what} "${name}". A handler must make the same calls in the same order whenever it is run: what reads the clock, chance or the world belongs into a step. ${NEW_VERSION}`,
    { data: { call: call.call, recorded: call.name, asked: name } },
  )

/** The handler ended, or went elsewhere, before its journal ended. */
export const missingCall = (call: Call | undefined): TaskFault =>
  new TaskFault(
    'task/nondeterministic',
    `The journal goes on with call ${String(call?.call)}, the ${String(call?.what)} "${String(call?.name)}", and the handler does not ask for it. ${NEW_VERSION}`,
    { data: { call: call?.call ?? 0, recorded: call?.name ?? '' } },
  )

/** The fault of a task that waits for a person to say what happened. */
export const unknownOutcome = ({ call, name }: Call): TaskFault =>
  new TaskFault('task/outcome-unknown', `It is unknown whether "${name}" happened.`, {
    data: { call, attempt: name },
  })

/** Why the signal of a run aborts. */
export const gone = (): TaskFault =>
  new TaskFault('task/cancelled', 'The task does not go on in this run.')
