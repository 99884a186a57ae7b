// What the gateway is measured against: a proxy that a good engineer writes in an hour. It forwards
// every byte over pooled connections and knows nothing of what it forwards.

import { createServer, type ServerResponse } from 'node:http'
import { Pool } from 'undici'
import { listenForParent } from '../listen.ts'

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

function refuse(response: ServerResponse): void {
  if (response.headersSent) response.destroy()
  else response.writeHead(502).end()
}

const server = createServer({ keepAliveTimeout: 300_000 }, (request, response) => {
  const method = request.method ?? 'GET'
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const headers = endToEnd(request.rawHeaders)
    const body = chunks.length > 0 ? Buffer.concat(chunks) : null
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
        onResponseError: () => refuse(response),
      },
    )
  })
})

await listenForParent(server)
