/** One MCP server with all tools; both eras are served from the same definitions. */
import { TASKS_EXTENSION, type Json } from '@countersign/contract'
import {
  McpServer,
  type CallToolResult,
  type McpRequestContext,
  type ServerCapabilities,
  type ServerContext,
  type Transport,
} from '@modelcontextprotocol/server'
import { converse, verifyState } from './conversation.ts'
import type { Context } from './context.ts'
import type { Definition } from './definition.ts'
import type { DurableTool, OnError } from './durable/durable-tool.ts'
import { Asking } from './tasks/asking.ts'
import { interpose, type Connection } from './tasks/carried.ts'
import { callLegacy } from './tasks/call-legacy.ts'
import { callModern } from './tasks/call-modern.ts'
import { refusal, type Front } from './tasks/durable-call.ts'
import { handleLegacy } from './tasks/legacy-handlers.ts'
import { handleModern } from './tasks/modern-handlers.ts'
import { unsealTask } from './tasks/task-state.ts'
import type { Tasks } from './tasks/tasks.ts'
import type { Tool } from './tool.ts'

export interface Identity {
  readonly name: string
  readonly version: string
  readonly instructions?: string
  readonly onError: OnError
}

/** What is served: plain tools, and durable ones with the tasks they run as. */
export interface Served {
  /** In the order of the author: so they are listed. */
  readonly tools: readonly (Tool | DurableTool)[]
  /** Present where there are durable tools. */
  readonly tasks?: Tasks
  /** True where a connection has one client, so that its tasks may be listed (TL-021). */
  readonly isSingleClient: boolean
}

/** Makes servers, one for each connection or request. */
export function serverMaker(
  served: Served,
  identity: Identity,
): (about: Pick<McpRequestContext, 'era'>) => McpServer {
  const asking = served.tasks ? new Asking(served.tasks) : undefined
  return ({ era }) => {
    const connection: Connection = { revision: undefined }
    const server = new Interposed(identity, capabilitiesOf(served, era), connection)
    const { tools, tasks, isSingleClient } = served
    const front: Front | undefined =
      tasks && asking ? { tasks, asking, server, connection } : undefined
    for (const tool of tools) {
      if (!isDurable(tool)) offer(server, tool, identity)
      else if (front) offerDurable(front, tool, { ...identity, era })
    }
    if (!front) return server
    if (era === 'modern') handleModern(front)
    else handleLegacy(front, isSingleClient)
    return server
  }
}

/** True for a tool made by `durableTool`. */
export const isDurable = (tool: Tool | DurableTool): tool is DurableTool => 'handle' in tool

/** A server whose tools may say what no result of a tool can. */
class Interposed extends McpServer {
  readonly #connection: Connection

  constructor(identity: Identity, capabilities: ServerCapabilities, connection: Connection) {
    const { name, version, instructions } = identity
    super(
      { name, version },
      {
        capabilities,
        requestState: { verify: verifyState },
        ...(instructions === undefined ? {} : { instructions }),
      },
    )
    this.#connection = connection
  }

  override async connect(transport: Transport): Promise<void> {
    await super.connect(transport)
    interpose(transport, this.#connection)
  }
}

function capabilitiesOf(
  { tasks, isSingleClient }: Served,
  era: 'legacy' | 'modern',
): ServerCapabilities {
  const plain = { tools: {}, logging: {} }
  if (!tasks) return plain
  // TX-032: each era has its own way to say it, and never the other's.
  if (era === 'modern') return { ...plain, extensions: { [TASKS_EXTENSION]: {} } }
  const list = isSingleClient ? { list: {} } : {}
  return { ...plain, tasks: { ...list, cancel: {}, requests: { tools: { call: {} } } } }
}

const listing = ({ title, description, input, output, annotations, _meta }: Definition) => ({
  description,
  inputSchema: input,
  annotations,
  _meta,
  ...(title === undefined ? {} : { title }),
  ...(output === undefined ? {} : { outputSchema: output }),
})

function offer(server: McpServer, tool: Tool, { name, onError }: Identity): void {
  server.registerTool(tool.name, listing(tool), async (args, context) => {
    const conversation = converse(tool.name, args, context)
    try {
      return await tool.call(args, contextOf(context, name, conversation.ask))
    } catch (thrown) {
      const question = await conversation.pausedBy(thrown)
      if (question) return question
      onError(thrown, tool.name)
      return failure(thrown)
    }
  })
}

function offerDurable(
  front: Front,
  tool: DurableTool,
  { name, onError, era }: Identity & Pick<McpRequestContext, 'era'>,
): void {
  const { input, output } = tool
  const config = {
    ...listing(tool),
    // The task checks both itself: what is recorded is what was sent, and nothing is checked twice.
    inputSchema: unchecked(input),
    ...(output === undefined ? {} : { outputSchema: unchecked(output) }),
  }
  const registered = front.server.registerTool(tool.name, config, async (args, context) => {
    const call = era === 'modern' ? callModern : callLegacy
    const conversation = converse(tool.name, args, context)
    try {
      const isBegun = unsealTask(context.mcpReq.requestState()) !== undefined
      const given =
        tool.prepare && !isBegun
          ? await tool.prepare(args, contextOf(context, name, conversation.ask))
          : args
      return await call(front, { tool, input: toJson(given), context })
    } catch (thrown) {
      const question = await conversation.pausedBy(thrown)
      if (question) return question
      if (!context.mcpReq.signal.aborted) onError(thrown, tool.name)
      return refusal(thrown) ?? failure(thrown)
    }
  })
  if (era === 'legacy') registered.execution = { taskSupport: tool.task }
}

/** It came as JSON, or becomes JSON when it is recorded. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const toJson = (given: unknown): Json => given as Json

/** The same schema for whoever lists it; as a check it lets everything pass. */
function unchecked<Schema extends DurableTool['input']>(schema: Schema): Schema {
  const { '~standard': standard } = schema
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return {
    '~standard': { ...standard, validate: (value: unknown) => ({ value }) },
  } as unknown as Schema
}

/** The message is for the caller; stack and cause stay here. */
function failure(thrown: unknown): CallToolResult {
  const words =
    thrown instanceof Error && thrown.message !== '' ? thrown.message : 'The tool failed.'
  return { isError: true, content: [{ type: 'text', text: words }] }
}

function contextOf({ mcpReq }: ServerContext, logger: string, ask: Context['ask']): Context {
  const { _meta: meta, signal } = mcpReq
  const progressToken = meta?.progressToken
  return {
    signal,
    ask,
    log: (level, message) => mcpReq.log(level, message, logger),
    progress: async (progress, total, message) => {
      if (progressToken === undefined) return
      const params = {
        progressToken,
        progress,
        ...(total === undefined ? {} : { total }),
        ...(message === undefined ? {} : { message }),
      }
      await mcpReq.notify({ method: 'notifications/progress', params })
    },
  }
}
