/** `subscriptions/listen` with `taskIds`: what changes about these tasks, for one subscriber. */
import {
  isObject,
  META,
  own,
  readCapabilities,
  toDetailedTask,
  type JsonObject,
  type RequestId,
} from '@countersign/contract'
import type { JSONRPCNotification, JSONRPCRequest } from '@modelcontextprotocol/server'
import { hasTasks } from './durable-call.ts'
import type { Tasks } from './tasks.ts'

/** More tasks than this are not followed by one subscription. */
const TASKS_MAX = 100

/** What a listen request asks about tasks; undefined when it asks nothing. */
export function taskIdsOf({ params }: JSONRPCRequest): readonly string[] | undefined {
  const filter: unknown = params?.['notifications']
  const ids = isObject(filter) ? own(filter, 'taskIds') : undefined
  if (!Array.isArray(ids)) return undefined
  return ids.filter((id) => typeof id === 'string').slice(0, TASKS_MAX)
}

/** True when the request declares the tasks extension (L-012). */
export function mayFollowTasks({ params }: JSONRPCRequest): boolean {
  const declared: unknown = params?._meta?.[META.clientCapabilities]
  return hasTasks(readCapabilities(declared, '2026-07-28'))
}

/** Sends one message to the subscriber. */
export type Send = (notification: JSONRPCNotification) => void

/**
 * Acknowledges the tasks that exist (L-002), and from then on tells of each change all there is to
 * know, as `tasks/get` would (TX-026, AM-20). Returns the way to stop.
 */
export async function subscribe(
  tasks: Tasks,
  id: RequestId,
  ids: readonly string[],
  send: Send,
): Promise<() => void> {
  const meta = { [META.subscriptionId]: id }
  const said = new Map<string, string>()
  const tell = async (taskId: string): Promise<void> => {
    const looked = await tasks.look(taskId)
    if (!looked || !said.has(taskId)) return
    const task = toDetailedTask(looked.view)
    const now = essence(task)
    if (said.get(taskId) === now) return
    said.set(taskId, now)
    send({ jsonrpc: '2.0', method: 'notifications/tasks', params: { ...task, _meta: meta } })
  }
  for (const taskId of ids) if (await tasks.look(taskId)) said.set(taskId, '')
  send({
    jsonrpc: '2.0',
    method: 'notifications/subscriptions/acknowledged',
    params: { notifications: { taskIds: [...said.keys()] }, _meta: meta },
  })
  const off = tasks.watch((changed) => {
    if (said.has(changed)) void tell(changed).catch(() => undefined)
  })
  // What changed between the last `tasks/get` and now is told too.
  for (const taskId of said.keys()) void tell(taskId).catch(() => undefined)
  return () => {
    off()
    said.clear()
  }
}

/** What makes two states of a task different to somebody who looks. */
const essence = ({ lastUpdatedAt: _when, ...task }: JsonObject): string => JSON.stringify(task)

/** The result a subscription ends with when the server ends it (L-006). */
export const lastWord = (id: RequestId): JsonObject => ({
  resultType: 'complete',
  _meta: { [META.subscriptionId]: id },
})
