/** Questions of a task, put to a client before 2026-07-28 as requests of the server. */
import { withRelated, type JsonObject } from '@countersign/contract'
import type { McpServer, RequestOptions, ServerContext } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { toLegacyParams, type OpenQuestion } from './open-questions.ts'
import type { Looked, Tasks } from './tasks.ts'

/** People take their time: as long as Node can count. */
const PATIENCE_MS = 2_147_000_000

/** Questions that are remembered to have been seen; the oldest are forgotten. */
const SEEN_MAX = 10_000

const Reply = z.object({
  action: z.string(),
  content: z.record(z.string(), z.json()).optional(),
})
type Reply = z.output<typeof Reply>

/** Sends one request to the client and resolves with its reply. */
type Put = (
  request: { readonly method: string; readonly params: JsonObject },
  options: RequestOptions,
) => Promise<Reply>

/** How the end of a task is waited for. */
export interface Waiting {
  /** Whether its messages say to which task they belong. */
  readonly isRelated: boolean
  /** Sees the task each time it looks different. */
  readonly saw?: (looked: Looked) => void
}

/** Who is asking what right now: a question goes to one stream at a time (TL-018). */
export class Asking {
  readonly #tasks: Tasks
  readonly #asked = new Set<string>()
  /** Questions that a client has been shown by `tasks/get`, and how to take one back that was put. */
  readonly #seen = new Map<string, AbortController | undefined>()

  constructor(tasks: Tasks) {
    this.#tasks = tasks
  }

  /**
   * Waits for the end of a task and meanwhile puts its questions to the client; those that were not
   * answered when the request ended are put to whoever comes next.
   *
   * @throws whatever the signal of the request aborts with.
   */
  async untilEnd(
    id: string,
    { mcpReq }: ServerContext,
    { isRelated, saw }: Waiting,
  ): Promise<Looked | undefined> {
    const { signal } = mcpReq
    const put: Put = (request, options) => mcpReq.send(request, Reply, options)
    return await this.#tasks.until(
      id,
      (looked) => {
        saw?.(looked)
        if (looked.view.end) return true
        for (const question of looked.questions) {
          const place = placeOf(id, question)
          if (this.#asked.has(place)) continue
          // This stream is the better one: what was put elsewhere is taken back.
          this.#seen.get(place)?.abort()
          this.#asked.add(place)
          void this.#put(id, question, put, { signal, isRelated }).finally(() => {
            this.#asked.delete(place)
          })
        }
        return false
      },
      signal,
    )
  }

  /**
   * A client that has seen that a task wants input, and asks for the task again instead of waiting
   * in `tasks/result`, expects the questions to come by themselves (TL-015): so they do.
   */
  remind({ view, questions }: Looked, { server }: McpServer): void {
    const put: Put = (request, options) => server.request(request, Reply, options)
    for (const question of questions) {
      const place = placeOf(view.id, question)
      if (!this.#seen.has(place)) this.#see(place)
      else if (!this.#asked.has(place) && !this.#seen.get(place)) {
        const controller = new AbortController()
        this.#seen.set(place, controller)
        const how = { signal: controller.signal, isRelated: true }
        void this.#put(view.id, question, put, how).finally(() => {
          this.#seen.delete(place)
        })
      }
    }
  }

  #see(place: string): void {
    this.#seen.set(place, undefined)
    const [oldest] = this.#seen.keys()
    if (this.#seen.size > SEEN_MAX && oldest !== undefined) this.#seen.delete(oldest)
  }

  /** Never rejects: a question that could not be put waits for the next stream. */
  async #put(
    id: string,
    question: OpenQuestion,
    put: Put,
    { signal, isRelated }: { readonly signal: AbortSignal; readonly isRelated: boolean },
  ): Promise<void> {
    try {
      const params = toLegacyParams(question)
      const request = {
        method: question.request.method,
        // TL-013: the client learns which of its tasks it is that asks.
        params: isRelated ? withRelated(params, id) : params,
      }
      const reply = await put(request, { timeout: PATIENCE_MS, signal }).catch((): Reply => {
        signal.throwIfAborted()
        // A client that cannot ask, or whose person would not look, has not accepted.
        return { action: 'cancel' }
      })
      await this.#tasks.answer(id, question.key, reply)
    } catch {
      // The request is over, or the store is away.
    }
  }
}

const placeOf = (id: string, { key }: OpenQuestion): string => `${id}/${key}`
