import type { JsonObject, RequestId, Revision, RpcError } from '@countersign/contract'
import type { World } from '#base'
import { Deadline } from './deadline.ts'
import type { Exchange } from './upstream.ts'
import type { Loss } from './wire.ts'

/** One request to a server, before it has left. */
export interface Ask {
  readonly id: number
  readonly method: string
  readonly params: JsonObject
  readonly revision: Revision | undefined
  readonly name?: string | undefined
  readonly paramHeaders?: Readonly<Record<string, string>> | undefined
  /** 0 for requests that stay open on purpose. */
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  /** The client behind it; undefined for our own requests. */
  readonly exchange?: Exchange
  /** Of `tasks/result`: the server's id of the task that is waited for. */
  readonly task?: string
  /** Told of a result that comes after the request was given up. */
  readonly late?: (result: JsonObject) => void
  /** Handshakes are not cancellable (P-010). */
  readonly cancellable: boolean
}

export type Answer =
  | { readonly kind: 'result'; readonly result: JsonObject; readonly text: string }
  | ({ readonly kind: 'lost' } & Loss)
  | {
      readonly kind: 'error'
      readonly error: RpcError
      /** The HTTP status it came with, when that was not 200. */
      readonly status?: number
    }

/** Why a question is withdrawn from a call that was answered: then it was not that call's question. */
export const CALL_OVER = Symbol('the call was answered')
/** Why a question is withdrawn that the server itself took back. */
export const TAKEN_BACK = Symbol('the server took it back')

interface Ends {
  readonly expired: (flight: Flight) => void
  readonly aborted: (flight: Flight) => void
}

/** The record of one request under way (BR-002): who waits, until when, and what it was asked meanwhile. */
export class Flight {
  readonly ask: Ask
  /** What the server asked of the client during this call, by the server's own ids. */
  readonly questions = new Map<RequestId, AbortController>()
  readonly deadline: Deadline | undefined
  /** True once something of it may have reached the server. */
  left = false
  readonly #resolve: (answer: Answer) => void
  readonly #ends: Ends

  constructor(world: World, ask: Ask, resolve: (answer: Answer) => void, ends: Ends) {
    this.ask = ask
    this.#resolve = resolve
    this.#ends = ends
    if (ask.timeoutMs > 0) {
      this.deadline = new Deadline(world, ask.timeoutMs, () => ends.expired(this))
    }
    ask.signal?.addEventListener('abort', this.#onAbort)
  }

  /** The client withdrew its request. A function: an object as listener outlives its signal in V8. */
  readonly #onAbort = (): void => {
    this.#ends.aborted(this)
  }

  settle(answer: Answer): void {
    this.deadline?.clear()
    this.ask.signal?.removeEventListener('abort', this.#onAbort)
    const reason = answer.kind === 'lost' ? undefined : CALL_OVER
    for (const question of this.questions.values()) question.abort(reason)
    this.questions.clear()
    this.#resolve(answer)
  }
}
