// A server of 2025-11-25 on stdio that never stops talking, whether it is called or not.

import { createInterface } from 'node:readline'

const EVERY_MS = 20

const say = (message: object): void => {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
}

const RESULTS: Readonly<Record<string, object>> = {
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: { logging: {}, tools: {} },
    serverInfo: { name: 'talkative', version: '1' },
  },
  'tools/list': { tools: [{ name: 'nothing', inputSchema: { type: 'object' } }] },
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line)
  if (id !== undefined) say({ id, result: RESULTS[method] ?? {} })
})
process.stdin.once('end', () => process.exit(0))
setInterval(() => {
  const params = { level: 'info', data: 'what only its readers should hear' }
  say({ method: 'notifications/message', params })
}, EVERY_MS)
