/** What both eras share of one call of a durable tool. */
import {
  isObject,
  META,
  own,
  readCapabilities,
  RPC,
  TASKS_EXTENSION,
  type ClientCapabilities,
  type Json,
  type JsonObject,
} from '@countersign/contract'
import { TaskFault } from '@countersign/engine'
import type {
  CallToolResult,
  InputRequiredResult,
  McpServer,
  ServerContext,
} from '@modelcontextprotocol/server'
import { invalidInput, type DurableTool } from '../durable/durable-tool.ts'
import type { Mode } from '../durable/questions.ts'
import { failureResult } from '../durable/results.ts'
import type { Asking } from './asking.ts'
import { carryError, type Connection } from './carried.ts'
import type { Looked, Tasks } from './tasks.ts'

/** What a durable call needs besides itself. */
export interface Front {
  readonly tasks: Tasks
  readonly asking: Asking
  readonly server: McpServer
  readonly connection: Connection
}

/** A call of a durable tool, as it came. */
export interface Call {
  readonly tool: DurableTool
  readonly input: Json
  readonly context: ServerContext
}

/** What a tool answers with: a result, a question first, or something carried past the SDK. */
export type Answered = CallToolResult | InputRequiredResult

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

/** How a client can be asked. */
export const modesOf = ({ elicitation }: ClientCapabilities): readonly Mode[] =>
  (['form', 'url'] as const).filter((mode) => elicitation?.[mode] !== undefined)

/** Arguments that are none are told at once, as a result the model can read (AM-27). */
export async function invalid({ tool, input }: Call): Promise<CallToolResult | undefined> {
  const { error } = await tool.input.safeParseAsync(input)
  return error ? failed(invalidInput(tool.name, error)) : undefined
}

/** The answer to a call whose task is over. */
export function toAnswer(looked: Looked | undefined): CallToolResult {
  const end = looked?.view.end
  if (!end) return failed('The task is gone: it was kept for as long as it was to be kept.')
  if (end.kind === 'cancelled') return failed('The task was cancelled.')
  return end.kind === 'error' ? carryError(end.error) : toResult(end.result)
}

/** A task that could not be made: too many of them, too large, or a store that is away. */
export function refusal(thrown: unknown): CallToolResult | undefined {
  if (!(thrown instanceof TaskFault)) return undefined
  const { code, message } = thrown
  const isTheirs = code === 'task/input-too-large' || code === 'task/bad-value'
  return carryError({ code: isTheirs ? RPC.invalidParams : RPC.internal, message })
}

const failed = (message: string): CallToolResult => toResult(failureResult({ name: '', message }))

// It was a tool's result when it was recorded.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const toResult = (result: JsonObject): CallToolResult => result as unknown as CallToolResult
