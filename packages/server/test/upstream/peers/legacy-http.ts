import { randomUUID } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import {
  StreamableHTTPServerTransport,
  type EventStore,
} from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { makeLegacyServer, makeNotes, type Notes } from './legacy-server.ts'

export interface HttpPeer {
  readonly url: string
  readonly close: () => Promise<void>
}

export interface LegacyHttpPeer extends HttpPeer {
  readonly notes: Notes
  /** Method and MCP headers of every request, in order. */
  readonly requests: { readonly method: string; readonly headers: IncomingMessage['headers'] }[]
  /** Forgets all sessions, as a restarted server does. */
  readonly forget: () => void
}

/** SDK v1 over Streamable HTTP with sessions, answering by SSE or by JSON. */
export async function serveLegacy(
  options: {
    readonly json?: boolean
    readonly eventStore?: EventStore
    /** What each session talks to. */
    readonly make?: (notes: Notes) => McpServer
  } = {},
): Promise<LegacyHttpPeer> {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const notes = makeNotes()
  const requests: LegacyHttpPeer['requests'] = []
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requests.push({ method: request.method ?? '', headers: request.headers })
    const id = request.headers['mcp-session-id']
    const known = typeof id === 'string' ? sessions.get(id) : undefined
    if (known) return known.handleRequest(request, response)
    if (typeof id === 'string') {
      const error = { code: -32001, message: 'Session not found' }
      response.writeHead(404, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', error, id: null }))
      return
    }
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      enableJsonResponse: options.json === true,
      ...(options.eventStore ? { eventStore: options.eventStore, retryInterval: 50 } : {}),
      onsessioninitialized: (session) => void sessions.set(session, transport),
      onsessionclosed: (session) => void sessions.delete(session),
    })
    await (options.make ?? makeLegacyServer)(notes).connect(transport)
    await transport.handleRequest(request, response)
  }
  const peer = await listen((request, response) => void handle(request, response))
  return { ...peer, notes, requests, forget: () => sessions.clear() }
}

/** Serves on a free port of the loopback interface. */
export async function listen(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  port = 0,
): Promise<HttpPeer> {
  const server: Server = createServer(handle)
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new TypeError('no address')
  return {
    url: `http://127.0.0.1:${address.port}/mcp`,
    close: async () => {
      if (!server.listening) return
      server.closeAllConnections()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}
