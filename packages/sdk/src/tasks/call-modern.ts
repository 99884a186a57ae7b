/** A call of a durable tool under 2026-07-28, with the tasks extension or without it. */
import { isDeepStrictEqual } from 'node:util'
import { RPC, toExtensionTask, type JsonObject } from '@countersign/contract'
import { inputRequired, type InputRequests } from '@modelcontextprotocol/server'
import { kindOf } from '../durable/kind.ts'
import { carryError, carryResult } from './carried.ts'
import {
  declaredBy,
  hasTasks,
  invalid,
  modesOf,
  TASKS_MISSING,
  toAnswer,
  type Answered,
  type Call,
  type Front,
} from './durable-call.ts'
import { progressNotes } from './progress-notes.ts'
import { sealTask, unsealTask } from './task-state.ts'
import type { Looked } from './tasks.ts'

/** A task for a client that declares the extension; else a call that waits, or asks by rounds. */
export async function callModern(front: Front, call: Call): Promise<Answered> {
  const { tool, context } = call
  const resumed = unsealTask(context.mcpReq.requestState<string>())
  const isTask = resumed === undefined && hasTasks(declaredBy(context.mcpReq))
  if (!isTask && tool.task === 'required') return carryError(TASKS_MISSING)
  const wrong = await invalid(call)
  if (wrong) return wrong
  if (isTask) return await makeTask(front, call)
  const begun = resumed === undefined ? await create(front, call) : await front.tasks.look(resumed)
  if (begun && isOf(begun, call)) return await goOn(front, call, begun.view.id)
  // AM-29: nothing is begun anew, or the person would answer twice.
  return carryError({ code: RPC.invalidParams, message: 'The requestState is not of this call.' })
}

const create = ({ tasks }: Front, { tool, input, context }: Call): Promise<Looked> =>
  tasks.create({ tool, input, modes: modesOf(declaredBy(context.mcpReq)) })

async function makeTask(front: Front, call: Call): Promise<Answered> {
  const { view } = await create(front, call)
  // TX-021: who is gone already never learns of the task.
  if (call.context.mcpReq.signal.aborted) await front.tasks.cancel(view.id)
  return carryResult({ ...toExtensionTask(view), resultType: 'task' })
}

/** The task that a state names is of this very call; what `prepare` made of it may differ. */
const isOf = ({ task }: Looked, { tool, input }: Call): boolean =>
  task.kind === kindOf(tool.name) &&
  (tool.prepare !== undefined || isDeepStrictEqual(task.input, input))

/** One round: gives the answers that came, and waits for the end or for the next questions. */
async function goOn({ tasks }: Front, { context }: Call, id: string): Promise<Answered> {
  const { mcpReq } = context
  for (const [key, reply] of Object.entries(mcpReq.inputResponses ?? {})) {
    await tasks.answer(id, key, toJson(reply))
  }
  const { _meta: meta, signal } = mcpReq
  const saw = progressNotes(meta?.progressToken, (note) => mcpReq.notify(note), false)
  const looked = await tasks.until(
    id,
    (now) => {
      saw(now)
      return now.view.end !== undefined || now.questions.length > 0
    },
    signal,
  )
  if (!looked || looked.view.end) return toAnswer(looked)
  return inputRequired({
    inputRequests: toInputRequests(looked.view.inputs),
    requestState: sealTask(id),
  })
}

// Recorded as the SDK built them; whether the client can be asked is checked there once more.
const toInputRequests = (inputs: Looked['view']['inputs']): InputRequests =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  ({ ...inputs }) as unknown as InputRequests

/** It came as JSON. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const toJson = (reply: unknown): JsonObject => reply as JsonObject
