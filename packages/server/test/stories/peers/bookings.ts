// A server over stdio whose effects leave a line each, and which can be killed, or kept from starting.

import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Wire } from '../raw.ts'

const [file = ''] = process.argv.slice(-1)
if (existsSync(`${file}.down`)) process.exit(1)

const INITIALIZED = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'bookings', version: '0' },
}
const inputSchema = { type: 'object' }
const write = { destructiveHint: false }
const TOOLS = [
  { name: 'book', inputSchema, annotations: write },
  { name: 'cancel_booking', inputSchema, annotations: write },
  { name: 'hang', inputSchema, annotations: write },
  { name: 'wait', inputSchema, annotations: { readOnlyHint: true } },
]

const lines = (): readonly string[] =>
  existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
const effect = (line: string): void => appendFileSync(file, `${line}\n`)
const said = (text: string, structuredContent?: object): object => ({
  content: [{ type: 'text', text }],
  ...(structuredContent ? { structuredContent } : {}),
})

/** The result, or undefined where none is given. */
function resultOf(name: string, args: Readonly<Record<string, unknown>>): object | undefined {
  const mark = String(args['mark'] ?? args['id'])
  const before = lines()
  if (name !== 'wait') effect(`${name} ${mark}`)
  if (name === 'wait') return undefined
  if (name === 'book') return said(`booked ${mark}`, { id: `id-${mark}` })
  if (name === 'hang' && !before.includes(`hang ${mark}`)) return undefined
  return said(`${name} ${mark} done`)
}

function answer({ id, method, params }: Wire): void {
  if (id === undefined || method === undefined) return
  const result =
    method === 'initialize'
      ? INITIALIZED
      : method === 'tools/list'
        ? { tools: TOOLS }
        : method === 'tools/call'
          ? resultOf(params.name, params.arguments ?? {})
          : null
  if (result === undefined) return
  const body = result ? { result } : { error: { code: -32601, message: 'unknown' } }
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...body })}\n`)
}

createInterface({ input: process.stdin })
  .on('line', (line) => answer(JSON.parse(line)))
  .once('close', () => process.exit(0))
