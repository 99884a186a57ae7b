// Official clients of every kind behind one face, so that one story is told of each of them.

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as OldStdio } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CreateMessageRequestSchema,
  ElicitationCompleteNotificationSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  PromptListChangedNotificationSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'

export type Loose = Readonly<Record<string, unknown>>

/** Where a client connects: an address, or a program to start. */
export type Place =
  | { readonly url: URL }
  | {
      readonly command: string
      readonly args: readonly string[]
      readonly env?: Record<string, string>
    }

export interface CallOptions {
  readonly signal?: AbortSignal
  readonly onprogress?: (progress: { readonly progress: number }) => void
}

/** What every kind of client can do, and what it was told and asked meanwhile. */
export interface Peer {
  readonly era: 'legacy' | 'modern'
  readonly instructions: string | undefined
  readonly capabilities: Loose
  readonly tools: () => Promise<readonly Loose[]>
  readonly call: (name: string, args?: Loose, options?: CallOptions) => Promise<Result>
  readonly resources: () => Promise<readonly Loose[]>
  readonly templates: () => Promise<readonly Loose[]>
  readonly read: (uri: string) => Promise<readonly Loose[]>
  readonly prompts: () => Promise<readonly Loose[]>
  readonly prompt: (name: string, args: Record<string, string>) => Promise<readonly Loose[]>
  readonly complete: (
    ref: object,
    value: string,
    context?: Record<string, string>,
  ) => Promise<string[]>
  /** Wants to hear of changed lists and of one resource; resolves once the gateway knows. */
  readonly follow: (uri: string) => Promise<void>
  readonly setLevel: (level: 'debug' | 'warning' | 'error') => Promise<void>
  /** Methods of the notifications heard, with what tells them apart. */
  readonly heard: readonly string[]
  readonly asked: readonly Loose[]
  readonly close: () => Promise<void>
}

export interface Result extends Loose {
  readonly content: readonly { readonly type: string; readonly text?: string }[]
  readonly isError?: boolean | undefined
}

export const textOf = ({ content }: Result): string => content[0]?.text ?? ''

const INFO = { name: 'story', version: '1.0.0' }
const CAPABILITIES = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }
const FORM_SAID = { action: 'accept' as const, content: { name: 'Ada' } }
const URL_SAID = { action: 'accept' as const }
const SAMPLED = {
  model: 'none',
  role: 'assistant' as const,
  content: { type: 'text' as const, text: 'Paris' },
}
const ROOTS = { roots: [{ uri: 'file:///home/ada' }] }

const CHANGED = ['tools', 'prompts', 'resources'].map(
  (list) => `notifications/${list}/list_changed`,
)

function answer(asked: Loose[], params: object): typeof FORM_SAID | typeof URL_SAID {
  asked.push({ ...params })
  return 'url' in params ? URL_SAID : FORM_SAID
}

export type Mode = 'auto' | 'pinned' | 'legacy'
const MODES = { auto: 'auto', pinned: { pin: '2026-07-28' }, legacy: 'legacy' } as const

/** The official client of SDK v2. `pinned` speaks 2026-07-28 or nothing. */
export async function connectV2(place: Place, mode: Mode): Promise<Peer> {
  const heard: string[] = []
  const asked: Loose[] = []
  const client = new Client(INFO, {
    capabilities: CAPABILITIES,
    versionNegotiation: { mode: MODES[mode] },
  })
  client.setRequestHandler('elicitation/create', ({ params }) => answer(asked, params))
  client.setRequestHandler('sampling/createMessage', ({ params }) => {
    asked.push({ ...params })
    return SAMPLED
  })
  client.setRequestHandler('roots/list', () => ROOTS)
  for (const list of ['tools', 'prompts', 'resources'] as const) {
    const method = `notifications/${list}/list_changed` as const
    client.setNotificationHandler(method, () => void heard.push(method))
  }
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
    heard.push(`updated ${params.uri}`)
  })
  client.setNotificationHandler('notifications/message', ({ params }) => {
    heard.push(`log ${params.level}`)
  })
  client.setNotificationHandler('notifications/elicitation/complete', ({ params }) => {
    heard.push(`complete ${params.elicitationId}`)
  })
  const transport =
    'url' in place
      ? new StreamableHTTPClientTransport(place.url)
      : new StdioClientTransport({ ...place, args: [...place.args], stderr: 'inherit' })
  await client.connect(transport)
  const era = client.getProtocolEra() ?? 'legacy'
  return {
    era,
    heard,
    asked,
    instructions: client.getInstructions(),
    capabilities: { ...client.getServerCapabilities() },
    tools: async () => (await client.listTools(undefined, { cacheMode: 'refresh' })).tools,
    call: async (name, args = {}, options) => client.callTool({ name, arguments: args }, options),
    resources: async () => (await client.listResources()).resources,
    templates: async () => (await client.listResourceTemplates()).resourceTemplates,
    read: async (uri) => (await client.readResource({ uri })).contents,
    prompts: async () => (await client.listPrompts()).prompts,
    prompt: async (name, args) => {
      const { messages } = await client.getPrompt({ name, arguments: args })
      return messages.map((message) => ({ ...message }))
    },
    complete: async (ref, value, context) => {
      const argument = { name: 'who', value }
      const more = context ? { context: { arguments: context } } : {}
      const said = await client.complete({ ref: ref as never, argument, ...more })
      return said.completion.values
    },
    follow: async (uri) => {
      if (era === 'legacy') await client.subscribeResource({ uri })
      else {
        await client.listen({
          toolsListChanged: true,
          promptsListChanged: true,
          resourcesListChanged: true,
          resourceSubscriptions: [uri],
        })
      }
    },
    setLevel: async (level) => void (await client.setLoggingLevel(level)),
    close: () => client.close(),
  }
}

/** The official client of SDK v1, which speaks the `initialize` era only. */
export async function connectV1(place: Place): Promise<Peer> {
  const heard: string[] = []
  const asked: Loose[] = []
  const client = new OldClient(INFO, { capabilities: CAPABILITIES })
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => answer(asked, params))
  client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => {
    asked.push({ ...params })
    return SAMPLED
  })
  client.setRequestHandler(ListRootsRequestSchema, () => ROOTS)
  const schemas = [
    ToolListChangedNotificationSchema,
    PromptListChangedNotificationSchema,
    ResourceListChangedNotificationSchema,
  ]
  for (const [at, schema] of schemas.entries()) {
    client.setNotificationHandler(schema, () => void heard.push(CHANGED[at] ?? ''))
  }
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    heard.push(`updated ${params.uri}`)
  })
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
    heard.push(`log ${params.level}`)
  })
  client.setNotificationHandler(ElicitationCompleteNotificationSchema, ({ params }) => {
    heard.push(`complete ${params.elicitationId}`)
  })
  const transport =
    'url' in place
      ? new OldHttp(place.url)
      : new OldStdio({ ...place, args: [...place.args], stderr: 'inherit' })
  await client.connect(transport)
  return {
    era: 'legacy',
    heard,
    asked,
    instructions: client.getInstructions(),
    capabilities: { ...client.getServerCapabilities() },
    tools: async () => (await client.listTools()).tools,
    call: async (name, args = {}, options) =>
      (await client.callTool({ name, arguments: args }, undefined, options)) as unknown as Result,
    resources: async () => (await client.listResources()).resources,
    templates: async () => (await client.listResourceTemplates()).resourceTemplates,
    read: async (uri) => (await client.readResource({ uri })).contents,
    prompts: async () => (await client.listPrompts()).prompts,
    prompt: async (name, args) => {
      const { messages } = await client.getPrompt({ name, arguments: args })
      return messages.map((message) => ({ ...message }))
    },
    complete: async (ref, value, context) => {
      const argument = { name: 'who', value }
      const more = context ? { context: { arguments: context } } : {}
      const said = await client.complete({ ref: ref as never, argument, ...more })
      return said.completion.values
    },
    follow: async (uri) => void (await client.subscribeResource({ uri })),
    setLevel: async (level) => void (await client.setLoggingLevel(level)),
    close: async () => {
      if (transport instanceof OldHttp) await transport.terminateSession()
      await client.close()
    },
  }
}
