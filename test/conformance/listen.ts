// How both fixtures are started: `--port N` (0: any free one) or `--stdio`, until SIGTERM.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { parseArgs } from 'node:util'
import { localhostHostValidation, localhostOriginValidation } from '@modelcontextprotocol/node'

export type Handle = (request: IncomingMessage, response: ServerResponse) => Promise<void>

export const fixtureArguments = () => {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      stdio: { type: 'boolean', default: false },
    },
  })
  return { port: Number(values.port), stdio: values.stdio }
}

/** Serves `/mcp` on the loopback interface to local callers only (DNS rebinding). */
export const listen = (port: number, handle: Handle): void => {
  const hostIsLocal = localhostHostValidation()
  const originIsLocal = localhostOriginValidation()
  const server = createServer((request, response) => {
    if (!hostIsLocal(request, response) || !originIsLocal(request, response)) return
    if (new URL(request.url ?? '/', 'http://localhost').pathname !== '/mcp') {
      response.writeHead(404).end()
      return
    }
    handle(request, response).catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`)
      if (!response.headersSent) response.writeHead(500)
      response.end()
    })
  })
  server.listen(port, '127.0.0.1', () => {
    const address = server.address()
    const bound = typeof address === 'object' && address !== null ? address.port : port
    process.stdout.write(`listening http://127.0.0.1:${bound}/mcp\n`)
  })
  // Open streams would keep the process alive for as long as a client listens.
  process.once('SIGTERM', () => process.exit(0))
}
