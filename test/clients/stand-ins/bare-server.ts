/** An MCP server that does nothing by itself: the test decides about every byte of an answer. */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { isJson, json, type Json } from '../model/wire.ts'

/** One `tools/call` that is open. */
interface Call {
  readonly id: unknown
  readonly arguments: Json
  readonly answer: (result: Json) => void
  /** Resolves when the client has closed the connection, or the answer is complete. */
  readonly closed: Promise<unknown>
}

export interface BareServer extends AsyncDisposable {
  readonly url: URL
  /** Methods that were asked for, oldest first. */
  readonly methods: readonly string[]
  readonly cancelled: readonly unknown[]
  /** Resolves with the next call. */
  readonly called: () => Promise<Call>
}

export interface Offer {
  readonly tools: readonly Json[]
  /** What `server/discover` answers; it is unknown without. */
  readonly discovered?: Json
}

export async function openBareServer({ tools, discovered }: Offer): Promise<BareServer> {
  const methods: string[] = []
  const cancelled: unknown[] = []
  let next = Promise.withResolvers<Call>()
  const results: Readonly<Record<string, Json | undefined>> = {
    initialize: { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 'bare' } },
    'server/discover': discovered,
    'tools/list': { tools },
  }
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { id, method, params } = json(JSON.parse(body))
      methods.push(String(method))
      if (method === 'notifications/cancelled') cancelled.push(json(params)['requestId'])
      if (id === undefined) return response.writeHead(202).end()
      if (method === 'tools/call') return next.resolve(open(id, json(params), response))
      const result = results[String(method)]
      const error = { code: -32_601, message: 'Method not found' }
      response.writeHead(200, { 'content-type': 'application/json' })
      return response.end(
        JSON.stringify({ jsonrpc: '2.0', id, ...(isJson(result) ? { result } : { error }) }),
      )
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: new URL(`http://127.0.0.1:${String(port)}/mcp`),
    methods,
    cancelled,
    called: async () => {
      const call = await next.promise
      next = Promise.withResolvers()
      return call
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function open(id: unknown, params: Json, response: ServerResponse): Call {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
  return {
    id,
    arguments: json(params['arguments']),
    answer: (result) => {
      response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`)
    },
    closed: once(response, 'close'),
  }
}
