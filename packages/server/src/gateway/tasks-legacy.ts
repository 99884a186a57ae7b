import {
  Fault,
  isObject,
  own,
  RPC,
  toLegacyTask,
  withRelated,
  type JsonObject,
  type LegacyRevision,
  type RpcError,
} from '@countersign/contract'
import type { Standing } from '#tasks'
import { answer, withReceipt } from './answer.ts'
import type { CallMethod } from './asked.ts'
import { askWhilePolled, namedFor } from './ask-while-polled.ts'
import { answeredOf } from './carry.ts'
import { attend } from './hold.ts'
import type { LegacyRequest, LegacyRooms } from './legacy.ts'
import { listenerOf } from './listen-live.ts'
import type { Served } from './modern.ts'
import { failure, projectResult, success } from './project.ts'
import { viewOf } from './task-view.ts'

type TaskMethod = 'tasks/get' | 'tasks/result' | 'tasks/list' | 'tasks/cancel'
const TASK_METHODS: readonly string[] = [
  'tasks/get',
  'tasks/result',
  'tasks/list',
  'tasks/cancel',
] satisfies readonly TaskMethod[]

/** TL-001: tasks are a feature of 2025-11-25 and of no older revision. */
export const isTaskMethod = (method: string, revision: LegacyRevision): method is TaskMethod =>
  revision === '2025-11-25' && TASK_METHODS.includes(method)

/** What a client wishes that wants a task of its call; undefined for one that does not (TL-006). */
export function requestedTask(
  revision: LegacyRevision,
  method: CallMethod,
  params: JsonObject | undefined,
): { readonly ttlMs: number | undefined } | undefined {
  const task = params && own(params, 'task')
  if (task === undefined || revision !== '2025-11-25' || method !== 'tools/call') return undefined
  if (!isObject(task)) throw new Fault('rpc/bad-params', '"task" must be an object.')
  const ttl = own(task, 'ttl')
  if (ttl !== undefined && ttl !== null && !(typeof ttl === 'number' && ttl >= 0)) {
    throw new Fault('rpc/bad-params', '"task.ttl" must be a number of milliseconds.')
  }
  return { ttlMs: typeof ttl === 'number' ? Math.max(TTL_MS_MIN, Math.round(ttl)) : undefined }
}

/** TL-025: a task that is gone before anybody could ask is of no use to whoever wished for it. */
const TTL_MS_MIN = 60_000

/** Answers one task method. What related-task metadata it carries means nothing (TL-014). */
export async function tasksLegacy(
  rooms: LegacyRooms,
  legacy: LegacyRequest,
  method: TaskMethod,
  signal: AbortSignal,
): Promise<Served> {
  rooms.polls.take(legacy.who.id)
  switch (method) {
    case 'tasks/get': {
      const standing = await find(rooms, legacy)
      askWhilePolled(rooms, legacy.session, standing)
      return say(legacy, taskOf(rooms, legacy, standing))
    }
    case 'tasks/list':
      return say(legacy, await list(rooms, legacy))
    case 'tasks/cancel':
      return say(legacy, taskOf(rooms, legacy, await cancel(rooms, legacy)))
    case 'tasks/result':
      return result(rooms, legacy, await find(rooms, legacy), signal)
  }
}

const say = ({ request, session }: LegacyRequest, said: JsonObject): Served => ({
  response: success(request.id, projectResult(said, session.facts.revision)),
})

/** TL-024, TL-026: unknown, expired and somebody else's look the same. */
async function find({ desk }: LegacyRooms, { who, request }: LegacyRequest): Promise<Standing> {
  const id = own(request.params ?? {}, 'taskId')
  if (typeof id !== 'string') throw new Fault('rpc/bad-params', '"taskId" must be a string.')
  const standing = await desk.find(who.id, id)
  if (standing) return standing
  throw new Fault('task/unknown', 'There is no such task; it may have expired.')
}

function taskOf(rooms: LegacyRooms, { session }: LegacyRequest, standing: Standing): JsonObject {
  const { revision, capabilities } = session.facts
  return toLegacyTask(viewOf(rooms.views, standing, revision, capabilities))
}

const PAGE = 50

async function list(rooms: LegacyRooms, legacy: LegacyRequest): Promise<JsonObject> {
  const cursor = own(legacy.request.params ?? {}, 'cursor')
  if (cursor !== undefined && typeof cursor !== 'string') {
    throw new Fault('call/bad-cursor', 'A cursor is a text that an earlier page gave.')
  }
  const { standings, next } = await rooms.desk.list({
    owner: legacy.who.id,
    limit: PAGE,
    ...(cursor === undefined ? {} : { cursor }),
  })
  return {
    tasks: standings.map((one) => taskOf(rooms, legacy, one)),
    ...(next === undefined ? {} : { nextCursor: next }),
  }
}

/** TL-022: cancelled before it is answered, and for ever. */
async function cancel(rooms: LegacyRooms, legacy: LegacyRequest): Promise<Standing> {
  const standing = await find(rooms, legacy)
  if (standing.ended !== undefined) {
    throw new Fault('task/illegal', 'This task is over; it cannot be cancelled any more.')
  }
  if (standing.task.state === 'unknown') {
    throw new Fault(
      'task/illegal',
      'It may have happened already: nobody knows. A person has to settle this task first.',
    )
  }
  return rooms.desk.cancel(standing, legacy.who.id, 'It was cancelled by its client.')
}

/**
 * TL-017: blocks until the task is over, and is answered what the plain call would have been. The
 * task's questions are asked on this stream while it is open (TL-015, TL-018).
 */
async function result(
  rooms: LegacyRooms,
  legacy: LegacyRequest,
  found: Standing,
  signal: AbortSignal,
): Promise<Served> {
  const { session, channel, request } = legacy
  const { id } = found.task
  session.taskStreams.set(id, channel)
  try {
    const standing = await untilOver(rooms, legacy, found, signal)
    const said = outcomeOf(rooms, legacy, standing)
    return 'error' in said
      ? { response: failure(request.id, said.error) }
      : { response: success(request.id, withRelated(said.result, id)) }
  } finally {
    if (session.taskStreams.get(id) === channel) session.taskStreams.delete(id)
  }
}

async function untilOver(
  rooms: LegacyRooms,
  { session, channel, request }: LegacyRequest,
  found: Standing,
  signal: AbortSignal,
): Promise<Standing> {
  const { id } = found.task
  const quiet = { id: request.id, jsonrpc: '2.0', method: request.method } as const
  // Progress is told under the token of the call that made the task (TL-028).
  const listener = listenerOf(rooms, { session, channel, request: quiet }, namedFor(id))
  let standing = found
  while (standing.ended === undefined) {
    signal.throwIfAborted()
    const conversation = rooms.desk.conversation(id)
    // Nobody knows yet, or it has not been taken up since a restart: it changes before it asks.
    if (standing.task.state === 'unknown' || !conversation) {
      standing = await changed(rooms, id, signal)
      continue
    }
    const patience = { seesQuestions: false }
    const waiting = { ...rooms, id, conversation, holdMs: Infinity, patience, signal, listener }
    const held = await attend(waiting)
    if (held.kind === 'task') ({ standing } = held)
  }
  return standing
}

/** The task after its next change, or as it is when `signal` aborts. */
async function changed({ desk }: LegacyRooms, id: string, signal: AbortSignal): Promise<Standing> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stop()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const stop = desk.watch((task) => {
      if (task === id) done()
    })
    signal.addEventListener('abort', done, { once: true })
  })
  const standing = await desk.find(undefined, id)
  if (standing) return standing
  throw new Fault('task/unknown', 'There is no such task; it may have expired.')
}

function outcomeOf(
  rooms: LegacyRooms,
  { session }: LegacyRequest,
  { errand, ended, task }: Standing,
): { readonly result: JsonObject } | { readonly error: RpcError } {
  if (ended === undefined || ended === 'cancelled') {
    // AM-07: a cancelled task has no result of the request.
    const data = { taskId: task.id, status: 'cancelled' }
    return { error: { code: RPC.internal, message: 'The task was cancelled.', data } }
  }
  rooms.desk.delivered(errand, task.id)
  const { revision, capabilities } = session.facts
  const about = answeredOf(rooms.views, errand)
  const said = answer(about, withReceipt(ended, errand), revision, capabilities)
  return said.kind === 'result' ? { result: said.result } : { error: said.error }
}
