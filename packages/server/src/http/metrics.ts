import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { FAULTS, Fault, toFault } from '@countersign/contract'
import { requireToken } from '#admin'
import type { Secret } from '#base'
import { checkCaller } from './callers.ts'
import { listenOn } from './listen-on.ts'
import type { Route } from './routes.ts'

const METRICS_PATH = '/metrics'
/** What Prometheus reads. */
const TYPE = 'text/plain; version=0.0.4; charset=utf-8'
/** A scraper that hangs ends without us. */
const SCRAPE_MS = 10_000
const CONNECTIONS_MAX = 20
const FIELDS = { port: 'telemetry.metrics.listen', address: 'telemetry.metrics.listen' }

export interface Metrics {
  readonly exposition: () => Promise<string>
  /** Undefined: whoever reaches it may read it. */
  readonly token: Secret | undefined
}

/** Beside everything else, for whoever shows the token. */
export const metricsRoute = (metrics: Metrics): Route => ({
  method: 'GET',
  path: METRICS_PATH,
  answer: (request, response) => answer(metrics, request, response),
})

/** At an address of its own, where nothing else is served. */
export async function openMetrics(
  metrics: Metrics,
  listen: { readonly host: string; readonly port: number },
): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const server = createServer({ requestTimeout: SCRAPE_MS }, (request, response) => {
    scrape(metrics, listen.host, request, response).catch((thrown: unknown) => {
      refuse(response, toFault(thrown))
    })
  })
  server.maxConnections = CONNECTIONS_MAX
  const port = await listenOn(server, listen, FIELDS)
  // It keeps nobody alive: what is served is served at the other door.
  server.unref()
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}

async function scrape(
  metrics: Metrics,
  host: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A page on the web that was made to resolve to this machine has no token (DNS rebinding).
  if (!metrics.token)
    checkCaller(new Set(['localhost', '127.0.0.1', '[::1]', host]), request.headers)
  const path = (request.url ?? '/').split('?', 1)[0]
  if (path !== METRICS_PATH || request.method !== 'GET') {
    throw new Fault('http/not-found', 'Here is nothing but GET /metrics.')
  }
  await answer(metrics, request, response)
}

async function answer(
  { exposition, token }: Metrics,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (token) {
    response.setHeader('www-authenticate', 'Bearer')
    requireToken(request, token)
    response.removeHeader('www-authenticate')
  }
  const text = await exposition()
  response.writeHead(200, { 'content-type': TYPE, 'cache-control': 'no-store' })
  response.end(text)
}

function refuse(response: ServerResponse, fault: Fault): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.writeHead(FAULTS[fault.code].http, { 'content-type': 'text/plain', connection: 'close' })
  response.end(`${fault.message}\n`)
}
