/** A call of a durable tool under 2025-11-25 and earlier. */
import {
  isLegacy,
  own,
  readCapabilities,
  RPC,
  toLegacyTask,
  type JsonObject,
} from '@countersign/contract'
import type { McpServer } from '@modelcontextprotocol/server'
import type { DurableTool } from '../durable/durable-tool.ts'
import { augmentationOf, carryError, carryResult } from './carried.ts'
import { invalid, modesOf, toAnswer, type Answered, type Call, type Front } from './durable-call.ts'
import { progressNotes } from './progress-notes.ts'
import type { Looked, Tasks } from './tasks.ts'

/** A task where the client asked for one; else a call that waits. */
export async function callLegacy(front: Front, call: Call): Promise<Answered> {
  const { tasks, asking, server, connection } = front
  const { tool, input, context } = call
  const { mcpReq } = context
  const revision = isLegacy(connection.revision) ? connection.revision : '2025-11-25'
  const modes = modesOf(readCapabilities(server.server.getClientCapabilities(), revision))
  const token = mcpReq._meta?.progressToken
  const { _meta: meta } = mcpReq
  const augmentation = augmentationOf(meta)
  if (augmentation) {
    const ttl = own(augmentation, 'ttl')
    const ttlMs = typeof ttl === 'number' && ttl > 0 ? { ttlMs: Math.trunc(ttl) } : {}
    const looked = await tasks.create({ tool, input, modes, ...ttlMs })
    if (token !== undefined) follow(tasks, looked, token, server)
    return carryResult(toCreated(tool, looked))
  }
  if (tool.task === 'required') {
    // TL-004, AM-06
    const message = `The tool "${tool.name}" only runs as a task.`
    return carryError({ code: RPC.methodNotFound, message })
  }
  const wrong = await invalid(call)
  if (wrong) return wrong
  const { view } = await tasks.create({ tool, input, modes })
  const saw = progressNotes(token, (note) => mcpReq.notify(note), false)
  return toAnswer(await asking.untilEnd(view.id, context, { isRelated: false, saw }))
}

/** `CreateTaskResult` (TL-007), with something a model can go on with (TL-029). */
function toCreated({ title, name }: DurableTool, { view }: Looked): JsonObject {
  const words = `"${title ?? name}" has been started as a task. Its result will follow.`
  return {
    task: toLegacyTask(view),
    _meta: { 'io.modelcontextprotocol/model-immediate-response': words },
  }
}

/** The token of the request that made a task is good until it ends (P-005, TL-028). */
function follow(tasks: Tasks, looked: Looked, token: string | number, { server }: McpServer): void {
  const { id } = looked.view
  const tell = progressNotes(token, (note) => server.notification(note), true)
  const look = async (): Promise<void> => {
    const now = await tasks.look(id)
    if (now) tell(now)
    if (!now || now.view.end || !server.transport) off()
  }
  const off = tasks.watch((changed) => {
    // A courtesy: what cannot be told now is in the next answer.
    if (changed === id) void look().catch(() => undefined)
  })
  tell(looked)
}
