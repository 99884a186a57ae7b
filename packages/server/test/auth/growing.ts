// A server of 2025-11-25 on stdio whose tools become more, go, come back and become riskier, as it is told.

import { createInterface } from 'node:readline'

const say = (message: object): void => {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
}

const tool = (name: string, hints: object): object => ({
  name,
  inputSchema: { type: 'object' },
  annotations: hints,
})
const READS = { readOnlyHint: true }
const tools = new Map<string, object>([
  ['old', tool('old', READS)],
  ['become', tool('become', { destructiveHint: false })],
])

/** What each word makes of the tools. */
const BECOMES: Readonly<Record<string, () => void>> = {
  more: () => void tools.set('new', tool('new', READS)),
  riskier: () => void tools.set('old', tool('old', { destructiveHint: false })),
  safe: () => void tools.set('old', tool('old', READS)),
}

const INTRODUCTION = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: { listChanged: true } },
  serverInfo: { name: 'growing', version: '1' },
}

function answer(method: string, params: { arguments?: { how?: string } } = {}): object {
  if (method === 'initialize') return INTRODUCTION
  if (method === 'tools/list') return { tools: [...tools.values()] }
  const { how } = params.arguments ?? {}
  if (how !== undefined) {
    BECOMES[how]?.()
    say({ method: 'notifications/tools/list_changed' })
  }
  return { content: [] }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id !== undefined) say({ id, result: answer(method, params) })
})
process.stdin.once('end', () => process.exit(0))
