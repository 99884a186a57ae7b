// The MCP server behind everything: both eras, just enough of each, and as fast as Node allows, so
// that what is measured is what stands in front of it. Over HTTP, or with `--stdio` over pipes.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createInterface } from 'node:readline'
import { listenForParent } from '../listen.ts'
import { CONTENT, DISCOVERED, INITIALIZED, MODERN_META, TOOLS } from './wire.ts'

interface Request {
  readonly id?: string | number
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
}

// What never changes is encoded once, so that only the id is put in front of it.
const tail = (member: 'result' | 'error', value: object): string =>
  `,"${member}":${JSON.stringify(value)}}`
const both = (result: object): { readonly modern: string; readonly legacy: string } => ({
  modern: tail('result', { ...result, resultType: 'complete', _meta: MODERN_META }),
  legacy: tail('result', result),
})
const ANSWERS: Readonly<Record<string, ReturnType<typeof both>>> = {
  'tools/call': both({ content: CONTENT }),
  'tools/list': both({ tools: TOOLS, ttlMs: 3_600_000, cacheScope: 'private' }),
  'server/discover': both(DISCOVERED),
  initialize: both(INITIALIZED),
  ping: both({}),
}
const UNKNOWN = tail('error', { code: -32601, message: 'Method not found' })

/** The answer to one message, or undefined to a notification. */
function answer(text: string): string | undefined {
  const { id, method = '', params }: Request = JSON.parse(text)
  if (id === undefined) return undefined
  const known = Object.hasOwn(ANSWERS, method) ? ANSWERS[method] : undefined
  const isModern = params?.['_meta'] !== undefined && method !== 'initialize'
  const rest = known ? known[isModern ? 'modern' : 'legacy'] : UNKNOWN
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)}${rest}`
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== 'POST') {
    response.writeHead(request.method === 'DELETE' ? 204 : 405).end()
    return
  }
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const said = answer(Buffer.concat(chunks).toString())
    if (said === undefined) {
      response.writeHead(202).end()
      return
    }
    const body = Buffer.from(said)
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
    response.end(body)
  })
}

if (process.argv.includes('--stdio')) {
  createInterface({ input: process.stdin }).on('line', (line) => {
    const said = answer(line)
    if (said !== undefined) process.stdout.write(`${said}\n`)
  })
} else {
  await listenForParent(createServer({ keepAliveTimeout: 300_000 }, serve))
}
