// A stdio server whose effects leave a line on disk, and whose answers wait until a gate is open: so a
// test decides what a kill cuts off, without a clock.

import { appendFileSync, existsSync, readFileSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import type { Wire } from '../stories/raw.ts'

const [effects = '', gate = ''] = process.argv.slice(-2)
const INITIALIZED = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'gated', version: '0' },
}
const inputSchema = { type: 'object', properties: { mark: { type: 'string' } } }
const HINTS = {
  look: { readOnlyHint: true },
  put: { destructiveHint: false, idempotentHint: true },
  add: { destructiveHint: false },
  drop: {},
  checked: { destructiveHint: false },
  happened: { readOnlyHint: true },
} as const
const TOOLS = Object.entries(HINTS).map(([name, annotations]) => ({
  name,
  inputSchema,
  annotations,
}))

const lines = (): readonly string[] =>
  existsSync(effects) ? readFileSync(effects, 'utf8').split('\n').slice(0, -1) : []

const isOpen = (): boolean => existsSync(gate)

async function opened(): Promise<void> {
  if (isOpen()) return
  const watcher = watch(dirname(gate))
  await new Promise<void>((resolve) => {
    watcher.on('change', () => {
      if (isOpen()) resolve()
    })
    if (isOpen()) resolve()
  })
  watcher.close()
}

async function called({ name, arguments: args, _meta: meta }: Wire): Promise<object> {
  const mark = String(args?.mark)
  if (name === 'happened') {
    const structuredContent = { happened: lines().some((line) => line.split(' ')[1] === mark) }
    return {
      content: [{ type: 'text', text: JSON.stringify(structuredContent) }],
      structuredContent,
    }
  }
  const key = String(meta?.['dev.countersign/idempotency-key'] ?? '-')
  appendFileSync(effects, `${name} ${mark} ${key}\n`)
  await opened()
  return { content: [{ type: 'text', text: mark }] }
}

async function answer({ id, method, params }: Wire): Promise<void> {
  if (id === undefined || method === undefined) return
  const result =
    method === 'initialize'
      ? INITIALIZED
      : method === 'tools/list'
        ? { tools: TOOLS }
        : method === 'tools/call'
          ? await called(params)
          : undefined
  const said = result ? { result } : { error: { code: -32601, message: 'unknown' } }
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...said })}\n`)
}

createInterface({ input: process.stdin })
  .on('line', (line) => void answer(JSON.parse(line)))
  .once('close', () => process.exit(0))
