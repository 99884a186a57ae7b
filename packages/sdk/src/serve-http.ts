/** Streamable HTTP in both eras at one address: stateless for 2026-07-28, sessions for older clients. */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import {
  hostHeaderValidation,
  NodeStreamableHTTPServerTransport,
  originValidation,
  toNodeHandler,
  toWebRequest,
} from '@modelcontextprotocol/node'
import { createMcpHandler, isLegacyRequest, type McpServer } from '@modelcontextprotocol/server'
import type { HttpOptions } from './serve.ts'

const PATH = '/mcp'
const LOCAL = ['localhost', '127.0.0.1', '[::1]']
/** Sessions of older clients that never say goodbye; past this the oldest is closed. */
const SESSIONS_MAX = 1_000

export async function serveHttp(make: () => McpServer, { port, host, hosts }: HttpOptions) {
  const modern = createMcpHandler(make, { legacy: 'reject' })
  const handleModern = toNodeHandler(modern)
  const legacy = makeSessions(make)
  const names = [...(hosts ?? LOCAL)]
  // Against DNS rebinding: a page in a browser resolves its own name to this machine.
  const isHostFine = hostHeaderValidation(names)
  const isOriginFine = originValidation(names)
  const server = createServer((request, response) => {
    if (!isHostFine(request, response) || !isOriginFine(request, response)) return
    if (new URL(request.url ?? '/', 'http://host').pathname !== PATH) {
      response.writeHead(404).end()
      return
    }
    answer(request, response).catch(() => response.destroy())
  })
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = PATH } = request
    const whole = Object.assign(request, { method, url })
    const body = method === 'POST' ? await readJson(request) : undefined
    const isLegacy = await isLegacyRequest(await toWebRequest(whole, body), body)
    await (isLegacy ? legacy.handle(request, response, body) : handleModern(whole, response, body))
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host ?? LOCAL[1], resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('It listens on no port.')
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return {
    url: new URL(`http://${name}:${String(address.port)}${PATH}`),
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      await Promise.all([modern.close(), legacy.close()])
      server.closeAllConnections()
      await closed
    },
  }
}
