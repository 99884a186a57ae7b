import type { IncomingMessage } from 'node:http'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler } from '@modelcontextprotocol/server'
import { listen, type HttpPeer } from './legacy-http.ts'
import { makeModernServer } from './modern-server.ts'

export interface ModernHttpPeer extends HttpPeer {
  readonly requests: IncomingMessage['headers'][]
  readonly announce: () => void
}

/** SDK v2 over Streamable HTTP, modern only. */
export async function serveModern(port = 0): Promise<ModernHttpPeer> {
  const requests: IncomingMessage['headers'][] = []
  const handler = createMcpHandler(() => makeModernServer(() => handler.notify.toolsChanged()), {
    legacy: 'reject',
  })
  const handle = toNodeHandler(handler)
  const peer = await listen((request, response) => {
    requests.push(request.headers)
    const { method = 'GET', url = '/' } = request
    void handle(Object.assign(request, { method, url }), response)
  }, port)
  return { ...peer, requests, announce: () => handler.notify.toolsChanged() }
}
