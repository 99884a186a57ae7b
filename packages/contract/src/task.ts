/**
 * A task as both protocols see it: one neutral view, and its two forms on the wire.
 *
 * "Legacy" is the core feature of 2025-11-25; "extension" is `io.modelcontextprotocol/tasks` beside
 * 2026-07-28. The record behind a view is the same; only the words differ (BR-052).
 */
import { isObject, own, type Json, type JsonObject } from './json.ts'
import { META, type InputRequest, type RpcError } from './mcp.ts'

/** The states both protocols know (TL-010, TX-010). The last three are final. */
export const TASK_STATUSES = [
  'working',
  'input_required',
  'completed',
  'failed',
  'cancelled',
] as const
export type TaskStatus = (typeof TASK_STATUSES)[number]

/** What came of the request behind a task: its result, or the error a plain request would have got. */
export type TaskEnd =
  | { readonly kind: 'result'; readonly result: JsonObject }
  | { readonly kind: 'error'; readonly error: RpcError }
  | { readonly kind: 'cancelled' }

/** A task, before a protocol has a say in how it looks. Times are milliseconds since the epoch. */
export interface TaskView {
  readonly id: string
  /** Why it stands where it stands, in one sentence for a person. */
  readonly message: string | undefined
  readonly createdAt: number
  readonly updatedAt: number
  /** From creation. Always finite: the published schema of 2025-11-25 has no null (TL-035). */
  readonly ttlMs: number
  /** How often to ask. */
  readonly pollMs: number
  /** What it asks of the client, by keys that are never used twice (TX-015). */
  readonly inputs: Readonly<Record<string, InputRequest>>
  /** Absent while it runs. */
  readonly end: TaskEnd | undefined
}

const isError = (result: JsonObject): boolean => own(result, 'isError') === true

const openStatus = ({ inputs }: TaskView): TaskStatus =>
  Object.keys(inputs).length > 0 ? 'input_required' : 'working'

/** 2025-11-25: a tool result with `isError` is a failed task (TL-011, AM-09). */
export function legacyStatus(view: TaskView): TaskStatus {
  const { end } = view
  if (!end) return openStatus(view)
  if (end.kind === 'cancelled') return 'cancelled'
  return end.kind === 'error' || isError(end.result) ? 'failed' : 'completed'
}

/** The extension: `completed` includes `isError`; `failed` is for JSON-RPC errors alone (TX-012). */
export function extensionStatus(view: TaskView): TaskStatus {
  const { end } = view
  if (!end) return openStatus(view)
  return end.kind === 'cancelled' ? 'cancelled' : end.kind === 'error' ? 'failed' : 'completed'
}

const isoTime = (at: number): string => new Date(at).toISOString()

/** What a final task says for itself: clients of 2025-11-25 never fetch a failed result (TL-033). */
function messageOf({ message, end }: TaskView): JsonObject {
  const said =
    end?.kind === 'error'
      ? end.error.message
      : end?.kind === 'result' && isError(end.result)
        ? firstLine(end.result)
        : message
  return said === undefined || said === ''
    ? {}
    : { statusMessage: said.slice(0, MESSAGE_CHARS_MAX) }
}
const MESSAGE_CHARS_MAX = 1_000

/** The first line of the first text block. */
function firstLine(result: JsonObject): string | undefined {
  const content = own(result, 'content')
  const blocks: readonly Json[] = Array.isArray(content) ? content : []
  for (const block of blocks) {
    const text = isObject(block) ? own(block, 'text') : undefined
    if (typeof text === 'string') return text.split('\n', 1)[0]
  }
  return undefined
}

/** `Task` of 2025-11-25: both timestamps and `ttl` always (TL-008). */
export const toLegacyTask = (view: TaskView): JsonObject => ({
  taskId: view.id,
  status: legacyStatus(view),
  ...messageOf(view),
  createdAt: isoTime(view.createdAt),
  lastUpdatedAt: isoTime(view.updatedAt),
  ttl: view.ttlMs,
  pollInterval: view.pollMs,
})

/** `Task` of the extension: integers, and names of its own (TX-006). */
export const toExtensionTask = (view: TaskView): JsonObject => ({
  taskId: view.id,
  status: extensionStatus(view),
  ...messageOf(view),
  createdAt: isoTime(view.createdAt),
  lastUpdatedAt: isoTime(view.updatedAt),
  ttlMs: view.ttlMs,
  pollIntervalMs: view.pollMs,
})

/** The task with what its status adds: open inputs, the result, or the error (TX-010). */
export function toDetailedTask(view: TaskView): JsonObject {
  const task = toExtensionTask(view)
  const { end, inputs } = view
  if (end?.kind === 'result') {
    // TX-011: a whole result of the original method, so it says what it is; nothing of the other era.
    return { ...task, result: { ...withoutRelated(end.result), resultType: 'complete' } }
  }
  if (end?.kind === 'error') return { ...task, error: { ...end.error } }
  if (end || Object.keys(inputs).length === 0) return task
  const asked = Object.entries(inputs).map(([key, { method, params }]): [string, JsonObject] => [
    key,
    { method, ...(params ? { params } : {}) },
  ])
  return { ...task, inputRequests: Object.fromEntries(asked) }
}

/** Says to which task a message of 2025-11-25 belongs (TL-013). */
export function withRelated(message: JsonObject, taskId: string): JsonObject {
  const meta = own(message, '_meta')
  return {
    ...message,
    _meta: { ...(isObject(meta) ? meta : {}), [META.relatedTask]: { taskId } },
  }
}

function withoutRelated(result: JsonObject): JsonObject {
  const meta = own(result, '_meta')
  if (!isObject(meta) || !Object.hasOwn(meta, META.relatedTask)) return result
  const { [META.relatedTask]: _related, ...kept } = meta
  return { ...result, _meta: kept }
}

/** The task a message of 2025-11-25 belongs to, if it says so. */
export function relatedTask(message: JsonObject): string | undefined {
  const meta = own(message, '_meta')
  const related = isObject(meta) ? own(meta, META.relatedTask) : undefined
  const id = isObject(related) ? own(related, 'taskId') : undefined
  return typeof id === 'string' ? id : undefined
}
