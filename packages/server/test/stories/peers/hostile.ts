// A server of 2025-11-25 whose tools do what no server should: each once as a read, once as a write.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createInterface } from 'node:readline'
import type { Wire } from '../raw.ts'
import { answerTo, INITIALIZED, misbehave } from '../../upstream/peers/hostile.ts'

const MANNERS = [
  'well',
  'never',
  'garbage',
  'twice',
  'stranger',
  'malformed',
  'flood',
  'deep',
  'big',
  'exit',
  'cut',
  'infinite',
]
const TOOLS = MANNERS.flatMap((name) => [
  { name: `read_${name}`, inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } },
  { name: `write_${name}`, inputSchema: { type: 'object' } },
])
/** No client should have to see these; the sound ones beside them must be listed all the same. */
const ODD_TOOLS = [
  { name: 'no_schema' },
  { name: 'array_schema', inputSchema: { type: 'array' } },
  { name: 7, inputSchema: { type: 'object' } },
  { name: 'read_well', inputSchema: { type: 'object' } },
]
/** A number that JSON can write and no double can hold. */
const INFINITE = '{"name":"infinite_schema","inputSchema":{"type":"object","maxProperties":1e999}}'

const result = (id: unknown, value: object): string =>
  JSON.stringify({ jsonrpc: '2.0', id, result: value })

function listing(id: unknown): string {
  const text = result(id, { tools: [...TOOLS, ...ODD_TOOLS] })
  return text.replace('"tools":[', `"tools":[${INFINITE},`)
}

interface Line {
  readonly write: (text: string) => void
  readonly message: (text: string) => void
  readonly cut: () => void
}

/** False when the request gets no answer of ours. */
function answer({ id, method, params }: Wire, line: Line): void {
  if (method === 'initialize') {
    line.message(result(id, INITIALIZED))
    return
  }
  if (method === 'tools/list') {
    line.message(listing(id))
    return
  }
  if (method !== 'tools/call') {
    line.message(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } }))
    return
  }
  const manner = String(params.name).replace(/^(?:read|write)_/, '')
  if (manner === 'exit') process.exit(7)
  if (manner === 'cut') line.cut()
  else if (manner === 'infinite') {
    line.message(answerTo(id, 'x').replace('"x"', '"x","annotations":{"priority":1e999}'))
  } else if (!misbehave(manner, id, line)) line.message(answerTo(id, 'well'))
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST') {
    response.writeHead(405).end()
    return
  }
  let body = ''
  for await (const chunk of request) body += String(chunk)
  const asked = JSON.parse(body)
  if (asked.id === undefined || asked.method === undefined) {
    response.writeHead(202).end()
    return
  }
  if (asked.method === 'server/discover') {
    response.writeHead(400).end()
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const write = (text: string): void => void response.write(text)
  const message = (text: string): void => write(`data: ${text}\n\n`)
  const cut = (): void => void response.write('data: {', () => response.socket?.destroy())
  answer(asked, { write, message, cut })
  if (!/_(?:never|cut)$/.test(String(asked.params?.name))) response.end()
}

if (process.argv.includes('--stdio')) {
  const write = (text: string): void => void process.stdout.write(text)
  const message = (text: string): void => write(`${text}\n`)
  const cut = (): void => {
    write('{"jsonrpc":')
    process.stdout.end()
  }
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const request = JSON.parse(line)
      if (request.id !== undefined && request.method) answer(request, { write, message, cut })
    })
    .once('close', () => process.exit(0))
} else {
  const server = createServer((request, response) => void serve(request, response))
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    process.stdout.write(`listening http://127.0.0.1:${port}/mcp\n`)
  })
  process.once('SIGTERM', () => process.exit(0))
}
