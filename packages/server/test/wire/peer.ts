// An upstream whose every byte a test decides: an HTTP server in this process, in either era.

import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Loose } from './wire.ts'

/** What the gateway sent. */
export interface Received {
  readonly verb: string
  readonly headers: IncomingHttpHeaders
  /** Undefined for GET and DELETE. */
  readonly body: Loose
}

/** The answer to one request, as the script writes it. */
export interface Said {
  readonly headers: IncomingHttpHeaders
  /** One JSON-RPC message on a stream, which is opened by the first. */
  readonly send: (message: object) => void
  /** Raw text on a stream. */
  readonly write: (events: string) => void
  /** The response to this request: JSON, or the end of the stream. */
  readonly answer: (outcome: { result: object } | { error: object }) => undefined
  readonly status: (status: number, body?: unknown) => void
  /** Ends the stream, as a server does that is done with it. */
  readonly end: () => void
  /** Breaks the connection. */
  readonly cut: () => void
  /** Resolves when the gateway has closed the stream. */
  readonly closed: Promise<void>
}

/** What is done for a method. A returned object is the result. */
type Line = (message: Loose, said: Said) => object | void | Promise<object | void>
export type Script = Readonly<Record<string, Line>>

export interface Peer extends AsyncDisposable {
  readonly url: string
  readonly received: Received[]
  /** The messages of one method, oldest first. */
  readonly got: (method: string) => readonly Received[]
  /** Resolves with the next message of a method that has not been waited for. */
  readonly next: (method: string) => Promise<Received>
}

const SERVER = { name: 'peer', version: '1.0.0' }
const CAPABILITIES = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  completions: {},
  logging: {},
}

export const tool = (name: string, more: object = {}): Loose => ({
  name,
  description: `The tool ${name}.`,
  inputSchema: { type: 'object' },
  ...more,
})

export const text = (words: string): Loose => ({ content: [{ type: 'text', text: words }] })

const LISTS: Script = {
  'tools/list': () => ({ tools: [tool('echo')] }),
  'prompts/list': () => ({ prompts: [] }),
  'resources/list': () => ({ resources: [] }),
  'resources/templates/list': () => ({ resourceTemplates: [] }),
  'tools/call': () => text('done'),
  ping: () => ({}),
  'logging/setLevel': () => ({}),
  'resources/subscribe': () => ({}),
  'resources/unsubscribe': () => ({}),
}

/** A server of the `initialize` era. */
export const serveLegacy = (script: Script = {}, revision = '2025-11-25'): Promise<Peer> =>
  serve({
    'server/discover': (_message, said) => said.status(400, 'Bad Request: no session'),
    initialize: () => ({
      protocolVersion: revision,
      capabilities: CAPABILITIES,
      serverInfo: SERVER,
    }),
    ...LISTS,
    ...script,
  })

/** A server of self-sufficient requests. */
export const serveModern = (script: Script = {}): Promise<Peer> => {
  const complete = Object.entries(LISTS).map(([method, line]): [string, Line] => [
    method,
    async (message, said) => ({ resultType: 'complete', ...(await line(message, said)) }),
  ])
  return serve({
    'server/discover': () => ({
      resultType: 'complete',
      supportedVersions: ['2026-07-28'],
      capabilities: CAPABILITIES,
      ttlMs: 0,
      cacheScope: 'private',
    }),
    ...Object.fromEntries(complete),
    ...script,
  })
}

async function serve(script: Script): Promise<Peer> {
  const received: Received[] = []
  const waiting = new Set<() => void>()
  const taken = new Map<string, number>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => void chunks.push(chunk))
    request.on('end', () => {
      const whole = Buffer.concat(chunks).toString('utf8')
      const body: Loose = whole === '' ? undefined : JSON.parse(whole)
      const verb = request.method ?? ''
      received.push({ verb, headers: request.headers, body })
      for (const look of waiting) look()
      const said = saying(response, body, request.headers)
      void perform(script, verb, body, said)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const got = (method: string): readonly Received[] =>
    received.filter(({ verb, body }) => (body?.method ?? verb) === method)
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    received,
    got,
    next: (method) =>
      new Promise((resolve) => {
        const at = taken.get(method) ?? 0
        taken.set(method, at + 1)
        const look = (): void => {
          const found = got(method)[at]
          if (!found) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function perform(script: Script, verb: string, body: Loose, said: Said): Promise<void> {
  const name: string = body?.method ?? verb
  const line = Object.hasOwn(script, name) ? script[name] : undefined
  if (line) {
    const result = await line(body, said)
    if (result !== undefined) said.answer({ result })
  } else if (verb === 'POST' && body?.id !== undefined && body.method !== undefined) {
    said.answer({ error: { code: -32601, message: `no ${name} here` } })
  } else said.status(verb === 'POST' ? 202 : verb === 'DELETE' ? 200 : 405)
}

function saying(response: ServerResponse, body: Loose, headers: IncomingHttpHeaders): Said {
  const opening = body?.method === 'initialize' ? { 'mcp-session-id': 'the-session' } : {}
  const write = (events: string): void => {
    if (!response.headersSent) {
      response.writeHead(200, { ...opening, 'content-type': 'text/event-stream' })
    }
    response.write(events)
  }
  const sendMessage = (message: object): void => write(`data: ${JSON.stringify(message)}\n\n`)
  return {
    headers,
    write,
    send: sendMessage,
    answer: (outcome) => {
      const message = { jsonrpc: '2.0', id: body.id, ...outcome }
      if (response.headersSent) {
        sendMessage(message)
        response.end()
        return undefined
      }
      response.writeHead(200, { ...opening, 'content-type': 'application/json' })
      response.end(JSON.stringify(message))
      return undefined
    },
    status: (status, said) => {
      const json = typeof said === 'object'
      response.writeHead(status, { 'content-type': json ? 'application/json' : 'text/plain' })
      response.end(json ? JSON.stringify(said) : said)
    },
    end: () => void response.end(),
    cut: () => void response.destroy(),
    closed: new Promise((resolve) => {
      response.once('close', resolve)
    }),
  }
}
