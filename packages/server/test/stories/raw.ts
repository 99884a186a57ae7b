// HTTP as a stranger speaks it: every header and byte is the story's own.

import { request as open, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { createParser } from 'eventsource-parser'
import type { Loose } from './clients.ts'

/** Whatever came over the wire: a story says what it should be. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Wire = any

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  /** The answer, whether it came as JSON or as the last event of a stream. */
  readonly json: Wire
  /** The messages of an event stream, oldest first. */
  readonly events: readonly Event[]
}
export interface Event {
  readonly id: string | undefined
  readonly data: Wire
}

export interface Ask {
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Buffer
}

/** One request, answered whole. */
export async function ask(url: URL, { method = 'POST', headers = {}, body }: Ask): Promise<Answer> {
  const stream = await begin(url, { method, headers, ...(body === undefined ? {} : { body }) })
  await stream.ended
  return stream.answer()
}

/** A response that is still coming. */
export interface Coming {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly events: readonly Event[]
  /** Resolves with the first event, past ones included, that is wanted. */
  readonly event: (wanted: (data: Wire) => boolean) => Promise<Event>
  readonly ended: Promise<void>
  readonly answer: () => Answer
  /** Breaks the connection without a word. */
  readonly drop: () => void
}

export function begin(url: URL, { method = 'POST', headers = {}, body }: Ask): Promise<Coming> {
  return new Promise((resolve, reject) => {
    const sent = open(url, { method, headers, agent: false }, (response) => {
      resolve(receive(response, () => sent.destroy()))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

function receive(response: IncomingMessage, drop: () => void): Coming {
  const chunks: Buffer[] = []
  const events: Event[] = []
  const looks = new Set<() => void>()
  const { statusCode: status = 0, headers } = response
  const isStream = headers['content-type']?.startsWith('text/event-stream') === true
  const parser = createParser({
    onEvent: ({ id, data }) => {
      events.push({ id, data: data === '' ? undefined : JSON.parse(data) })
      for (const look of looks) look()
    },
  })
  const decoder = new TextDecoder()
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    if (isStream) parser.feed(decoder.decode(chunk, { stream: true }))
  })
  const ended = new Promise<void>((resolve) => {
    response.once('close', resolve)
    response.once('error', () => resolve())
  })
  const event = (wanted: (data: Wire) => boolean): Promise<Event> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = events.find(({ data }) => data !== undefined && wanted(data))
        if (!found) return
        looks.delete(look)
        resolve(found)
      }
      looks.add(look)
      look()
      void ended.then(() => reject(new Error(`the stream ended: ${JSON.stringify(events)}`)))
    })
  const answer = (): Answer => {
    const text = Buffer.concat(chunks).toString()
    const isJson = headers['content-type']?.startsWith('application/json') === true
    const json = isJson ? JSON.parse(text) : events.at(-1)?.data
    return { status, headers, text, events, json }
  }
  return { status, headers, events, event, ended, answer, drop }
}

export const MODERN = '2026-07-28'
export const BOTH = 'application/json, text/event-stream'
const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion'
const CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities'

export const envelope = (more: Loose = {}, capabilities: Loose = {}): Loose => ({
  [VERSION_KEY]: MODERN,
  [CAPABILITIES_KEY]: capabilities,
  ...more,
})

/** A request of 2026-07-28 that nothing is wrong with; `meta` and `headers` replace what they name. */
export interface Modern {
  readonly id?: unknown
  readonly params?: Loose
  readonly meta?: Loose
  readonly headers?: OutgoingHttpHeaders
}

export function modern(method: string, { id = 1, params = {}, meta, headers }: Modern = {}): Ask {
  const name = params['name'] ?? params['uri']
  const body = { jsonrpc: '2.0', id, method, params: { ...params, _meta: meta ?? envelope() } }
  return {
    headers: dropped({
      'content-type': 'application/json',
      accept: BOTH,
      'mcp-protocol-version': MODERN,
      'mcp-method': method,
      ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
      ...headers,
    }),
    body: JSON.stringify(body),
  }
}

/** Headers set to undefined are not sent. */
const dropped = (headers: OutgoingHttpHeaders): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined))

/** Any message as a legacy client posts it. */
export const legacy = (message: unknown, headers: OutgoingHttpHeaders = {}): Ask => ({
  headers: dropped({ 'content-type': 'application/json', accept: BOTH, ...headers }),
  body: typeof message === 'string' ? message : JSON.stringify(message),
})

export const rpc = (method: string, params?: Loose, id: unknown = 1): Loose => ({
  jsonrpc: '2.0',
  id,
  method,
  ...(params ? { params } : {}),
})

/** Initializes a legacy session and returns the headers that go with every later request. */
export async function session(
  url: URL,
  revision = '2025-11-25',
  capabilities: Loose = {},
): Promise<OutgoingHttpHeaders> {
  const clientInfo = { name: 'raw', version: '0' }
  const params = { protocolVersion: revision, capabilities, clientInfo }
  const { headers } = await ask(url, legacy(rpc('initialize', params, 'init')))
  const id = headers['mcp-session-id']
  if (typeof id !== 'string') throw new Error('no session')
  return { 'mcp-session-id': id, 'mcp-protocol-version': revision }
}

/** Bytes on a socket, and whatever comes back until the other side closes it. */
export function bytes(port: number, sent: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(sent))
    let said = ''
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    socket.on('error', () => undefined)
    socket.once('close', () => resolve(said))
  })
}
