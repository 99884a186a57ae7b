/** The program that is rolled out. Its host starts it with its release, and is told where it listens. */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'

interface Settings {
  readonly version: string
  readonly greeting: string
  /** A release that is not what it should be, to see what a rollout makes of it. */
  readonly defect: 'none' | 'unhealthy' | 'unwell-in-traffic'
}
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by build.ts
const { version, greeting, defect } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'release.json'), 'utf8'),
) as Settings

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === '/health') {
    response.writeHead(defect === 'unhealthy' ? 500 : 200).end(version)
    return
  }
  // An upload takes as long as its sender likes; who has begun one must be able to end it.
  let bytes = 0
  for await (const chunk of request) bytes += Buffer.byteLength(String(chunk))
  const status = defect === 'unwell-in-traffic' ? 500 : 200
  response.writeHead(status, { 'x-version': version }).end(`${greeting} (${String(bytes)} bytes)`)
}

const server = createServer((request, response) => {
  answer(request, response).catch(() => response.destroy())
})
server.listen(0, '127.0.0.1', () => {
  process.send?.(server.address())
})
process.once('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})
// Its host is gone: nobody can reach it any more, and it must not be left over.
process.once('disconnect', () => process.exit(1))
