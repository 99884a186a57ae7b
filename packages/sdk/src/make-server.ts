/** One MCP server with all tools; both eras are served from the same definitions. */
import { McpServer, type CallToolResult, type ServerContext } from '@modelcontextprotocol/server'
import { converse, verifyState } from './conversation.ts'
import type { Context } from './context.ts'
import type { Tool } from './tool.ts'

export interface Identity {
  readonly name: string
  readonly version: string
  readonly instructions?: string
  readonly onError: (error: unknown, tool: string) => void
}

export function makeServer(tools: readonly Tool[], identity: Identity): McpServer {
  const { name, version, instructions, onError } = identity
  const server = new McpServer(
    { name, version },
    {
      capabilities: { tools: {}, logging: {} },
      requestState: { verify: verifyState },
      ...(instructions === undefined ? {} : { instructions }),
    },
  )
  for (const tool of tools) {
    const { title, description, input, output, annotations, _meta } = tool
    server.registerTool(
      tool.name,
      {
        description,
        inputSchema: input,
        annotations,
        _meta,
        ...(title === undefined ? {} : { title }),
        ...(output === undefined ? {} : { outputSchema: output }),
      },
      async (args, context) => {
        const conversation = converse(tool.name, args, context)
        try {
          return await tool.call(args, contextOf(context, name, conversation.ask))
        } catch (thrown) {
          const question = await conversation.pausedBy(thrown)
          if (question) return question
          onError(thrown, tool.name)
          return failure(thrown)
        }
      },
    )
  }
  return server
}

/** The message is for the caller; stack and cause stay here. */
function failure(thrown: unknown): CallToolResult {
  const words =
    thrown instanceof Error && thrown.message !== '' ? thrown.message : 'The tool failed.'
  return { isError: true, content: [{ type: 'text', text: words }] }
}

function contextOf({ mcpReq }: ServerContext, logger: string, ask: Context['ask']): Context {
  const { _meta: meta, signal } = mcpReq
  const progressToken = meta?.progressToken
  return {
    signal,
    ask,
    log: (level, message) => mcpReq.log(level, message, logger),
    progress: async (progress, total, message) => {
      if (progressToken === undefined) return
      const params = {
        progressToken,
        progress,
        ...(total === undefined ? {} : { total }),
        ...(message === undefined ? {} : { message }),
      }
      await mcpReq.notify({ method: 'notifications/progress', params })
    },
  }
}
