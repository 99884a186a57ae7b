/** The way out for the agent programs, which is closed: it lets nothing through and remembers who tried. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Outside extends AsyncDisposable {
  readonly url: string
  /** Where a program wanted to go. */
  readonly tried: readonly string[]
}

export async function closeOutside(): Promise<Outside> {
  const tried: string[] = []
  const server = createServer((request, response) => {
    tried.push(request.url ?? '')
    response.writeHead(403).end()
  })
  server.on('connect', (request, socket) => {
    tried.push(request.url ?? '')
    socket.on('error', () => undefined).end('HTTP/1.1 403 Forbidden\r\n\r\n')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${String(port)}`,
    tried,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
