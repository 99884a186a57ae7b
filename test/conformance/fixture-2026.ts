// The modern fixture: SDK v2, revision 2026-07-28, stateless. Older revisions are refused: whoever
// reaches it has really spoken the new one.

import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { toNodeHandler } from '@modelcontextprotocol/node'
import {
  CLIENT_CAPABILITIES_META_KEY,
  createMcpHandler,
  createRequestStateCodec,
  fromJsonSchema,
  inputRequired,
  McpServer,
  ResourceTemplate,
  type InputRequest,
  type InputRequiredResult,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
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
  type PromptDeclaration,
  type ToolDeclaration,
  type ToolResult,
} from './catalogue.ts'
import {
  answers,
  DIALOGUES,
  isLoose,
  PROMPT_DIALOGUES,
  type Ask,
  type Asks,
  type Dialogue,
} from './dialogues.ts'
import { fixtureArguments, listen } from './listen.ts'
import { SCRIPTS, type Stage } from './scripts.ts'

type State = { name: string; given: Loose; nonce: string }
type Announce = (server: McpServer, list: 'tools' | 'prompts') => void

/** State comes back from the client, so it is sealed; the SDK refuses what was not minted here. */
const codec = createRequestStateCodec<State>({ key: randomBytes(32) })

const toRequest = (question: Ask): InputRequest => {
  switch (question.method) {
    case 'elicitation/create':
      return inputRequired.elicit(question.params)
    case 'sampling/createMessage':
      return inputRequired.createMessage(question.params)
    case 'roots/list':
      return inputRequired.listRoots()
  }
}

const open = (asks: Asks, given: Loose): Asks =>
  Object.fromEntries(
    Object.entries(asks).filter(([key, question]) => !answers(question, given[key])),
  )

/** One leg of a dialogue: the first round that lacks an answer is asked; else its last words. */
const converse = async (
  name: string,
  dialogue: Dialogue,
  args: Loose,
  ctx: ServerContext,
): Promise<string | InputRequiredResult> => {
  const state = ctx.mcpReq.requestState<State>()
  const mine = state?.name === name ? state : undefined
  const fresh = dialogue.sealed && mine === undefined ? {} : ctx.mcpReq.inputResponses
  const given = { ...mine?.given, ...fresh }
  const envelope: Loose = ctx.mcpReq.envelope ?? {}
  const declared = envelope[CLIENT_CAPABILITIES_META_KEY]
  const asks = dialogue
    .rounds(args, isLoose(declared) ? declared : {})
    .map((round) => open(round, given))
    .find((round) => Object.keys(round).length > 0)
  if (asks === undefined) return dialogue.conclude(given)
  const inputRequests = Object.fromEntries(
    Object.entries(asks).map(([key, question]) => [key, toRequest(question)]),
  )
  if (dialogue.sealed === undefined) return inputRequired({ inputRequests })
  const requestState = await codec.mint({ name, given, nonce: randomUUID() })
  return inputRequired({ inputRequests, requestState })
}

const stageOf = (server: McpServer, ctx: ServerContext, announce: Announce): Stage => {
  const { _meta: metadata } = ctx.mcpReq
  const token = metadata?.progressToken
  return {
    log: (words) => ctx.mcpReq.log('info', words, IMPLEMENTATION.name),
    ...(token !== undefined && {
      progress: (progress: number) =>
        ctx.mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken: token, progress, total: 100, message: `${progress} of 100` },
        }),
    }),
    // A modern stream cannot be resumed: the call just takes as long.
    hangUp: () => undefined,
    announce: async (list) => announce(server, list),
  }
}

const offerTool = (server: McpServer, tool: ToolDeclaration, announce: Announce): void => {
  const { name, description } = tool
  const script = SCRIPTS[name]
  const dialogue = DIALOGUES[name]
  server.registerTool(
    name,
    { description, inputSchema: fromJsonSchema<Loose>(tool.inputSchema) },
    async (args, ctx): Promise<ToolResult | InputRequiredResult> => {
      if (script !== undefined) return await script(stageOf(server, ctx, announce), args)
      if (dialogue === undefined) throw new Error(`Nothing is known about ${name}`)
      const { beforeMs = 0, afterMs = 0 } = dialogue.takes ?? {}
      if (ctx.mcpReq.inputResponses === undefined) await pause(beforeMs)
      const leg = await converse(name, dialogue, args, ctx)
      if (typeof leg !== 'string') return leg
      await pause(afterMs)
      return text(leg)
    },
  )
}

const offerResources = (server: McpServer): void => {
  for (const { uri, name, content, ...metadata } of STATIC_RESOURCES) {
    server.registerResource(name, uri, metadata, async () => ({
      contents: [{ uri, mimeType: metadata.mimeType, ...content }],
    }))
  }
  const { uriTemplate, name, ...metadata } = TEMPLATE
  server.registerResource(
    name,
    new ResourceTemplate(uriTemplate, { list: undefined }),
    metadata,
    async (uri, { id }) => ({ contents: templateContents(uri.toString(), String(id)) }),
  )
}

const stringsOf = (args: unknown): Record<string, string> =>
  isLoose(args)
    ? Object.fromEntries(Object.entries(args).map(([key, value]) => [key, String(value)]))
    : {}

const offerPrompt = (server: McpServer, prompt: PromptDeclaration): void => {
  const { name, description, messages } = prompt
  const dialogue = PROMPT_DIALOGUES[name]
  const argsSchema = fromJsonSchema<Loose>({
    type: 'object',
    properties: Object.fromEntries(
      prompt.arguments.map((one) => [one.name, { type: 'string', description: one.description }]),
    ),
    required: prompt.arguments.map((one) => one.name),
  })
  server.registerPrompt(name, { description, argsSchema }, async (args, ctx) => {
    if (messages !== undefined) return { messages: messages(stringsOf(args)) }
    if (dialogue === undefined) throw new Error(`Nothing is known about ${name}`)
    const leg = await converse(name, dialogue, {}, ctx)
    return typeof leg === 'string' ? { messages: [userText(leg)] } : leg
  })
}

const createFixture = (announce: Announce): McpServer => {
  const server = new McpServer(IMPLEMENTATION, {
    capabilities: {
      tools: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      prompts: { listChanged: true },
      logging: {},
      completions: {},
    },
    requestState: { verify: (state, ctx) => codec.verify(state, ctx) },
  })
  for (const tool of TOOLS) offerTool(server, tool, announce)
  offerResources(server)
  for (const prompt of PROMPTS) offerPrompt(server, prompt)
  server.server.setRequestHandler('completion/complete', ({ params }) =>
    completions(params.argument.value),
  )
  return server
}

/** On stdio one server lasts for the connection: what it announces reaches its own listeners. */
const announceItself: Announce = (server, list) =>
  list === 'tools' ? server.sendToolListChanged() : server.sendPromptListChanged()

/** Over HTTP each request has a server of its own: news travel over the handler's bus. */
const createHandler = () => {
  const handler = createMcpHandler(
    () =>
      createFixture((_server, list) =>
        list === 'tools' ? handler.notify.toolsChanged() : handler.notify.promptsChanged(),
      ),
    { legacy: 'reject' },
  )
  return toNodeHandler(handler)
}

const { port, stdio } = fixtureArguments()
if (stdio) {
  process.stdin.once('end', () => process.exit(0))
  serveStdio(() => createFixture(announceItself), { legacy: 'reject' })
} else {
  const handle = createHandler()
  listen(port, (request, response) => {
    // The SDK wants these two present, as they are on every request a server receives.
    const { method = 'GET', url = '/' } = request
    return handle(Object.assign(request, { method, url }), response)
  })
}
