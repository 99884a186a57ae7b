/**
 * A client that follows a task, for trying things out. Any MCP client will do instead.
 *
 *   node client.ts call write_pages '{"folder":"pages","pages":5}'
 *   node client.ts follow <task>
 */
import { createInterface } from 'node:readline/promises'

const URL = process.env['MCP_URL'] ?? 'http://127.0.0.1:8080/mcp'
const TASKS = 'io.modelcontextprotocol/tasks'
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'my-client', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {
    elicitation: { form: {} },
    extensions: { [TASKS]: {} },
  },
}

interface Question {
  params: { message: string; requestedSchema: { properties: Record<string, { type: string }> } }
}
interface Task {
  taskId: string
  status: string
  statusMessage?: string
  pollIntervalMs: number
  inputRequests?: Record<string, Question>
  result?: unknown
  error?: unknown
}

/** One request of 2026-07-28, again and again while the server is away. */
async function ask(method: string, params: Record<string, unknown>): Promise<Task> {
  const body = { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: META } }
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    'mcp-name': String(params['name'] ?? params['taskId']),
  }
  for (;;) {
    try {
      const response = await fetch(URL, { method: 'POST', headers, body: JSON.stringify(body) })
      const { result, error }: { result: Task; error?: object } = await response.json()
      if (error) throw new Error(JSON.stringify(error))
      return result
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      console.log('The server is away.')
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  }
}

/** Puts a form to whoever sits at the terminal. */
async function answer({ params }: Question): Promise<object> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const content: Record<string, unknown> = {}
  console.log(params.message)
  for (const [name, { type }] of Object.entries(params.requestedSchema.properties)) {
    const said = await terminal.question(type === 'boolean' ? `${name} (yes/no): ` : `${name}: `)
    content[name] = type === 'boolean' ? /^y/i.test(said) : type === 'string' ? said : Number(said)
  }
  terminal.close()
  return { action: 'accept', content }
}

async function follow(taskId: string): Promise<void> {
  let shown: string | undefined
  for (;;) {
    const task = await ask('tasks/get', { taskId })
    if (task.statusMessage !== shown) console.log(task.statusMessage)
    shown = task.statusMessage
    for (const [key, question] of Object.entries(task.inputRequests ?? {})) {
      await ask('tasks/update', { taskId, inputResponses: { [key]: await answer(question) } })
    }
    if (task.result ?? task.error ?? task.status === 'cancelled') {
      console.log(task.status, JSON.stringify(task.result ?? task.error ?? null, null, 2))
      return
    }
    await new Promise((resolve) => setTimeout(resolve, task.pollIntervalMs))
  }
}

const [command, name = '', given = '{}'] = process.argv.slice(2)
if (command === 'call') {
  const { taskId } = await ask('tools/call', { name, arguments: JSON.parse(given) })
  console.log(`Task ${taskId}`)
  await follow(taskId)
} else if (command === 'follow') await follow(name)
else console.log(`node client.ts call <tool> '<arguments>' | follow <task>`)
