// What stories of 2025-11-25 tasks say and ask, in a few words.

import assert from 'node:assert/strict'
import type { Session } from '../../wire/session.ts'
import type { Answer, Loose } from '../../wire/wire.ts'
import { until } from '../house.ts'
import type { Call, SlowServer } from './slow.ts'

export const RELATED = 'io.modelcontextprotocol/related-task'
export const IMMEDIATE = 'io.modelcontextprotocol/model-immediate-response'
export const ID = /^task_[\w-]{22}$/
export const UNKNOWN = 'task_AAAAAAAAAAAAAAAAAAAAAA'
/** A story that waits for a state asks more often than anybody may. */
export const OFTEN = { pollsPerSecondMax: 10_000 }
export const NO_IDS = [UNKNOWN, '', 'x'.repeat(10_000), '../task', 7, null, {}, undefined]

export interface Made {
  readonly id: string
  readonly result: Loose
  readonly call: Call
}

export async function make(
  slow: SlowServer,
  session: Session,
  name = 'read',
  more: object = {},
): Promise<Made> {
  const { message } = await session.request('tools/call', { name, task: { ttl: 120_000 }, ...more })
  assert.ok(message.result, JSON.stringify(message))
  const { result } = message
  return { id: result.task.taskId, result, call: await slow.next() }
}

export const get = async (session: Session, taskId: unknown): Promise<Loose> =>
  (await session.request('tasks/get', { taskId })).message.result
export const resultOf = async (session: Session, taskId: unknown): Promise<Loose> =>
  (await session.request('tasks/result', { taskId })).message
export const untilStatus = (session: Session, id: string, status: string): Promise<Loose> =>
  until(`the task is ${status}`, async () => {
    const task = await get(session, id)
    return task.status === status ? task : undefined
  })
export const codeOf = ({ message }: Answer): number => message.error?.code
