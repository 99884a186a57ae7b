// A server of 2025-11-25 (SDK v1) that does what the conformance fixture does not: it waits to be
// cancelled, asks for URLs, tells subscribers, changes its lists, and remembers what it saw.

import { randomUUID } from 'node:crypto'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js'
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  CreateMessageResultSchema,
  ElicitResultSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListRootsResultSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
  UrlElicitationRequiredError,
  type ServerNotification,
  type ServerRequest,
} from '@modelcontextprotocol/sdk/types.js'
import { fixtureArguments, listen, type Handle } from '../../../../../test/conformance/listen.ts'
import {
  ASKED_FORM,
  ASKED_SAMPLE,
  completionOf,
  CONFIRM_URL,
  NEEDED_URL,
  offered,
  promptOf,
  PROMPTS,
  readAt,
  RESOURCES,
  seen,
  structured,
  TEMPLATES,
  text,
  type Words,
} from './catalogue.ts'

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>
type Play = (args: Record<string, unknown>, extra: Extra, server: Server) => Promise<Words> | Words

const everyone = new Map<Server, Set<string>>()
let isPageOpen = false

const progress = async ({ _meta: meta, sendNotification }: Extra, step: number): Promise<void> => {
  const progressToken = meta?.progressToken
  if (progressToken === undefined) return
  await sendNotification({
    method: 'notifications/progress',
    params: { progressToken, progress: step, total: 3 },
  })
}

const askForm = (extra: Extra) =>
  extra.sendRequest({ method: 'elicitation/create', params: ASKED_FORM }, ElicitResultSchema)

const wait: Play = async (_args, extra) => {
  await progress(extra, 1)
  seen.push('waiting')
  await new Promise<void>((resolve) => {
    extra.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  seen.push('cancelled')
  return text('too late')
}

const tell = async (send: (server: Server) => Promise<void>): Promise<Words> => {
  await Promise.all([...everyone.keys()].map(send))
  return text('told')
}

const PLAYS: Readonly<Record<string, Play>> = {
  echo: (args) => text(JSON.stringify(args)),
  meta: (_args, { _meta: meta }) => text(JSON.stringify(meta ?? {})),
  seen: () => text(JSON.stringify(seen)),
  write: () => {
    seen.push('written')
    return text('written')
  },
  wait,
  wait_write: wait,
  steps: async (_args, extra) => {
    for (const step of [1, 2, 3]) await progress(extra, step)
    return text('three steps')
  },
  log: async (_args, { sendNotification }) => {
    for (const level of ['debug', 'warning', 'error'] as const) {
      const params = { level, logger: 'peer', data: level }
      await sendNotification({ method: 'notifications/message', params })
    }
    return text('logged')
  },
  ask_form: async (_args, extra) => text(JSON.stringify(await askForm(extra))),
  ask_then_steps: async (_args, extra) => {
    const said = await askForm(extra)
    for (const step of [1, 2, 3]) await progress(extra, step)
    return text(said.action)
  },
  ask_url: async (_args, extra, server) => {
    const elicitationId = 'page-1'
    const params = { ...CONFIRM_URL, mode: 'url' as const, elicitationId }
    const said = await extra.sendRequest(
      { method: 'elicitation/create', params },
      ElicitResultSchema,
    )
    await server.createElicitationCompletionNotifier(elicitationId)()
    return text(said.action)
  },
  need_url: () => {
    if (isPageOpen) return text('the page was open')
    isPageOpen = true
    throw new UrlElicitationRequiredError([{ ...NEEDED_URL, mode: 'url', elicitationId: 'page-2' }])
  },
  finish_page: () => tell((server) => server.createElicitationCompletionNotifier('page-2')()),
  sample: async (_args, extra) => {
    const request = { method: 'sampling/createMessage' as const, params: ASKED_SAMPLE }
    const { content } = await extra.sendRequest(request, CreateMessageResultSchema)
    return text(JSON.stringify(content))
  },
  roots: async (_args, extra) =>
    text(JSON.stringify(await extra.sendRequest({ method: 'roots/list' }, ListRootsResultSchema))),
  touch: ({ uri }) =>
    tell(async (server) => {
      if (everyone.get(server)?.has(String(uri)))
        await server.sendResourceUpdated({ uri: String(uri) })
    }),
  grow: () => {
    offered.push(`grown_${offered.length}`)
    return tell((server) => server.sendToolListChanged())
  },
  change_prompts: () => tell((server) => server.sendPromptListChanged()),
  change_resources: () => tell((server) => server.sendResourceListChanged()),
  structured: () => structured(false),
}

function makeServer(): Server {
  const server = new Server(
    { name: 'old-peer', version: '1.0.0' },
    {
      instructions: 'An old peer.',
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        prompts: { listChanged: true },
        logging: {},
        completions: {},
      },
    },
  )
  everyone.set(server, new Set())
  server.onclose = () => void everyone.delete(server)
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: offered.map((name) => declare(name)),
  }))
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const play = PLAYS[params.name]
    return play ? await play(params.arguments ?? {}, extra, server) : text(`${params.name} grew`)
  })
  server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources: RESOURCES }))
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({
    resourceTemplates: TEMPLATES,
  }))
  server.setRequestHandler(ReadResourceRequestSchema, ({ params: { uri } }) => {
    const contents = readAt(uri)
    if (!contents) throw new McpError(-32002, 'Resource not found', { uri })
    return { contents }
  })
  server.setRequestHandler(SubscribeRequestSchema, ({ params: { uri } }) => {
    everyone.get(server)?.add(uri)
    seen.push(`subscribed ${uri}`)
    return {}
  })
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params: { uri } }) => {
    everyone.get(server)?.delete(uri)
    seen.push(`unsubscribed ${uri}`)
    return {}
  })
  server.setRequestHandler(SetLevelRequestSchema, ({ params: { level } }) => {
    seen.push(`level ${level}`)
    return {}
  })
  server.setRequestHandler(ListPromptsRequestSchema, () => ({ prompts: PROMPTS }))
  server.setRequestHandler(GetPromptRequestSchema, ({ params }) => promptOf(params.arguments))
  server.setRequestHandler(CompleteRequestSchema, ({ params }) => completionOf(params))
  return server
}

const HINTS: Readonly<Record<string, object>> = {
  write: { destructiveHint: false },
  wait_write: { destructiveHint: false },
}
const declare = (name: string) => ({
  name,
  description: `Plays ${name}`,
  inputSchema: { type: 'object' as const },
  annotations: HINTS[name] ?? { readOnlyHint: true },
  ...(name === 'structured' && {
    outputSchema: { type: 'object' as const, properties: { words: { type: 'array' } } },
  }),
})
offered.push(...Object.keys(PLAYS))

const serve = (): Handle => {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  return async (request, response) => {
    const id = request.headers['mcp-session-id']
    const known = typeof id === 'string' ? sessions.get(id) : undefined
    if (known) return known.handleRequest(request, response)
    if (typeof id === 'string') {
      response.writeHead(404).end()
      return
    }
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (session) => void sessions.set(session, transport),
    })
    await makeServer().connect(transport)
    await transport.handleRequest(request, response)
  }
}

const { port, stdio } = fixtureArguments()
if (stdio) {
  process.stdin.once('end', () => process.exit(0))
  await makeServer().connect(new StdioServerTransport())
} else listen(port, serve())
