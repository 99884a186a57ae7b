// A server of 2026-07-28 with the tasks extension, by hand: the SDK v2 has none.

import { isObject, own, textAt, type JsonObject } from '@countersign/contract'

const EXTENSION = 'io.modelcontextprotocol/tasks'
const text = (words: string): JsonObject => ({ content: [{ type: 'text', text: words }] })

interface Kept {
  readonly tool: string
  /** Looks after which it is done. */
  looks: number
  readonly answers: Record<string, unknown>
  cancelled: boolean
}

/** What outlives the server's process, as a real one's database does. */
export interface Shelf {
  readonly tasks: Map<string, Kept>
  /** Every request, with what its headers said of it. */
  readonly seen: { readonly message: JsonObject; readonly name: string | undefined }[]
  /** Overrides the answer to a method. */
  readonly override: Map<string, unknown>
}

export const makeShelf = (): Shelf => ({ tasks: new Map(), seen: [], override: new Map() })

interface Refusal {
  readonly code: number
  readonly message: string
}
type Said = { readonly result: unknown } | { readonly error: Refusal }

const refuse = (code: number, message: string): Said => ({ error: { code, message } })
const complete = (result: JsonObject): Said => ({ result: { resultType: 'complete', ...result } })

/** The answer to one message, or undefined for a notification. `headers` only over HTTP. */
export function answerModern(
  shelf: Shelf,
  message: JsonObject,
  headers?: Readonly<Record<string, unknown>>,
): JsonObject | undefined {
  const id = own(message, 'id')
  if (id === undefined) return undefined
  const name = headers?.['mcp-name']
  shelf.seen.push({ message, name: typeof name === 'string' ? name : undefined })
  const method = textAt(message, 'method')
  const override = shelf.override.get(method)
  const said =
    override === undefined ? handle(shelf, method, message, headers) : { result: override }
  return { jsonrpc: '2.0', id, ...said } as JsonObject
}

function handle(
  shelf: Shelf,
  method: string,
  message: JsonObject,
  headers: Readonly<Record<string, unknown>> | undefined,
): Said {
  const params = objectAt(message, 'params')
  if (headers && (headers['mcp-method'] !== method || !namesItself(params, headers['mcp-name']))) {
    return refuse(-32020, 'Header mismatch') // TX-028
  }
  const meta = objectAt(params, '_meta')
  const claims = objectAt(meta, 'io.modelcontextprotocol/clientCapabilities')
  const declares = Object.hasOwn(objectAt(claims, 'extensions'), EXTENSION)
  switch (method) {
    case 'server/discover':
      return complete({
        supportedVersions: ['2026-07-28'],
        capabilities: { tools: {}, extensions: { [EXTENSION]: {} } },
      })
    case 'tools/call':
      return call(shelf, textAt(params, 'name'), declares)
    case 'tasks/get':
    case 'tasks/update':
    case 'tasks/cancel':
      if (!declares) return refuse(-32021, 'Missing capability') // TX-023
      return follow(shelf, method, params)
    default:
      return refuse(-32601, 'Method not found')
  }
}

const namesItself = (params: JsonObject, name: unknown): boolean => {
  const told = own(params, 'taskId') ?? own(params, 'name')
  return told === undefined || told === name
}

function call(shelf: Shelf, tool: string, declares: boolean): Said {
  if (tool === 'greet') return complete(text('hello'))
  // TX-003: whoever does not say that it takes tasks gets none.
  if (!declares) return complete(text('waited for it'))
  const id = `task-${shelf.tasks.size + 1} €` // No header takes it as it is.
  shelf.tasks.set(id, { tool, looks: 0, answers: {}, cancelled: false })
  return { result: { resultType: 'task', ...taskOf(id, 'working') } }
}

const taskOf = (taskId: string, status: string): JsonObject => ({
  taskId,
  status,
  statusMessage: `it is ${status}`,
  createdAt: '2026-07-28T00:00:00Z',
  lastUpdatedAt: '2026-07-28T00:00:00Z',
  ttlMs: null,
  pollIntervalMs: 50,
})

const QUESTION = {
  method: 'elicitation/create',
  params: { mode: 'form', message: 'Sure?', requestedSchema: { type: 'object', properties: {} } },
}

function follow({ tasks }: Shelf, method: string, params: JsonObject): Said {
  const id = textAt(params, 'taskId')
  const task = tasks.get(id)
  if (!task) return refuse(-32602, 'Task not found') // TX-024
  if (method === 'tasks/cancel') task.cancelled = true
  if (method === 'tasks/update') Object.assign(task.answers, objectAt(params, 'inputResponses'))
  if (method !== 'tasks/get') return complete({})
  task.looks++
  return complete(looksOf(id, task))
}

function looksOf(id: string, { tool, looks, answers, cancelled }: Kept): JsonObject {
  if (cancelled) return taskOf(id, 'cancelled')
  const done = { ...taskOf(id, 'completed'), result: { resultType: 'complete', ...text(tool) } }
  switch (tool) {
    case 'hang':
      return taskOf(id, 'working')
    case 'fail':
      return { ...done, result: { ...text('no luck'), isError: true } } // AM-08: says no type.
    case 'break':
      return {
        ...taskOf(id, 'failed'),
        error: { code: -32000, message: 'broke', data: { why: 1 } },
      }
    case 'ask': {
      const open = ['first', 'second'].filter((key) => answers[key] === undefined)
      if (open.length === 0) return { ...done, result: text(JSON.stringify(answers)) }
      const inputRequests = Object.fromEntries(open.map((key) => [key, QUESTION]))
      return { ...taskOf(id, 'input_required'), inputRequests }
    }
    default:
      return looks < 3 ? taskOf(id, 'working') : done
  }
}

function objectAt(value: JsonObject, key: string): JsonObject {
  const found = own(value, key)
  return isObject(found) ? found : {}
}
