/** Progress of a task, told by the token of the request that made it. */
import { withRelated, type JsonObject } from '@countersign/contract'
import type { Looked } from './tasks.ts'

/** Sends one progress notification. */
export type Notify = (notification: {
  readonly method: 'notifications/progress'
  readonly params: JsonObject & {
    readonly progressToken: string | number
    readonly progress: number
  }
}) => Promise<void>

/**
 * Tells how far a task is, each time it is further (P-001: progress only grows). Says nothing
 * without a token (P-004), and nothing once the task is over (TL-028).
 */
export function progressNotes(
  token: string | number | undefined,
  notify: Notify,
  isRelated: boolean,
): (looked: Looked) => void {
  let last = -Infinity
  return ({ view, task }) => {
    const { progress } = task
    if (token === undefined || view.end || !progress || progress.done <= last) return
    last = progress.done
    const { done, total, message } = progress
    const params = {
      progressToken: token,
      progress: done,
      ...(total === undefined ? {} : { total }),
      ...(message === undefined ? {} : { message }),
    }
    const related = isRelated ? { ...withRelated({}, view.id), ...params } : params
    // A client that is gone misses it; the next look shows the latest anyway.
    notify({ method: 'notifications/progress', params: related }).catch(() => undefined)
  }
}
