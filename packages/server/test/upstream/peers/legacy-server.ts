// A server of 2025-11-25 built with the official SDK v1, with the tools that the stories call.

import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import {
  ElicitResultSchema,
  ListRootsResultSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'

const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] })

/** What a peer was told, for the stories that look at it from the inside. */
export interface Notes {
  readonly cancelled: string[]
  readonly subscribed: string[]
  readonly unsubscribed: string[]
}

export const makeNotes = (): Notes => ({ cancelled: [], subscribed: [], unsubscribed: [] })

export function makeLegacyServer(notes: Notes = makeNotes()): McpServer {
  const mcp = new McpServer(
    { name: 'legacy-peer', version: '1.0.0' },
    {
      instructions: 'Be gentle.',
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        logging: {},
      },
    },
  )
  addWork(mcp, notes)
  addTalk(mcp)
  addChanges(mcp, notes)
  return mcp
}

function addWork(mcp: McpServer, notes: Notes): void {
  const numbers = { a: z.number(), b: z.number() }
  mcp.registerTool('add', { inputSchema: numbers }, ({ a, b }) => text(String(a + b)))
  mcp.registerTool('fail', {}, () => {
    throw new Error('no luck')
  })
  mcp.registerTool('slow', { inputSchema: { steps: z.number() } }, async ({ steps }, extra) => {
    const { _meta: meta, signal } = extra
    for (let step = 1; step <= steps; step++) {
      const progressToken = meta?.progressToken
      if (progressToken !== undefined) {
        const params = { progressToken, progress: step, total: steps }
        await extra.sendNotification({ method: 'notifications/progress', params })
      }
    }
    return text(signal.aborted ? 'aborted' : 'done')
  })
  mcp.registerTool('hang', {}, async ({ signal, requestId, _meta: meta, sendNotification }) => {
    if (meta?.progressToken !== undefined) {
      const params = { progressToken: meta.progressToken, progress: 1 }
      await sendNotification({ method: 'notifications/progress', params })
    }
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    notes.cancelled.push(String(requestId))
    return text('too late')
  })
  mcp.registerTool('die', {}, () => process.exit(3))
  mcp.registerTool('environment', {}, () => text(JSON.stringify(process.env)))
}

function addTalk(mcp: McpServer): void {
  mcp.registerTool('ask', { inputSchema: { message: z.string() } }, async ({ message }, extra) => {
    const requestedSchema = {
      type: 'object' as const,
      properties: { name: { type: 'string' as const } },
    }
    const params = { mode: 'form' as const, message, requestedSchema }
    const said = await extra.sendRequest(
      { method: 'elicitation/create', params },
      ElicitResultSchema,
    )
    return text(JSON.stringify(said))
  })
  mcp.registerTool('roots', {}, async (extra) =>
    text(JSON.stringify(await extra.sendRequest({ method: 'roots/list' }, ListRootsResultSchema))),
  )
  mcp.registerTool('say', {}, async ({ sendNotification }) => {
    const params = { level: 'warning' as const, data: 'careful' }
    await sendNotification({ method: 'notifications/message', params })
    return text('said')
  })
}

function addChanges(mcp: McpServer, notes: Notes): void {
  const { server } = mcp
  mcp.registerTool('change', {}, async () => {
    await server.sendToolListChanged()
    await server.sendResourceUpdated({ uri: 'test://watched' })
    return text('changed')
  })
  mcp.registerResource('watched', 'test://watched', {}, (uri) => ({
    contents: [{ uri: uri.href, text: 'seen' }],
  }))
  server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    notes.subscribed.push(params.uri)
    return {}
  })
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
    notes.unsubscribed.push(params.uri)
    return {}
  })
}
