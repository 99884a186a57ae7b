/** Questions of a durable tool: what is asked on the wire, and what an answer means. */
import {
  elicitationMode,
  isObject,
  own,
  textAt,
  type InputRequest,
  type Json,
  type JsonObject,
} from '@countersign/contract'
import { RecordedError, type TaskContext } from '@countersign/engine'
import { inputRequired } from '@modelcontextprotocol/server'
import type { z } from 'zod'
import type { Answer, Question } from '../context.ts'
import type { AskOptions, UrlQuestion, UrlAnswer } from './durable-context.ts'

/** An answer that fits nothing is asked for again; who never fits gets no further. */
const ROUNDS_MAX = 5

/** The one thing of a client's capabilities that a task remembers: by which modes it can be asked. */
const ASKS = 'dev.countersign/asks'
export type Mode = 'form' | 'url'

/** The metadata of a task whose maker can be asked in these modes. */
export const askable = (modes: readonly Mode[]): JsonObject => ({ [ASKS]: modes })

/** A task that nobody marked may ask: it was made in a test, or by a parent that asks for it. */
export const canAsk = (metadata: Json, mode: Mode): boolean => {
  const modes = isObject(metadata) ? own(metadata, ASKS) : undefined
  return !Array.isArray(modes) || modes.includes(mode)
}

/** Asks, by names that are never used twice in a task (TX-015). */
export class Questions {
  readonly #task: TaskContext
  readonly #used = new Map<string, number>()

  constructor(task: TaskContext) {
    this.#task = task
  }

  async form<Schema extends z.ZodObject>(
    name: string,
    { message, schema }: Question<Schema>,
    options: AskOptions,
  ): Promise<Answer<z.output<Schema>>> {
    const request = toForm(message, schema)
    for (let round = 1; round <= ROUNDS_MAX; round++) {
      const { action, content } = await this.#wait(name, request, options)
      if (action !== 'accept') return { action }
      const read = await schema.safeParseAsync(content)
      if (read.success) return { action, value: read.data }
    }
    throw new TypeError(`The answers to "${name}" never had the form that was asked for.`)
  }

  async url(name: string, { message, url }: UrlQuestion, options: AskOptions): Promise<UrlAnswer> {
    const request = {
      method: 'elicitation/create',
      params: { mode: 'url', message, url },
    } as const
    const { action } = await this.#wait(name, request, options)
    return { action }
  }

  async #wait(name: string, ask: InputRequest, options: AskOptions): Promise<Reply> {
    const mode = elicitationMode(ask)
    if (!canAsk(this.#task.metadata, mode)) {
      throw new RecordedError({
        name: 'Error',
        code: 'ask/impossible',
        message: `This tool needs an answer (${textAt(ask.params ?? {}, 'message')}), and the client that called it cannot ask: it does not declare elicitation in ${mode} mode.`,
      })
    }
    const nth = (this.#used.get(name) ?? 0) + 1
    this.#used.set(name, nth)
    const key = nth === 1 ? name : `${name}-${String(nth)}`
    const { method, params } = ask
    return toReply(await this.#task.wait(key, { ask: { method, params }, ...options }))
  }
}

interface Reply {
  readonly action: 'accept' | 'decline' | 'cancel'
  readonly content: Json
}

/** The answer as it came. What is no answer at all has no content, and is asked for again. */
function toReply(given: Json): Reply {
  const action = isObject(given) ? own(given, 'action') : undefined
  const content = isObject(given) ? (own(given, 'content') ?? null) : null
  if (action === 'decline' || action === 'cancel') return { action, content: null }
  return { action: 'accept', content: action === 'accept' ? content : null }
}

/** @throws TypeError for a schema that no form can show. */
function toForm(message: string, schema: z.ZodObject): InputRequest {
  const { params } = inputRequired.elicit({ mode: 'form', message, requestedSchema: schema })
  // It is JSON: the wire form of a schema. Said once more so that what is recorded is what is sent.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return { method: 'elicitation/create', params: JSON.parse(JSON.stringify(params)) as JsonObject }
}
