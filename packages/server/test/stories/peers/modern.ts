// The same peer in 2026-07-28 (SDK v2): stateless over HTTP, one connection over stdio.

import { toNodeHandler } from '@modelcontextprotocol/node'
import {
  createMcpHandler,
  fromJsonSchema,
  inputRequired,
  McpServer,
  ResourceTemplate,
  type InputRequest,
  type InputRequiredResult,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { fixtureArguments, listen } from '../../../../../test/conformance/listen.ts'
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

type Args = Record<string, unknown>
type Played = Words | InputRequiredResult
type Play = (args: Args, ctx: ServerContext, server: McpServer) => Promise<Played> | Played

/** Over HTTP news travel over the handler's bus; on stdio the one server tells. */
interface News {
  readonly tools: (server: McpServer) => void
  readonly prompts: (server: McpServer) => void
  readonly resources: (server: McpServer) => void
  readonly updated: (server: McpServer, uri: string) => void
}
let news: News

const progress = async ({ mcpReq }: ServerContext, step: number): Promise<void> => {
  const { _meta: meta } = mcpReq
  const progressToken = meta?.progressToken
  if (progressToken === undefined) return
  await mcpReq.notify({
    method: 'notifications/progress',
    params: { progressToken, progress: step, total: 3 },
  })
}

const once = (
  key: string,
  request: InputRequest,
  conclude: (answer: Args, ctx: ServerContext) => Promise<Words> | Words,
): Play => {
  return async (_args, ctx) => {
    const answer = ctx.mcpReq.inputResponses?.[key]
    if (answer === undefined) return inputRequired({ inputRequests: { [key]: request } })
    return conclude(answer as Args, ctx)
  }
}
const whole = (answer: Args): Words => text(JSON.stringify(answer))
const action = (answer: Args): Words => text(String(answer['action']))

const form = inputRequired.elicit(ASKED_FORM)
const wait: Play = async (_args, ctx) => {
  await progress(ctx, 1)
  seen.push('waiting')
  await new Promise<void>((resolve) => {
    ctx.mcpReq.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  seen.push('cancelled')
  return text('too late')
}

const PLAYS: Readonly<Record<string, Play>> = {
  echo: (args) => text(JSON.stringify(args)),
  meta: (_args, { mcpReq: { _meta: meta } }) => text(JSON.stringify(meta ?? {})),
  seen: () => text(JSON.stringify(seen)),
  write: () => {
    seen.push('written')
    return text('written')
  },
  wait,
  wait_write: wait,
  steps: async (_args, ctx) => {
    for (const step of [1, 2, 3]) await progress(ctx, step)
    return text('three steps')
  },
  log: async (_args, { mcpReq }) => {
    for (const level of ['debug', 'warning', 'error'] as const)
      await mcpReq.log(level, level, 'peer')
    return text('logged')
  },
  ask_form: once('person', form, whole),
  ask_then_steps: once('person', form, async (answer, ctx) => {
    for (const step of [1, 2, 3]) await progress(ctx, step)
    return action(answer)
  }),
  ask_url: once('page', inputRequired.elicitUrl(CONFIRM_URL), action),
  need_url: once('page', inputRequired.elicitUrl(NEEDED_URL), () => text('the page was open')),
  sample: once('model', inputRequired.createMessage(ASKED_SAMPLE), ({ content }) =>
    text(JSON.stringify(content)),
  ),
  roots: once('roots', inputRequired.listRoots(), whole),
  touch: ({ uri }, _ctx, server) => {
    news.updated(server, String(uri))
    return text('told')
  },
  grow: (_args, _ctx, server) => {
    const name = `grown_${offered.length}`
    offered.push(name)
    offer(server, name)
    news.tools(server)
    return text('told')
  },
  change_prompts: (_args, _ctx, server) => {
    news.prompts(server)
    return text('told')
  },
  change_resources: (_args, _ctx, server) => {
    news.resources(server)
    return text('told')
  },
  structured: () => structured(true),
}
offered.push(...Object.keys(PLAYS))

const anything = fromJsonSchema<Args>({ type: 'object' })
const HINTS: Readonly<Record<string, object>> = {
  write: { destructiveHint: false },
  wait_write: { destructiveHint: false },
}

function offer(server: McpServer, name: string): void {
  const play = PLAYS[name]
  const config = {
    description: `Plays ${name}`,
    inputSchema: anything,
    annotations: HINTS[name] ?? { readOnlyHint: true },
    // In this revision the root may be anything (F-009).
    ...(name === 'structured' && {
      outputSchema: fromJsonSchema<string[]>({ type: 'array', items: { type: 'string' } }),
    }),
  }
  server.registerTool(name, config, async (args, ctx) =>
    play ? ((await play(args, ctx, server)) as never) : text(`${name} grew`),
  )
}

function makeServer(): McpServer {
  const server = new McpServer(
    { name: 'new-peer', version: '1.0.0' },
    {
      instructions: 'A new peer.',
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        prompts: { listChanged: true },
        logging: {},
        completions: {},
      },
    },
  )
  for (const name of offered) offer(server, name)
  for (const { uri, name, ...more } of RESOURCES) {
    server.registerResource(name, uri, more, async () => ({ contents: readAt(uri) ?? [] }))
  }
  for (const { uriTemplate, name } of TEMPLATES) {
    const template = new ResourceTemplate(uriTemplate, { list: undefined })
    server.registerResource(name, template, {}, async (uri) => ({
      contents: readAt(uri.toString()) ?? [],
    }))
  }
  for (const { name, description } of PROMPTS) {
    const argsSchema = fromJsonSchema<Record<string, string>>({
      type: 'object',
      properties: { who: { type: 'string' } },
    })
    server.registerPrompt(name, { description, argsSchema }, async (args) => promptOf(args))
  }
  server.server.setRequestHandler('completion/complete', ({ params }) => completionOf(params))
  return server
}

const { port, stdio } = fixtureArguments()
if (stdio) {
  news = {
    tools: (server) => server.sendToolListChanged(),
    prompts: (server) => server.sendPromptListChanged(),
    resources: (server) => server.sendResourceListChanged(),
    updated: (server, uri) => void server.server.sendResourceUpdated({ uri }),
  }
  process.stdin.once('end', () => process.exit(0))
  serveStdio(makeServer, { legacy: 'reject' })
} else {
  const handler = createMcpHandler(makeServer, { legacy: 'reject' })
  const { notify } = handler
  news = {
    tools: () => notify.toolsChanged(),
    prompts: () => notify.promptsChanged(),
    resources: () => notify.resourcesChanged(),
    updated: (_server, uri) => notify.resourceUpdated(uri),
  }
  const handle = toNodeHandler(handler)
  listen(port, (request, response) => {
    const { method = 'GET', url = '/' } = request
    return handle(Object.assign(request, { method, url }), response)
  })
}
