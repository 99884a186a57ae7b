/** The methods of the tasks extension beside 2026-07-28. */
import { RPC, toDetailedTask, type JsonObject } from '@countersign/contract'
import { ProtocolError, type ServerContext } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { declaredBy, hasTasks, TASKS_MISSING, type Front } from './durable-call.ts'

const ById = z.looseObject({ taskId: z.string() })
const Any = z.looseObject({})

const unknown = (): ProtocolError => new ProtocolError(RPC.invalidParams, 'There is no such task.')

/** Answers `tasks/get`, `tasks/update` and `tasks/cancel`, each with `resultType: "complete"`. */
export function handleModern({ tasks, server }: Front): void {
  const handle = (
    method: string,
    answer: (taskId: string, context: ServerContext) => Promise<JsonObject>,
  ): void => {
    // What the request declares is judged before anything is looked up, its id included (TX-023).
    server.server.setRequestHandler(
      method,
      { params: Any, result: Any },
      async (given, context) => {
        if (!hasTasks(declaredBy(context.mcpReq))) {
          const { code, message, data } = TASKS_MISSING
          throw new ProtocolError(code, message, data)
        }
        const read = ById.safeParse(given)
        if (!read.success) throw new ProtocolError(RPC.invalidParams, 'taskId must be a string.')
        return { ...(await answer(read.data.taskId, context)) }
      },
    )
  }
  handle('tasks/get', async (id) => {
    const looked = await tasks.look(id)
    if (!looked) throw unknown() // TX-024
    return toDetailedTask(looked.view)
  })
  handle('tasks/update', async (id, { mcpReq }) => {
    if (!(await tasks.look(id))) throw unknown()
    for (const [key, reply] of Object.entries(mcpReq.inputResponses ?? {})) {
      // TX-017: answers to what is not asked, or not any more, are ignored. They came as JSON.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      await tasks.answer(id, key, reply as JsonObject)
    }
    return {}
  })
  handle('tasks/cancel', async (id) => {
    if (!(await tasks.cancel(id))) throw unknown() // TX-019: the same ack when it was over
    return {}
  })
}
