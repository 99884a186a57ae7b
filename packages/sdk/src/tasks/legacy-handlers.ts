/** The methods of tasks in 2025-11-25. */
import {
  legacyStatus,
  own,
  RPC,
  toLegacyTask,
  withRelated,
  type JsonObject,
  type TaskView,
} from '@countersign/contract'
import { TaskFault } from '@countersign/engine'
import { ProtocolError, type ServerContext } from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { Front } from './durable-call.ts'
import type { Looked } from './tasks.ts'

const ById = z.looseObject({ taskId: z.string() })
const Paged = z.looseObject({ cursor: z.string().optional() })
const Any = z.looseObject({})

function known(looked: Looked | undefined): Looked {
  if (looked) return looked
  // TL-024: unknown, expired and somebody else's look the same.
  throw new ProtocolError(RPC.invalidParams, 'There is no such task.')
}

/**
 * Answers `tasks/get`, `tasks/result`, `tasks/cancel` and, where callers can be told apart by the
 * transport, `tasks/list` (TL-021).
 */
export function handleLegacy(front: Front, isListed: boolean): void {
  const { tasks, asking, server, connection } = front
  const { server: wire } = server
  const follower = statusNotes(front)
  const handle = <Params>(
    method: string,
    params: z.ZodType<Params>,
    answer: (params: Params, context: ServerContext) => Promise<JsonObject>,
  ): void => {
    wire.setRequestHandler(method, { params, result: Any }, async (given, context) => {
      // TL-001: older revisions have no tasks.
      if (connection.revision !== '2025-11-25') {
        throw new ProtocolError(RPC.methodNotFound, 'Method not found')
      }
      return { ...(await answer(given, context)) }
    })
  }
  handle('tasks/get', ById, async ({ taskId }) => {
    const looked = known(await tasks.look(taskId))
    follower.follow(looked.view)
    asking.remind(looked, server)
    return toLegacyTask(looked.view)
  })
  handle('tasks/result', ById, async ({ taskId }, context) => {
    follower.follow(known(await tasks.look(taskId)).view)
    return toPayload(known(await asking.untilEnd(taskId, context, { isRelated: true })).view)
  })
  handle('tasks/cancel', ById, async ({ taskId }) => {
    const { view } = known(await tasks.look(taskId))
    if (view.end) {
      const message = `The task is ${legacyStatus(view)} and cannot be cancelled.`
      throw new ProtocolError(RPC.invalidParams, message)
    }
    // TL-022: cancelled before this is answered, whatever the work still does.
    return toLegacyTask(known(await tasks.cancel(taskId)).view)
  })
  if (!isListed) return
  handle('tasks/list', Paged, async ({ cursor }) => {
    try {
      const { views, next } = await tasks.list(cursor)
      return { tasks: views.map(toLegacyTask), ...(next === undefined ? {} : { nextCursor: next }) }
    } catch (error) {
      if (!(error instanceof TaskFault)) throw error
      throw new ProtocolError(RPC.invalidParams, error.message)
    }
  })
}

/** Exactly what the plain request would have got, and which task it is of (TL-013, TL-017). */
function toPayload({ id, end, ...view }: TaskView): JsonObject {
  if (end?.kind === 'result') return withRelated(end.result, id)
  if (end?.kind === 'error') throw new ProtocolError(end.error.code, end.error.message)
  // AM-07: a cancelled request has no result.
  const status = legacyStatus({ ...view, id, end })
  throw new ProtocolError(RPC.internal, 'Task was cancelled', { taskId: id, status })
}

/** `notifications/tasks/status` for the tasks this client has asked about (TL-019). */
function statusNotes({ tasks, server: { server } }: Front): {
  readonly follow: (view: TaskView) => void
} {
  const said = new Map<string, string>()
  let off: (() => void) | undefined
  const stop = (id: string): void => {
    said.delete(id)
    if (said.size > 0) return
    off?.()
    off = undefined
  }
  const tell = async (id: string): Promise<void> => {
    const looked = await tasks.look(id)
    const before = said.get(id)
    if (!looked || !server.transport) return stop(id)
    if (before === undefined) return
    const task = toLegacyTask(looked.view)
    const now = seen(task)
    said.set(id, now)
    if (looked.view.end) stop(id)
    if (now === before) return
    await server.notification({ method: 'notifications/tasks/status', params: { ...task } })
  }
  return {
    follow: (view) => {
      if (view.end) return
      if (!said.has(view.id)) said.set(view.id, seen(toLegacyTask(view)))
      off ??= tasks.watch((id) => {
        if (said.has(id)) void tell(id).catch(() => undefined)
      })
    },
  }
}

const seen = (task: JsonObject): string =>
  JSON.stringify([own(task, 'status'), own(task, 'statusMessage')])
