// The legacy fixture: SDK v1, revision 2025-11-25, sessions and resumable streams.

import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import {
  StreamableHTTPServerTransport,
  type EventStore,
} from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js'
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  CreateMessageResultSchema,
  ElicitResultSchema,
  ErrorCode,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListRootsResultSchema,
  ListToolsRequestSchema,
  LoggingLevelSchema,
  McpError,
  ReadResourceRequestSchema,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
  type JSONRPCMessage,
  type LoggingLevel,
  type ServerNotification,
  type ServerRequest,
} from '@modelcontextprotocol/sdk/types.js'
import {
  completions,
  IMPLEMENTATION,
  PROMPTS,
  STATIC_RESOURCES,
  TEMPLATE,
  templateContents,
  text,
  TOOLS,
  userText,
  type Loose,
  type ToolResult,
} from './catalogue.ts'
import { DIALOGUES, PROMPT_DIALOGUES, type Ask, type Dialogue } from './dialogues.ts'
import { fixtureArguments, listen, type Handle } from './listen.ts'
import { SCRIPTS, type Stage } from './scripts.ts'

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>

/** MCP 2025-11-25 server/resources §Error Handling; later revisions use -32602. */
const RESOURCE_NOT_FOUND = -32002
/** A person may sit behind the answer; the SDK would give up after a minute. */
const ANSWER_TIMEOUT_MS = 600_000
/** How soon a client may come back to a stream we left. */
const RETRY_MS = 200

/** Every session's server: a changed list is everybody's news. */
const everyone = new Set<Server>()

const ask = (extra: Extra, question: Ask) => {
  const patience = { timeout: ANSWER_TIMEOUT_MS }
  switch (question.method) {
    case 'elicitation/create':
      return extra.sendRequest(question, ElicitResultSchema, patience)
    case 'sampling/createMessage':
      return extra.sendRequest(question, CreateMessageResultSchema, patience)
    case 'roots/list':
      return extra.sendRequest(question, ListRootsResultSchema, patience)
  }
}

/** The questions of one round go out together, so that a bridge may put them into one result. */
const converse = async (server: Server, dialogue: Dialogue, args: Loose, extra: Extra) => {
  const given: Record<string, unknown> = {}
  await pause(dialogue.takes?.beforeMs ?? 0)
  for (const asks of dialogue.rounds(args, server.getClientCapabilities() ?? {})) {
    const replies = Object.entries(asks).map(async ([key, question]) => {
      given[key] = await ask(extra, question)
    })
    // Rounds follow each other; within one, the slowest answer decides.
    // oxlint-disable-next-line eslint/no-await-in-loop
    await Promise.all(replies)
  }
  await pause(dialogue.takes?.afterMs ?? 0)
  return dialogue.conclude(given)
}

const stageOf = (extra: Extra, mayLog: (level: LoggingLevel) => boolean): Stage => {
  const { _meta: metadata } = extra
  const token = metadata?.progressToken
  return {
    log: async (data) => {
      if (!mayLog('info')) return
      await extra.sendNotification({
        method: 'notifications/message',
        params: { level: 'info', logger: IMPLEMENTATION.name, data },
      })
    },
    ...(token !== undefined && {
      progress: (progress: number) =>
        extra.sendNotification({
          method: 'notifications/progress',
          params: { progressToken: token, progress, total: 100, message: `${progress} of 100` },
        }),
    }),
    hangUp: () => extra.closeSSEStream?.(),
    announce: async (list) => {
      await Promise.all(
        [...everyone].map((server) =>
          list === 'tools' ? server.sendToolListChanged() : server.sendPromptListChanged(),
        ),
      )
    },
  }
}

const serveTools = (server: Server): void => {
  let level: LoggingLevel = 'debug'
  const levels = LoggingLevelSchema.options
  const mayLog = (wanted: LoggingLevel) => levels.indexOf(wanted) >= levels.indexOf(level)

  server.setRequestHandler(SetLevelRequestSchema, ({ params }) => {
    level = params.level
    return {}
  })
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [...TOOLS] }))
  server.setRequestHandler(
    CallToolRequestSchema,
    async ({ params }, extra): Promise<ToolResult> => {
      const args = params.arguments ?? {}
      const script = SCRIPTS[params.name]
      if (script !== undefined) return await script(stageOf(extra, mayLog), args)
      const dialogue = DIALOGUES[params.name]
      if (dialogue === undefined) {
        throw new McpError(ErrorCode.InvalidParams, `Unknown tool: ${params.name}`)
      }
      try {
        return text(await converse(server, dialogue, args, extra))
      } catch (error) {
        return { ...text(`The client did not answer: ${String(error)}`), isError: true }
      }
    },
  )
}

const contentsOf = (uri: string) => {
  const resource = STATIC_RESOURCES.find((one) => one.uri === uri)
  if (resource !== undefined) {
    return [{ uri, mimeType: resource.mimeType, ...resource.content }]
  }
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1]
  if (id !== undefined) return templateContents(uri, id)
  throw new McpError(RESOURCE_NOT_FOUND, 'Resource not found', { uri })
}

const serveResources = (server: Server): void => {
  server.setRequestHandler(ListResourcesRequestSchema, () => ({
    resources: STATIC_RESOURCES.map(({ content: _content, ...resource }) => resource),
  }))
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({
    resourceTemplates: [TEMPLATE],
  }))
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => ({
    contents: contentsOf(params.uri),
  }))
  // Nothing here ever changes, so there is nobody to remember.
  server.setRequestHandler(SubscribeRequestSchema, () => ({}))
  server.setRequestHandler(UnsubscribeRequestSchema, () => ({}))
}

const servePrompts = (server: Server): void => {
  server.setRequestHandler(ListPromptsRequestSchema, () => ({
    prompts: PROMPTS.map(({ messages: _messages, ...prompt }) => prompt),
  }))
  server.setRequestHandler(GetPromptRequestSchema, async ({ params }, extra) => {
    const args = params.arguments ?? {}
    const prompt = PROMPTS.find(({ name }) => name === params.name)
    if (prompt === undefined) {
      throw new McpError(ErrorCode.InvalidParams, `Unknown prompt: ${params.name}`)
    }
    const missing = prompt.arguments.filter(({ name }) => args[name] === undefined)
    if (missing.length > 0) {
      const names = missing.map(({ name }) => name).join(', ')
      throw new McpError(ErrorCode.InvalidParams, `Missing arguments: ${names}`)
    }
    if (prompt.messages !== undefined) return { messages: prompt.messages(args) }
    const dialogue = PROMPT_DIALOGUES[params.name]
    if (dialogue === undefined) throw new McpError(ErrorCode.InternalError, 'No such dialogue')
    return { messages: [userText(await converse(server, dialogue, args, extra))] }
  })
  server.setRequestHandler(CompleteRequestSchema, ({ params }) =>
    completions(params.argument.value),
  )
}

const createFixture = (): Server => {
  const server = new Server(IMPLEMENTATION, {
    capabilities: {
      tools: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      prompts: { listChanged: true },
      logging: {},
      completions: {},
    },
  })
  serveTools(server)
  serveResources(server)
  servePrompts(server)
  server.oninitialized = () => void everyone.add(server)
  // Not an EventTarget: the SDK knows this one listener only.
  // oxlint-disable-next-line unicorn/prefer-add-event-listener
  server.onclose = () => void everyone.delete(server)
  return server
}

/** Event ids name their stream and count upwards, so a replay knows both. */
const createEventStore = (): EventStore => {
  const events: { id: string; stream: string; message: JSONRPCMessage }[] = []
  return {
    storeEvent: async (stream, message) => {
      const id = `${stream}_${events.length}`
      events.push({ id, stream, message })
      return id
    },
    getStreamIdForEventId: async (id) => events.find((event) => event.id === id)?.stream,
    replayEventsAfter: async (lastId, { send }) => {
      const last = events.findIndex(({ id }) => id === lastId)
      const stream = events[last]?.stream ?? ''
      for (const event of events.slice(last + 1)) {
        // A priming event is stored as an empty message and is no news.
        if (event.stream !== stream || !('jsonrpc' in event.message)) continue
        // Order is what a replay is for.
        // oxlint-disable-next-line eslint/no-await-in-loop
        await send(event.id, event.message)
      }
      return stream
    },
  }
}

const serveSessions = (): Handle => {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  return async (request, response) => {
    const id = request.headers['mcp-session-id']
    if (typeof id === 'string') {
      const session = sessions.get(id)
      if (session !== undefined) return await session.handleRequest(request, response)
      const error = { code: -32001, message: 'Session not found' }
      response.writeHead(404, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', error, id: null }))
      return
    }
    const server = createFixture()
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: createEventStore(),
      retryInterval: RETRY_MS,
      onsessioninitialized: (session) => void sessions.set(session, transport),
      onsessionclosed: (session) => void sessions.delete(session),
    })
    await server.connect(transport)
    await transport.handleRequest(request, response)
    // Anything but `initialize` was refused by the transport and opened no session.
    if (transport.sessionId === undefined) await server.close()
  }
}

const { port, stdio } = fixtureArguments()
if (stdio) {
  process.stdin.once('end', () => process.exit(0))
  await createFixture().connect(new StdioServerTransport())
} else {
  listen(port, serveSessions())
}
