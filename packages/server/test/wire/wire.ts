// The bytes of a client: requests written by hand, and everything that comes back for them.

import { once } from 'node:events'
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'

/** JSON as it comes, without a type. */
export type Loose = ReturnType<typeof JSON.parse>
export type Headers = Readonly<Record<string, string | readonly string[]>>

/** One server-sent event or comment, as it stood on the stream. */
export interface StreamEvent {
  readonly id?: string
  readonly event?: string
  readonly data?: string
  readonly retry?: string
  readonly comment?: string
}

/** A response that is read while it arrives. */
export interface Live {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The next event or comment; undefined when the stream is over. */
  readonly event: () => Promise<StreamEvent | undefined>
  /** The next JSON-RPC message; fails when there is none. */
  readonly message: () => Promise<Loose>
  /** Reads to the end, and returns what had not been read before. */
  readonly rest: () => Promise<readonly StreamEvent[]>
  readonly text: () => Promise<string>
  /** Breaks the connection. */
  readonly close: () => void
}

/** A whole response. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** Every JSON-RPC message in it, whether it was JSON or a stream. */
  readonly messages: readonly Loose[]
  /** The last of them. */
  readonly message: Loose
  readonly events: readonly StreamEvent[]
}

export const BOTH = 'application/json, text/event-stream'

/** Sends one HTTP request and resolves when its head has come. */
export async function start(
  url: URL,
  { method = 'POST', headers = {}, body }: { method?: string; headers?: Headers; body?: unknown },
): Promise<Live> {
  const text =
    body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
      ? body
      : JSON.stringify(body)
  const given = Object.fromEntries(
    Object.entries({
      accept: BOTH,
      ...(text === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    }).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  )
  // An empty value leaves a header out that would be sent otherwise.
  for (const name of ['accept', 'content-type']) if (given[name] === '') delete given[name]
  const asked = request(url, { method, headers: given, agent: false })
  asked.end(text)
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  return live(response, () => asked.destroy())
}

function live(response: IncomingMessage, close: () => void): Live {
  response.setEncoding('utf8')
  response.on('error', () => undefined) // A connection that we break ourselves.
  const chunks = response[Symbol.asyncIterator]() as AsyncIterableIterator<string>
  let pending = ''
  const event = async (): Promise<StreamEvent | undefined> => {
    for (;;) {
      const end = pending.indexOf('\n\n')
      if (end >= 0) {
        const block = pending.slice(0, end)
        pending = pending.slice(end + 2)
        return readEvent(block)
      }
      const { done, value } = await chunks.next()
      if (done === true) return undefined
      pending += value
    }
  }
  const text = async (): Promise<string> => {
    let whole = pending
    pending = ''
    for (;;) {
      const { done, value } = await chunks.next()
      if (done === true) return whole
      whole += value
    }
  }
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    event,
    text,
    close,
    message: async () => {
      for (;;) {
        const next = await event()
        if (next === undefined) throw new Error('the stream ended without a message')
        if (next.data !== undefined && next.data !== '') return JSON.parse(next.data)
      }
    },
    rest: async () => {
      const events: StreamEvent[] = []
      for (let next = await event(); next; next = await event()) events.push(next)
      return events
    },
  }
}

function readEvent(block: string): StreamEvent {
  const fields: Record<string, string> = {}
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    const name = colon === 0 ? 'comment' : line.slice(0, colon)
    fields[name] = line.slice(colon + 1).replace(/^ /, '')
  }
  return fields
}

/** Sends one HTTP request and reads all that comes back. */
export async function send(
  url: URL,
  asked: { method?: string; headers?: Headers; body?: unknown },
): Promise<Answer> {
  const response = await start(url, asked)
  const { status, headers } = response
  const isStream = headers['content-type'] === 'text/event-stream'
  const events = isStream ? await response.rest() : []
  const text = isStream ? '' : await response.text()
  const isJson = headers['content-type'] === 'application/json' && text !== ''
  const messages: Loose[] = isJson
    ? [JSON.parse(text)].flat()
    : events.flatMap(({ data }) => (data ? [JSON.parse(data)] : []))
  return { status, headers, text, events, messages, message: messages.at(-1) }
}

export const VERSION = 'io.modelcontextprotocol/protocolVersion'
export const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'
export const LOG_LEVEL = 'io.modelcontextprotocol/logLevel'
export const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId'
export const MODERN = '2026-07-28'

export interface Asked {
  readonly id?: string | number
  readonly capabilities?: object
  readonly meta?: object
  readonly headers?: Headers
}

/** One modern request as its client writes it. */
export const modern = (method: string, params: object = {}, asked: Asked = {}): Loose => ({
  jsonrpc: '2.0',
  id: asked.id ?? 1,
  method,
  params: {
    ...params,
    _meta: { [VERSION]: MODERN, [CAPABILITIES]: asked.capabilities ?? {}, ...asked.meta },
  },
})

/** The headers that repeat parts of a modern body. */
export function mirror({ method, params }: Loose): Record<string, string> {
  const name: unknown = method === 'resources/read' ? params.uri : params.name
  return {
    'mcp-protocol-version': params._meta[VERSION],
    'mcp-method': method,
    ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
  }
}

/** Asks in the modern era and reads all that comes back. */
export function ask(
  url: URL,
  method: string,
  params: object = {},
  asked: Asked = {},
): Promise<Answer> {
  const body = modern(method, params, asked)
  return send(url, { headers: { ...mirror(body), ...asked.headers }, body })
}

/** Asks in the modern era and reads while it comes. */
export function begin(
  url: URL,
  method: string,
  params: object = {},
  asked: Asked = {},
): Promise<Live> {
  const body = modern(method, params, asked)
  return start(url, { headers: { ...mirror(body), ...asked.headers }, body })
}
