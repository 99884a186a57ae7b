/** One call of a durable tool: a task for clients that know tasks, and a wait for those that do not. */
import { isDeepStrictEqual } from 'node:util'
import {
  isObject,
  META,
  own,
  readCapabilities,
  RPC,
  TASKS_EXTENSION,
  toExtensionTask,
  toLegacyTask,
  type ClientCapabilities,
  type Json,
  type JsonObject,
} from '@countersign/contract'
import {
  inputRequired,
  type CallToolResult,
  type InputRequests,
  type InputRequiredResult,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { invalidInput, type DurableTool } from '../durable/durable-tool.ts'
import { kindOf } from '../durable/kind.ts'
import type { Mode } from '../durable/questions.ts'
import { failureResult } from '../durable/results.ts'
import type { Asking } from './asking.ts'
import { augmentationOf, carryError, carryResult } from './carried.ts'
import { progressNotes } from './progress-notes.ts'
import { sealTask, unsealTask } from './task-state.ts'
import type { Looked, Tasks } from './tasks.ts'

/** What a durable call needs besides itself. */
export interface Front {
  readonly tasks: Tasks
  readonly asking: Asking
  readonly server: McpServer
  readonly era: 'legacy' | 'modern'
}

/** What a tool answers with: a result, a question first, or something carried past the SDK. */
export type Answered = CallToolResult | InputRequiredResult

/** The protocol under 2025-11-25 and earlier. */
export async function callLegacy(
  { tasks, asking, server }: Front,
  tool: DurableTool,
  input: Json,
  context: ServerContext,
): Promise<Answered> {
  const { mcpReq } = context
  const capabilities = readCapabilities(server.server.getClientCapabilities(), '2025-11-25')
  const modes = modesOf(capabilities)
  const { _meta: meta } = mcpReq
  const augmentation = augmentationOf(meta)
  if (augmentation) {
    const ttl = own(augmentation, 'ttl')
    const ttlMs = typeof ttl === 'number' && ttl > 0 ? { ttlMs: Math.trunc(ttl) } : {}
    const looked = await tasks.create({ tool, input, modes, ...ttlMs })
    follow(tasks, looked, meta?.progressToken, server)
    return carryResult(toCreated(tool, looked))
  }
  if (tool.task === 'required') {
    // TL-004, AM-06
    const message = `The tool "${tool.name}" only runs as a task.`
    return carryError({ code: RPC.methodNotFound, message })
  }
  const wrong = invalid(tool, input)
  if (wrong) return wrong
  const { view } = await tasks.create({ tool, input, modes })
  const saw = progressNotes(meta?.progressToken, (note) => mcpReq.notify(note), false)
  return toAnswer(await asking.untilEnd(view.id, context, { isRelated: false, saw }))
}

/** The protocol of 2026-07-28, with the tasks extension or without it. */
export async function callModern(
  { tasks }: Front,
  tool: DurableTool,
  input: Json,
  { mcpReq }: ServerContext,
): Promise<Answered> {
  const { _meta: meta, signal } = mcpReq
  const capabilities = declaredBy(mcpReq)
  const resumed = unsealTask(mcpReq.requestState<string>())
  if (hasTasks(capabilities) && resumed === undefined) {
    const wrong = invalid(tool, input)
    if (wrong) return wrong
    const { view } = await tasks.create({ tool, input, modes: modesOf(capabilities) })
    // TX-021: who is gone already never learns of the task.
    if (signal.aborted) await tasks.cancel(view.id)
    return carryResult({ ...toExtensionTask(view), resultType: 'task' })
  }
  if (tool.task === 'required') return carryError(TASKS_MISSING)
  const wrong = invalid(tool, input)
  if (wrong) return wrong
  const found = resumed === undefined ? undefined : await tasks.look(resumed)
  if (resumed !== undefined && !isOf(found, tool, input)) {
    // AM-29: nothing is begun anew, or the person would answer twice.
    return carryError({ code: RPC.invalidParams, message: 'The requestState is not of this call.' })
  }
  const modes = modesOf(capabilities)
  const { id: begun } = (found ?? (await tasks.create({ tool, input, modes }))).view
  for (const [key, reply] of Object.entries(mcpReq.inputResponses ?? {})) {
    await tasks.answer(begun, key, toJson(reply))
  }
  const saw = progressNotes(meta?.progressToken, (note) => mcpReq.notify(note), false)
  const looked = await tasks.until(
    begun,
    (now) => {
      saw(now)
      return now.view.end !== undefined || now.questions.length > 0
    },
    signal,
  )
  if (!looked || looked.view.end) return toAnswer(looked)
  return inputRequired({
    inputRequests: toInputRequests(looked.view.inputs),
    requestState: sealTask(begun),
  })
}

const isOf = (looked: Looked | undefined, tool: DurableTool, input: Json): boolean =>
  looked?.task.kind === kindOf(tool.name) &&
  (tool.prepare !== undefined || isDeepStrictEqual(looked.task.input, input))

/** What the error says that a client gets which did not declare the extension (TX-004). */
export const TASKS_MISSING = {
  code: RPC.missingCapability,
  message: `This needs the extension ${TASKS_EXTENSION}, which the request does not declare.`,
  data: { requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } },
}

/** What this one request declares (TX-001). */
export function declaredBy({ envelope }: ServerContext['mcpReq']): ClientCapabilities {
  const declared: unknown = envelope
  const capabilities = isObject(declared) ? own(declared, META.clientCapabilities) : undefined
  return readCapabilities(capabilities, '2026-07-28')
}

/** True when the request declares the tasks extension. */
export const hasTasks = ({ extensions }: ClientCapabilities): boolean =>
  extensions !== undefined && Object.hasOwn(extensions, TASKS_EXTENSION)

function modesOf({ elicitation }: ClientCapabilities): readonly Mode[] {
  return (['form', 'url'] as const).filter((mode) => elicitation?.[mode] !== undefined)
}

/** Arguments that are none are told at once, as a result the model can read (AM-27). */
function invalid(tool: DurableTool, input: Json): CallToolResult | undefined {
  const { error } = tool.input.safeParse(input)
  return error ? failed(invalidInput(tool.name, error)) : undefined
}

const failed = (message: string): CallToolResult => toResult(failureResult({ name: '', message }))

function toAnswer(looked: Looked | undefined): CallToolResult {
  const end = looked?.view.end
  if (!end) return failed('The task is gone: it was kept for as long as it was to be kept.')
  if (end.kind === 'cancelled') return failed('The task was cancelled.')
  return end.kind === 'error' ? carryError(end.error) : toResult(end.result)
}

// It was a tool's result when it was recorded.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const toResult = (result: JsonObject): CallToolResult => result as unknown as CallToolResult

/** `CreateTaskResult` of 2025-11-25 (TL-007), with something a model can go on with (TL-029). */
function toCreated({ title, name }: DurableTool, { view }: Looked): JsonObject {
  const words = `"${title ?? name}" has been started as a task. Its result will follow.`
  const created = { task: toLegacyTask(view) }
  return { ...created, _meta: { 'io.modelcontextprotocol/model-immediate-response': words } }
}

/** The token of the request that made a task is good until it ends (P-005). */
function follow(
  tasks: Tasks,
  looked: Looked,
  token: string | number | undefined,
  { server }: McpServer,
): void {
  if (token === undefined) return
  const { id } = looked.view
  const tell = progressNotes(token, (note) => server.notification(note), true)
  tell(looked)
  const off = tasks.watch((changed) => {
    if (changed !== id) return
    void tasks.look(id).then((now) => {
      if (now) tell(now)
      if (!now || now.view.end || !server.transport) off()
    })
  })
}

// Recorded as the SDK built them; whether the client can be asked is checked there once more.
const toInputRequests = (inputs: Looked['view']['inputs']): InputRequests =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  ({ ...inputs }) as unknown as InputRequests

/** It came as JSON. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const toJson = (reply: unknown): JsonObject => reply as JsonObject
