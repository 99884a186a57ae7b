import type { IncomingMessage, ServerResponse } from 'node:http'
import { INITIALIZED, answerTo, misbehave } from './hostile.ts'
import { listen, type HttpPeer } from './legacy-http.ts'

type Answer = (response: ServerResponse, id: unknown) => void

const JSON_TYPE = { 'content-type': 'application/json' }
const SSE_TYPE = { 'content-type': 'text/event-stream' }

/** What only HTTP can do wrong. */
const ANSWERS: ReadonlyMap<string, Answer> = new Map<string, Answer>([
  ['not-json', (response) => void response.writeHead(200, JSON_TYPE).end('<html>')],
  ['empty', (response) => void response.writeHead(200, JSON_TYPE).end()],
  ['html', (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('hi')],
  ['accepted', (response) => void response.writeHead(202).end()],
  ['redirect', (response) => void response.writeHead(307, { location: '/else' }).end()],
  ['forbidden', (response) => void response.writeHead(403).end('no')],
  ['broken', (response) => void response.writeHead(500).end('oops')],
  ['reset', (response) => void response.socket?.destroy()],
  [
    'cut',
    (response, id) => {
      const text = answerTo(id, 'never complete')
      response.writeHead(200, { ...JSON_TYPE, 'content-length': text.length })
      response.write(text.slice(0, 20), () => response.socket?.destroy())
    },
  ],
  [
    'cut-stream',
    (response) => {
      response.writeHead(200, SSE_TYPE).write('data: {"jsonrpc":', () => response.socket?.destroy())
    },
  ],
  ['closed-stream', (response) => void response.writeHead(200, SSE_TYPE).end(': bye\n\n')],
  [
    'huge-header',
    (response, id) => {
      response
        .writeHead(200, { ...JSON_TYPE, 'x-huge': 'h'.repeat(100_000) })
        .end(answerTo(id, 'ok'))
    },
  ],
  [
    'big-json',
    (response, id) => {
      response.writeHead(200, JSON_TYPE).end(answerTo(id, 'x'.repeat(50 * 1024 * 1024)))
    },
  ],
  [
    'deep-json',
    (response, id) => {
      const nest = '['.repeat(100_000) + ']'.repeat(100_000)
      response.writeHead(200, JSON_TYPE)
      response.end(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${nest}}`)
    },
  ],
  ['json-stranger', (response) => void response.writeHead(200, JSON_TYPE).end(answerTo(77, 'no'))],
  [
    'drip',
    (response, id) => {
      response.writeHead(200, { 'content-type': 'Text/Event-Stream; charset=utf-8' })
      const bytes = Buffer.from(
        `: hi\r\nevent: other\r\ndata: x\r\n\r\ndata: ${answerTo(id, 'ü€😀')}\r\n\r\n`,
      )
      for (const byte of bytes) response.write(Buffer.from([byte]))
      response.end()
    },
  ],
  [
    'linger',
    (response, id) => {
      // The answer is there, the stream stays open.
      response.writeHead(200, SSE_TYPE).write(`data: ${answerTo(id, 'at last')}\n\n`)
    },
  ],
])

/** Speaks enough of 2025-11-25 without sessions to be called. */
export const serveHostile = (): Promise<HttpPeer> =>
  listen((request, response) => void handle(request, response))

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST') {
    response.writeHead(405).end()
    return
  }
  let body = ''
  for await (const chunk of request) body += String(chunk)
  const { id, method, params } = JSON.parse(body)
  if (id === undefined) response.writeHead(202).end()
  else if (method === 'initialize') {
    const result = { jsonrpc: '2.0', id, result: INITIALIZED }
    response.writeHead(200, JSON_TYPE).end(JSON.stringify(result))
  } else if (method === 'server/discover') {
    const error = { code: -32000, message: 'Server not initialized' }
    response.writeHead(400, JSON_TYPE).end(JSON.stringify({ jsonrpc: '2.0', id: null, error }))
  } else answer(response, id, params?.name)
}

function answer(response: ServerResponse, id: unknown, name: string): void {
  const own = ANSWERS.get(name)
  if (own) {
    own(response, id)
    return
  }
  response.writeHead(200, SSE_TYPE)
  const write = (text: string): void => void response.write(text)
  const message = (text: string): void => write(`data: ${text}\n\n`)
  if (!misbehave(name, id, { write, message })) message(answerTo(id, name))
  if (name !== 'never') response.end()
}
