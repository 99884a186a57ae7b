/** Sessions of clients before 2026-07-28: one server for each, so that it can ask back. */
import { randomUUID } from 'node:crypto'
import {
  WebStandardStreamableHTTPServerTransport as Transport,
  type McpServer,
} from '@modelcontextprotocol/server'

/** Clients that never say goodbye are many; past this the oldest session is closed. */
const SESSIONS_MAX = 1_000

export interface Sessions {
  readonly fetch: (request: Request) => Promise<Response>
  readonly close: () => Promise<void>
}

export function makeSessions(make: () => McpServer): Sessions {
  const sessions = new Map<string, Transport>()
  const open = async (): Promise<Transport> => {
    const transport = new Transport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        sessions.set(id, transport)
        const [oldest] = sessions
        if (sessions.size > SESSIONS_MAX && oldest) void oldest[1].close()
      },
    })
    transport.onclose = () => {
      if (transport.sessionId !== undefined) sessions.delete(transport.sessionId)
    }
    await make().connect(transport)
    return transport
  }
  return {
    fetch: async (request) => {
      const id = request.headers.get('mcp-session-id')
      const known = id === null ? await open() : sessions.get(id)
      if (known) return known.handleRequest(request)
      // 2025-11-25, transports: an unknown session is 404, and the client starts anew.
      const error = { code: -32_001, message: 'Session not found' }
      return Response.json({ jsonrpc: '2.0', error, id: null }, { status: 404 })
    },
    close: async () => {
      await Promise.all([...sessions.values()].map((transport) => transport.close()))
    },
  }
}
