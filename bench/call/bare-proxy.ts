// What the gateway is measured against: a proxy that a good engineer writes in an hour. It forwards
// every byte over pooled connections and knows nothing of what it forwards.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool, type Dispatcher } from 'undici'

/** Headers that belong to one connection (RFC 9110 §7.6.1), and the one that the pool writes. */
const HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'te', 'upgrade', 'host'])

const [, , upstream = ''] = process.argv
const pool = new Pool(upstream, { connections: 256, headersTimeout: 0, bodyTimeout: 0 })

function endToEnd(raw: readonly string[]): string[] {
  const kept: string[] = []
  for (let at = 0; at < raw.length; at += 2) {
    const [name = '', value = ''] = [raw[at], raw[at + 1]]
    if (!HOP.has(name.toLowerCase())) kept.push(name, value)
  }
  return kept
}

const server = createServer({ keepAliveTimeout: 300_000 }, (request, response) => {
  const method = (request.method ?? 'GET') as Dispatcher.HttpMethod
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const headers = endToEnd(request.rawHeaders)
    const body = chunks.length > 0 ? Buffer.concat(chunks) : null
    const refuse = (): void => {
      if (response.headersSent) response.destroy()
      else response.writeHead(502).end()
    }
    pool.dispatch(
      { method, path: request.url ?? '/', headers, body },
      {
        onRequestStart: (controller) => {
          response.once('close', () => {
            if (!response.writableFinished) controller.abort(new Error('the client has left'))
          })
        },
        onResponseStart: (_controller, status, answered) => {
          for (const name of HOP) delete answered[name]
          response.writeHead(status, answered)
        },
        onResponseData: (controller, chunk) => {
          if (response.write(chunk)) return
          controller.pause()
          response.once('drain', () => controller.resume())
        },
        onResponseEnd: () => response.end(),
        onResponseError: refuse,
      },
    )
  })
})

server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port })
})
process.once('disconnect', () => process.exit(0))
process.once('SIGTERM', () => process.exit(0))
