// A server whose effects leave a trace that survives everything: one line a write, on disk before the
// answer. Over stdio, or over HTTP with `--port 0`.

import { appendFileSync, closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createInterface } from 'node:readline'
import type { Wire } from '../stories/raw.ts'

const [file = ''] = process.argv.slice(-1)
const INITIALIZED = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'witness', version: '0' },
}
const inputSchema = { type: 'object', properties: { mark: { type: 'string' } } }
const TOOLS = [
  { name: 'read', inputSchema, annotations: { readOnlyHint: true } },
  { name: 'write', inputSchema, annotations: { destructiveHint: false } },
  { name: 'charge', inputSchema, annotations: { destructiveHint: false } },
  { name: 'wait', inputSchema, annotations: { destructiveHint: false } },
]

function effect(mark: string): void {
  const to = openSync(file, 'a')
  writeSync(to, `${mark}\n`)
  fsyncSync(to)
  closeSync(to)
}

const text = (words: string): object => ({ content: [{ type: 'text', text: words }] })

/** The result, or undefined where none is given. */
function resultOf({ method, params }: Wire): object | undefined {
  if (method === 'initialize') return INITIALIZED
  if (method === 'tools/list') return { tools: TOOLS }
  if (method !== 'tools/call') return undefined
  const mark = String(params.arguments?.mark)
  if (params.name === 'read') return text(mark)
  effect(mark)
  return params.name === 'wait' ? undefined : text(mark)
}

const answerTo = (request: Wire): string | undefined => {
  if (request.id === undefined || request.method === undefined) return undefined
  const { id, method, params } = request
  const result = resultOf(request)
  if (result) return JSON.stringify({ jsonrpc: '2.0', id, result })
  if (method === 'tools/call' && params.name === 'wait') return undefined
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'unknown' } })
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  const asked = request.method === 'POST' ? JSON.parse(body) : undefined
  if (!asked || asked.method === 'server/discover') {
    response.writeHead(asked ? 400 : 405).end()
    return
  }
  const answer = answerTo(asked)
  if (answer !== undefined) {
    response.writeHead(200, { 'content-type': 'application/json' }).end(answer)
  } else if (asked.id === undefined) response.writeHead(202).end()
}

if (process.argv.includes('--port')) {
  const server = createServer((request, response) => void serve(request, response))
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    process.stdout.write(`listening http://127.0.0.1:${port}/mcp\n`)
  })
  process.once('SIGTERM', () => process.exit(0))
} else {
  // Who was ever started can be looked for when it should be gone.
  appendFileSync(`${file}.pids`, `${process.pid}\n`)
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const answer = answerTo(JSON.parse(line))
      if (answer !== undefined) process.stdout.write(`${answer}\n`)
    })
    .once('close', () => process.exit(0))
}
