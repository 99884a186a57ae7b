/** `requestState` of a call that waits for answers: the id of its task, which nobody can guess. */
const PREFIX = 'task:'

/** The state a client brings back with its answers. It outlives this process, as the task does. */
export const sealTask = (id: string): string => `${PREFIX}${id}`

/** The task of a state; undefined for a state of another kind, or none. */
export const unsealTask = (state: unknown): string | undefined =>
  typeof state === 'string' && state.startsWith(PREFIX) ? state.slice(PREFIX.length) : undefined
