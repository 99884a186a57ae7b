// A server of 2025-11-25 with the official SDK v1's experimental tasks.

import {
  InMemoryTaskMessageQueue,
  InMemoryTaskStore,
} from '@modelcontextprotocol/sdk/experimental/tasks/stores/in-memory.js'
import type {
  CreateTaskRequestHandlerExtra,
  ToolTaskHandler,
} from '@modelcontextprotocol/sdk/experimental/tasks/interfaces.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { ElicitResultSchema, type Task } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'

const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] })

/** What outlives a connection: the tasks, and what is to be asked about them. */
export interface Shelf {
  readonly store: InMemoryTaskStore
  readonly queue: InMemoryTaskMessageQueue
}

export const makeShelf = (): Shelf => ({
  store: new InMemoryTaskStore(),
  queue: new InMemoryTaskMessageQueue(),
})

type Work = (task: Task, extra: CreateTaskRequestHandlerExtra, words: string) => Promise<void>

export function makeLegacyTasksServer({ store, queue }: Shelf = makeShelf()): McpServer {
  const mcp = new McpServer(
    { name: 'legacy-tasks-peer', version: '1.0.0' },
    {
      capabilities: {
        tools: {},
        logging: {},
        tasks: { requests: { tools: { call: {} } }, list: {}, cancel: {} },
      },
      taskStore: store,
      taskMessageQueue: queue,
    },
  )
  for (const [name, work] of Object.entries(WORK)) {
    mcp.experimental.tasks.registerToolTask(
      name,
      { inputSchema, execution: { taskSupport: name === 'ask' ? 'required' : 'optional' } },
      doing(work),
    )
  }
  mcp.registerTool('plain', {}, () => text('just done'))
  mcp.registerTool('die', {}, () => process.exit(3))
  return mcp
}

const inputSchema = { words: z.string() }

const WORK: Readonly<Record<string, Work>> = {
  echo: async ({ taskId }, { taskStore }, words) => {
    await taskStore.storeTaskResult(taskId, 'completed', text(words))
  },
  fail: async ({ taskId }, { taskStore }, words) => {
    await taskStore.storeTaskResult(taskId, 'failed', { ...text(words), isError: true })
  },
  // Failed without a result to show for it: asking for that is an error.
  break: async ({ taskId }, { taskStore }, words) => {
    await taskStore.updateTaskStatus(taskId, 'failed', words)
  },
  hang: async ({ taskId }, { taskStore }, words) => {
    await taskStore.updateTaskStatus(taskId, 'working', words)
  },
  ask: async ({ taskId }, extra, message) => {
    const requestedSchema = {
      type: 'object' as const,
      properties: { name: { type: 'string' as const } },
    }
    const about = { timeout: 60_000, relatedTask: { taskId } }
    const said = await extra.sendRequest(
      { method: 'elicitation/create', params: { mode: 'form', message, requestedSchema } },
      ElicitResultSchema,
      about,
    )
    await extra.taskStore.storeTaskResult(taskId, 'completed', text(JSON.stringify(said)))
  },
}

function doing(work: Work): ToolTaskHandler<typeof inputSchema> {
  return {
    createTask: async ({ words }, extra) => {
      const task = await extra.taskStore.createTask({
        ttl: extra.taskRequestedTtl ?? null,
        pollInterval: 20,
      })
      // Whoever breaks off is left with a task that never ends.
      void work(task, extra, words).catch(() => undefined)
      return { task }
    },
    getTask: async (_args, { taskId, taskStore }) => taskStore.getTask(taskId),
    getTaskResult: async (_args, { taskId, taskStore }) => {
      const result = await taskStore.getTaskResult(taskId)
      return { ...result, content: Array.isArray(result['content']) ? result['content'] : [] }
    },
  }
}
