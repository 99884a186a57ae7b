/** News of tasks over Streamable HTTP: a stream for each `subscriptions/listen` that asks for them. */
import { systemWorld } from '@countersign/engine'
import {
  isJSONRPCRequest,
  type JSONRPCRequest,
  type McpHandlerRequestOptions,
} from '@modelcontextprotocol/server'
import { EVENT_STREAM } from '../patience.ts'
import { TASKS_MISSING } from './durable-call.ts'
import { lastWord, mayFollowTasks, subscribe, taskIdsOf } from './subscription.ts'
import type { Tasks } from './tasks.ts'

/** Something that answers requests of the modern era. */
interface Handler {
  readonly fetch: (request: Request, options?: McpHandlerRequestOptions) => Promise<Response>
}

/** Streams that are open at once. */
const STREAMS_MAX = 1_024
/** A comment keeps proxies from closing a stream on which nothing happens. */
const KEEP_ALIVE_MS = 15_000

/** The same handler, that also serves news of tasks. */
export function httpNews(tasks: Tasks, modern: Handler): Handler & { readonly close: () => void } {
  const open = new Set<() => void>()
  return {
    fetch: async (request, options) => {
      // H-033 makes this header come with every request; what contradicts the body is refused below.
      if (request.headers.get('mcp-method') !== 'subscriptions/listen') {
        return modern.fetch(request, options)
      }
      const body: unknown = await request
        .clone()
        .json()
        .catch(() => undefined)
      const response = await modern.fetch(request, options)
      const listen = isJSONRPCRequest(body) ? body : undefined
      const ids = listen && taskIdsOf(listen)
      const isServed = response.headers.get('content-type')?.includes('text/event-stream') === true
      if (!listen || !ids || !isServed) return response
      await response.body?.cancel()
      if (!mayFollowTasks(listen)) return refusal(listen, 400, TASKS_MISSING)
      if (open.size >= STREAMS_MAX) {
        return refusal(listen, 200, { code: -32_603, message: 'Subscription limit reached' })
      }
      return stream(tasks, listen, ids, open)
    },
    close: () => {
      for (const end of open) end()
    },
  }
}

const refusal = ({ id }: JSONRPCRequest, status: number, error: object): Response =>
  Response.json({ jsonrpc: '2.0', id, error }, { status })

const nothing = (): void => undefined

function stream(
  tasks: Tasks,
  { id }: JSONRPCRequest,
  ids: readonly string[],
  open: Set<() => void>,
): Response {
  const encoder = new TextEncoder()
  let stop = nothing
  const body = new ReadableStream<Uint8Array>({
    start: async (controller) => {
      let isOpen = true
      let calm = nothing
      const write = (text: string): void => {
        if (isOpen) controller.enqueue(encoder.encode(text))
      }
      const send = (message: object): void =>
        write(`event: message\ndata: ${JSON.stringify(message)}\n\n`)
      const keepAlive = (): void => {
        write(': keepalive\n\n')
        calm = systemWorld.after(KEEP_ALIVE_MS, keepAlive)
      }
      const end = (): void => {
        if (!isOpen) return
        // AM-01: over HTTP the result, then the end of the stream.
        send({ jsonrpc: '2.0', id, result: lastWord(id) })
        stop()
        controller.close()
      }
      let off = nothing
      stop = () => {
        isOpen = false
        open.delete(end)
        calm()
        off()
      }
      open.add(end)
      calm = systemWorld.after(KEEP_ALIVE_MS, keepAlive)
      off = await subscribe(tasks, id, ids, send)
      if (!isOpen) off()
    },
    cancel: () => {
      stop()
    },
  })
  return new Response(body, { headers: EVENT_STREAM })
}
