/** Real clients of tools that take their time, in the few words the stories speak. */
import { createTaskSessionFromClient } from '@modelcontextprotocol/ext-tasks/client'
import { Client as ModernClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as OldStdio } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { share, type Raw } from './raw-dispatch.ts'

const PEER = { name: 'durable-test-client', version: '1.0.0' }
export const EXTENSION = 'io.modelcontextprotocol/tasks'

/** Where a server is: at an address, or a program to start. */
export type Where = URL | { readonly command: string; readonly args: string[] }

type Answer =
  | { action: 'accept'; content: Record<string, string | boolean> }
  | { action: 'decline' }

/** What a person answers, whichever question comes. */
export type Person = (message: string) => Answer
export const agreeable: Person = (message) => ({
  action: 'accept',
  content: message.startsWith('Who') ? { name: 'Ada' } : { yes: true },
})

const capabilities = { elicitation: { form: {}, url: {} } }

/** A client of the v2 SDK that speaks 2026-07-28 or 2025-11-25, and raw requests beside it. */
export async function connect(
  where: Where,
  era: 'modern' | 'legacy',
  person: Person = agreeable,
): Promise<{ readonly client: ModernClient; readonly raw: Raw }> {
  const client = new ModernClient(PEER, {
    capabilities,
    ...(era === 'modern' ? { versionNegotiation: { mode: { pin: '2026-07-28' } } } : {}),
  })
  if (era === 'modern') {
    client.setRequestHandler('elicitation/create', ({ params }) => person(params.message))
  }
  const transport =
    where instanceof URL
      ? new StreamableHTTPClientTransport(where)
      : new StdioClientTransport(where)
  const { shared, raw } = share(transport)
  await client.connect(shared)
  return { client, raw }
}

/** What a modern request says of its sender. */
export const envelope = (isTasking = true) => ({
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': PEER,
  'io.modelcontextprotocol/clientCapabilities': {
    ...capabilities,
    ...(isTasking ? { extensions: { [EXTENSION]: {} } } : {}),
  },
})

/** The official task client, over either protocol. */
export async function taskSession(where: Where, era: 'modern' | 'legacy', person = agreeable) {
  const { client, raw } = await connect(where, era, person)
  const session = createTaskSessionFromClient(client, {
    endpointId: 'durable-test',
    rawDispatch: raw.dispatch,
    v2RequestFraming: {
      protocolVersion: '2026-07-28',
      clientInfo: PEER,
      clientCapabilities: capabilities,
    },
    onInputRequest: (async (request: { params: { message?: unknown } }) =>
      person(String(request.params.message))) as never,
  })
  const close = async (): Promise<void> => {
    await session.close()
    await client.close()
  }
  return { session, client, raw, [Symbol.asyncDispose]: close }
}

/** The v1 SDK, whose experimental half knows the tasks of 2025-11-25. */
export async function connectV1(where: Where, person: Person = agreeable) {
  const client = new OldClient(PEER, { capabilities })
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => person(params.message))
  await client.connect(where instanceof URL ? new OldHttp(where) : new OldStdio(where))
  return { client, [Symbol.asyncDispose]: () => client.close() }
}
