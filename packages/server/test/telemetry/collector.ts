// A collector in this process: takes OTLP over HTTP as protobuf, and keeps every byte.

import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  linesIn,
  metricsIn,
  spansIn,
  type ReceivedLine,
  type ReceivedMetric,
  type ReceivedSpan,
} from './otlp.ts'

export interface Collector extends AsyncDisposable {
  readonly url: string
  readonly spans: () => readonly ReceivedSpan[]
  readonly lines: () => readonly ReceivedLine[]
  readonly metrics: () => readonly ReceivedMetric[]
  readonly headers: readonly IncomingHttpHeaders[]
  /** All that came, as text: what must not be told is looked for in here. */
  readonly text: () => string
  /** Resolves when a request has come, answered or not. */
  readonly visited: Promise<void>
}

/** `hangs`: takes what it is sent, and never answers. */
export async function openCollector({ hangs = false } = {}): Promise<Collector> {
  const received: { readonly path: string; readonly body: Buffer }[] = []
  const headers: IncomingHttpHeaders[] = []
  const visited = Promise.withResolvers<void>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      headers.push(request.headers)
      received.push({ path: request.url ?? '', body: Buffer.concat(chunks) })
      visited.resolve()
      if (hangs) return
      response.writeHead(200, { 'content-type': 'application/x-protobuf' })
      response.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const at = (path: string): readonly Buffer[] =>
    received.filter((one) => one.path === path).map(({ body }) => body)
  return {
    url: `http://127.0.0.1:${String(port)}`,
    spans: () => at('/v1/traces').flatMap(spansIn),
    lines: () => at('/v1/logs').flatMap(linesIn),
    metrics: () => at('/v1/metrics').flatMap(metricsIn),
    headers,
    text: () => Buffer.concat(received.map(({ body }) => body)).toString('latin1'),
    visited: visited.promise,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
