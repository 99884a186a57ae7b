// A server over stdio that answers each call with the metadata that came with it.

import { createInterface } from 'node:readline'

const TOOL = { name: 'look', description: 'Shows metadata.', inputSchema: { type: 'object' } }

const answerOf = (method: string, params: { _meta?: object } = {}): object | undefined => {
  if (method === 'initialize') {
    const serverInfo = { name: 'mirror', version: '1.0.0' }
    return { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo }
  }
  if (method === 'tools/list') return { tools: [TOOL] }
  if (method !== 'tools/call') return undefined
  return { content: [{ type: 'text', text: JSON.stringify(params._meta ?? {}) }] }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  const result = answerOf(method, params)
  const said = result ? { result } : { error: { code: -32601, message: 'no such method' } }
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...said })}\n`)
})
