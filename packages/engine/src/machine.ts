import { TaskFault } from './fault.ts'

/** `waiting` holds nothing but a row; `unknown` waits for a person; the last three are final. */
export const TASK_STATES = [
  'working',
  'waiting',
  'unknown',
  'completed',
  'failed',
  'cancelled',
] as const

/** One of `TASK_STATES`. */
export type TaskState = (typeof TASK_STATES)[number]

/** The whole life of a task. Both stores write their conditions from this table. */
export const TRANSITIONS = {
  claim: { from: ['working', 'waiting'], to: 'working' },
  suspend: { from: ['working'], to: 'waiting' },
  complete: { from: ['working'], to: 'completed' },
  fail: { from: ['working'], to: 'failed' },
  lose: { from: ['working'], to: 'unknown' },
  resume: { from: ['unknown'], to: 'working' },
  abandon: { from: ['unknown'], to: 'failed' },
  cancel: { from: ['working', 'waiting'], to: 'cancelled' },
  expire: { from: ['working', 'waiting'], to: 'failed' },
} as const satisfies Record<string, { from: readonly TaskState[]; to: TaskState }>

/** What can happen to a task. */
export type TaskEvent = keyof typeof TRANSITIONS

/** The state after `event`. @throws TaskFault `task/illegal` when the table has no such arrow. */
export function advance(state: TaskState, event: TaskEvent): TaskState {
  const { from, to } = TRANSITIONS[event]
  if ((from as readonly TaskState[]).includes(state)) return to
  throw new TaskFault('task/illegal', `A task that is ${state} cannot ${event}.`, {
    data: { state, event },
  })
}

/** True for a state that nothing leaves. */
export const isFinal = (state: TaskState): boolean =>
  state === 'completed' || state === 'failed' || state === 'cancelled'

/** `'working','waiting'`: the states before an event, as an SQL list. */
export const sqlFrom = (event: TaskEvent): string =>
  TRANSITIONS[event].from.map((state) => `'${state}'`).join(', ')

/** `'working', …`: the states that are not final, as an SQL list. */
export const SQL_OPEN: string = TASK_STATES.filter((state) => !isFinal(state))
  .map((state) => `'${state}'`)
  .join(', ')
