/** News of tasks over standard output, in between everything else. */
import { isObject, META, own, type RequestId } from '@countersign/contract'
import {
  isJSONRPCNotification,
  isJSONRPCRequest,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type Transport,
} from '@modelcontextprotocol/server'
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio'
import { TASKS_MISSING } from './durable-call.ts'
import { lastWord, mayFollowTasks, subscribe, taskIdsOf } from './subscription.ts'
import type { Tasks } from './tasks.ts'

/** Subscriptions that are open at once. */
const SUBSCRIPTIONS_MAX = 100

/** Standard input and output; `subscriptions/listen` with `taskIds` is served here. */
export class StdioWithNews implements Transport {
  onclose?: () => void
  onerror?: (error: Error) => void
  onmessage?: (message: JSONRPCMessage) => void
  readonly #tasks: Tasks
  readonly #inner = new StdioServerTransport()
  readonly #subscriptions = new Map<RequestId, () => void>()

  /** `closed` is called once the client is gone. */
  constructor(tasks: Tasks, closed: () => void) {
    this.#tasks = tasks
    this.#inner.onmessage = (message) => {
      if (!this.#takes(message)) this.onmessage?.(message)
    }
    this.#inner.onerror = (error) => this.onerror?.(error)
    this.#inner.onclose = () => {
      for (const stop of this.#subscriptions.values()) stop()
      this.#subscriptions.clear()
      this.onclose?.()
      closed()
    }
  }

  start(): Promise<void> {
    return this.#inner.start()
  }

  send(message: JSONRPCMessage): Promise<void> {
    return this.#inner.send(message)
  }

  async close(): Promise<void> {
    for (const id of this.#subscriptions.keys()) {
      // AM-01: the result is the last word.
      await this.send({ jsonrpc: '2.0', id, result: lastWord(id) }).catch(() => undefined)
    }
    await this.#inner.close()
  }

  /** True when the message was for this, and nobody else needs to see it. */
  #takes(message: JSONRPCMessage): boolean {
    if (isJSONRPCRequest(message) && message.method === 'subscriptions/listen') {
      const ids = taskIdsOf(message)
      if (!ids || message.params?._meta?.[META.protocolVersion] !== '2026-07-28') return false
      void this.#listen(message, ids)
      return true
    }
    if (!isJSONRPCNotification(message) || message.method !== 'notifications/cancelled')
      return false
    const id = cancelledOf(message.params)
    if (id === undefined) return false
    this.#subscriptions.get(id)?.()
    return this.#subscriptions.delete(id)
  }

  async #listen(request: JSONRPCRequest, ids: readonly string[]): Promise<void> {
    const { id } = request
    const isFull = this.#subscriptions.size >= SUBSCRIPTIONS_MAX
    if (isFull || !mayFollowTasks(request)) {
      const full = { code: -32_603, message: 'Subscription limit reached' }
      await this.send({ jsonrpc: '2.0', id, error: isFull ? full : TASKS_MISSING })
      return
    }
    let isOver = false
    this.#subscriptions.set(id, () => {
      isOver = true
    })
    const off = await subscribe(this.#tasks, id, ids, (message) => {
      this.send(message).catch(() => undefined)
    })
    if (isOver) off()
    else this.#subscriptions.set(id, off)
  }
}

function cancelledOf(params: unknown): RequestId | undefined {
  const id = isObject(params) ? own(params, 'requestId') : undefined
  return typeof id === 'string' || typeof id === 'number' ? id : undefined
}
