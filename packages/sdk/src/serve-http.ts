/** Streamable HTTP in both eras at one address: stateless for 2026-07-28, sessions for older clients. */
import { createServer } from 'node:http'
import { hostHeaderValidation, originValidation, toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, isLegacyRequest } from '@modelcontextprotocol/server'
import type { serverMaker } from './make-server.ts'
import { patiently } from './patience.ts'
import { makeSessions } from './sessions.ts'
import type { HttpOptions } from './serve.ts'
import { httpNews } from './tasks/http-news.ts'
import type { Tasks } from './tasks/tasks.ts'

const PATH = '/mcp'
const LOOPBACK = '127.0.0.1'
const LOCAL_NAMES = ['localhost', LOOPBACK, '[::1]']

export interface Listening {
  readonly url: URL
  readonly close: () => Promise<void>
}

export async function serveHttp(
  make: ReturnType<typeof serverMaker>,
  options: HttpOptions,
  tasks?: Tasks,
): Promise<Listening> {
  const { port, host = LOOPBACK, hosts = LOCAL_NAMES } = options
  const modern = createMcpHandler(make, { legacy: 'reject' })
  const legacy = makeSessions(() => make({ era: 'legacy' }))
  const news = tasks ? httpNews(tasks, modern) : undefined
  const handle = toNodeHandler({
    fetch: async (request, extra) =>
      (await isLegacyRequest(request))
        ? legacy.fetch(request)
        : patiently(request, () => (news ?? modern).fetch(request, extra)),
  })
  // Against DNS rebinding: a page in a browser can make its own name mean this machine.
  const isHostFine = hostHeaderValidation([...hosts])
  const isOriginFine = originValidation([...hosts])
  const server = createServer((request, response) => {
    if (!isHostFine(request, response) || !isOriginFine(request, response)) return
    const { method = 'GET', url = '/' } = request
    if (url.split('?', 1)[0] !== PATH) {
      response.writeHead(404).end()
      return
    }
    handle(Object.assign(request, { method, url }), response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('It has no port.')
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return {
    url: new URL(PATH, `http://${name}:${String(address.port)}`),
    close: async () => {
      const closed = new Promise((resolve) => {
        server.close(resolve)
      })
      news?.close()
      await Promise.all([modern.close(), legacy.close()])
      server.closeAllConnections()
      await closed
    },
  }
}
