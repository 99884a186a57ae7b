import { encodeHeaderValue, isModern } from '@countersign/contract'
import { Pool } from 'undici'
import type { World } from '#base'
import type { Log, TraceContext } from '#telemetry'
import type { Credential } from './credential.ts'
import type { HttpExchange } from './http-exchange.ts'
import { sendShowing, type Sending } from './shown-exchange.ts'
import type { Parcel } from './wire.ts'

/** Connections to one server: every call may hold one for as long as it runs. */
const CONNECTIONS_MAX = 256
const CONNECT_MS = 10_000

/** What the hop itself decides; a configured header of that name is not sent (H-038). */
const OURS =
  /^(?:accept|content-type|content-length|connection|host|transfer-encoding|last-event-id|traceparent|tracestate|baggage|mcp-.*)$/i

export interface HttpOptions {
  readonly world: World
  readonly log: Log
  readonly server: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly bytesMax: number
  /** Shown with each request; undefined where the configured headers are all there is. */
  readonly credential?: Credential | undefined
}

/** The far end of a Streamable HTTP or HTTP+SSE connection: where it is, and what is sent along. */
export class HttpPeer {
  readonly options: HttpOptions
  readonly pool: Pool
  readonly path: string
  readonly origin: string
  /** Of a legacy session (H-078). A modern server's is ignored (H-053). */
  sessionId: string | undefined
  readonly #configured: readonly string[]

  constructor(options: HttpOptions) {
    const url = new URL(options.url)
    this.options = options
    this.origin = url.origin
    this.path = url.pathname + url.search
    this.#configured = configuredHeaders(options.headers, url)
    this.pool = new Pool(url.origin, {
      connections: CONNECTIONS_MAX,
      pipelining: 1,
      // HTTP/2 would repeat refused streams by itself; nothing here is ever sent twice (BR-012).
      allowH2: false,
      // Quiet streams are normal; deadlines are ours (H-056).
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: CONNECT_MS },
    })
    // A failed connection is told to the request that wanted it.
    this.pool.on('connectionError', () => undefined)
  }

  /** Sends one request, with a credential where one has to be shown. */
  send(sending: Sending, exchange: HttpExchange, showed?: (credential: string) => void): void {
    const { pool, origin, options } = this
    const { credential } = options
    if (credential) void sendShowing({ pool, origin, credential, showed }, sending, exchange)
    else pool.dispatch({ ...sending, headers: [...sending.headers] }, exchange)
  }

  postHeaders(parcel: Parcel): string[] {
    const headers = [
      ...this.#configured,
      'content-type',
      'application/json',
      'accept',
      'application/json, text/event-stream', // H-024
    ]
    const { revision, trace } = parcel
    if (trace) pushTrace(headers, trace)
    if (revision === undefined) return headers
    headers.push('mcp-protocol-version', revision) // H-027, H-082
    if (isModern(revision)) pushModern(headers, parcel)
    else if (this.sessionId !== undefined) headers.push('mcp-session-id', this.sessionId)
    return headers
  }

  /** For GET and DELETE, which exist in legacy sessions only. */
  sessionHeaders(revision: string | undefined, lastEventId: string | undefined): string[] {
    const headers = [...this.#configured, 'accept', 'text/event-stream']
    if (revision !== undefined) headers.push('mcp-protocol-version', revision)
    if (this.sessionId !== undefined) headers.push('mcp-session-id', this.sessionId)
    if (lastEventId !== undefined) headers.push('last-event-id', lastEventId)
    return headers
  }
}

/** W3C Trace Context §3; what is in it was found sound when it came. */
function pushTrace(headers: string[], { traceparent, tracestate, baggage }: TraceContext): void {
  headers.push('traceparent', traceparent)
  if (tracestate !== undefined) headers.push('tracestate', tracestate)
  if (baggage !== undefined) headers.push('baggage', baggage)
}

/** The body says it all; these repeat parts of it for whoever routes (H-028, H-038, F-022). */
function pushModern(headers: string[], { method, name, paramHeaders }: Parcel): void {
  if (method !== undefined) headers.push('mcp-method', method)
  if (name !== undefined) headers.push('mcp-name', encodeHeaderValue(name))
  for (const [header, value] of Object.entries(paramHeaders ?? {})) {
    if (/^mcp-param-/i.test(header)) headers.push(header, encodeHeaderValue(value))
  }
}

function configuredHeaders(declared: Readonly<Record<string, string>>, url: URL): string[] {
  const kept = Object.entries(declared).filter(([name]) => !OURS.test(name))
  if (url.username !== '' && !kept.some(([name]) => name.toLowerCase() === 'authorization')) {
    const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
    kept.push(['authorization', `Basic ${Buffer.from(pair).toString('base64')}`])
  }
  return kept.flat()
}
