// A server of 2026-07-28 built with the official SDK v2, with the tools that the stories call.

import {
  fromJsonSchema,
  inputRequired,
  McpServer,
  type InputRequest,
} from '@modelcontextprotocol/server'

const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] })
const nothing = fromJsonSchema<Record<string, never>>({ type: 'object' })

export function makeModernServer(announce: (server: McpServer) => void): McpServer {
  const mcp = new McpServer(
    { name: 'modern-peer', version: '1.0.0' },
    {
      instructions: 'Be quick.',
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        logging: {},
      },
    },
  )
  addWork(mcp)
  addTalk(mcp)
  mcp.registerTool('change', { inputSchema: nothing }, async () => {
    announce(mcp)
    return text('changed')
  })
  mcp.registerResource('watched', 'test://watched', {}, async (uri) => ({
    contents: [{ uri: uri.href, text: 'seen' }],
  }))
  return mcp
}

function addWork(mcp: McpServer): void {
  const numbers = fromJsonSchema<{ a: number; b: number }>({
    type: 'object',
    properties: { a: { type: 'number' }, b: { type: 'number' } },
    required: ['a', 'b'],
  })
  mcp.registerTool('add', { inputSchema: numbers }, async ({ a, b }) => text(String(a + b)))
  mcp.registerTool('slow', { inputSchema: nothing }, async (_args, { mcpReq }) => {
    const { _meta: meta } = mcpReq
    for (const progress of [1, 2]) {
      if (meta?.progressToken === undefined) break
      const params = { progressToken: meta.progressToken, progress, total: 2 }
      await mcpReq.notify({ method: 'notifications/progress', params })
    }
    return text('done')
  })
  mcp.registerTool('hang', { inputSchema: nothing }, async (_args, { mcpReq }) => {
    const { _meta: meta, signal } = mcpReq
    if (meta?.progressToken !== undefined) {
      const params = { progressToken: meta.progressToken, progress: 1 }
      await mcpReq.notify({ method: 'notifications/progress', params })
    }
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    return text('too late')
  })
}

function addTalk(mcp: McpServer): void {
  mcp.registerTool('say', { inputSchema: nothing }, async (_args, { mcpReq }) => {
    await mcpReq.log('warning', 'careful', 'peer')
    return text('said')
  })
  mcp.registerTool('ask', { inputSchema: nothing }, async (_args, { mcpReq }) => {
    const answers = mcpReq.inputResponses
    if (answers?.['name'] !== undefined) return text(JSON.stringify(answers['name']))
    const name: InputRequest = inputRequired.elicit({
      mode: 'form',
      message: 'Who?',
      requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
    })
    return inputRequired({ inputRequests: { name } })
  })
}
