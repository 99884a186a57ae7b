import { isObject, own, RPC, type InputRequest, type JsonObject } from '@countersign/contract'
import type { InputAnswer } from '#upstream'

/** Puts a question to somebody right away. Never rejects; `withdrawn` takes the question back. */
export type Ask = (request: InputRequest, withdrawn: AbortSignal) => Promise<InputAnswer>

interface Question {
  readonly key: string
  readonly request: InputRequest
  readonly answer: (answer: InputAnswer) => void
  readonly over: AbortController
  /** Whoever is being asked now. */
  asker: Asker | undefined
}

interface Asker {
  readonly ask: Ask
  /** True when its connection broke without a word. */
  readonly isGone: () => boolean
  readonly takes: (request: InputRequest) => boolean
  readonly gone: AbortController
}

const WITHDRAWN: InputAnswer = {
  kind: 'error',
  error: { code: RPC.internal, message: 'The question was withdrawn.' },
}

/**
 * What a call wants to know of its client. A question stays open until the first answer: it may be
 * shown to whoever looks, and is put to one who can be asked directly, never to two (TL-018).
 */
export class Questions {
  readonly #open = new Map<string, Question>()
  readonly #askers: Asker[] = []
  readonly #prefix: string
  readonly #changed: () => void
  #asked = 0

  /** `prefix` starts every key, so that no later life of the call uses one again (TX-015). */
  constructor(prefix: string, changed: () => void) {
    this.#prefix = prefix
    this.#changed = changed
  }

  get size(): number {
    return this.#open.size
  }

  /** All open questions, by key. */
  all(): Readonly<Record<string, InputRequest>> {
    return Object.fromEntries([...this.#open].map(([key, { request }]) => [key, request]))
  }

  /** Asks, and resolves with the first answer, from wherever it comes. */
  ask(request: InputRequest, withdrawn: AbortSignal): Promise<InputAnswer> {
    if (withdrawn.aborted) return Promise.resolve(WITHDRAWN)
    const key = `${this.#prefix}${String(++this.#asked)}`
    const answered = this.pose(key, request)
    const withdraw = (): void => {
      this.#settle(key, WITHDRAWN)
    }
    withdrawn.addEventListener('abort', withdraw, { once: true })
    return answered.finally(() => {
      withdrawn.removeEventListener('abort', withdraw)
    })
  }

  /** Opens a question under a key that somebody else chose and that is not open. */
  pose(key: string, request: InputRequest): Promise<InputAnswer> {
    return new Promise((resolve) => {
      const over = new AbortController()
      const question: Question = { key, request, over, asker: undefined, answer: resolve }
      this.#open.set(key, question)
      this.#put(question)
      this.#changed()
    })
  }

  has(key: string): boolean {
    return this.#open.has(key)
  }

  /** Takes back what is no longer asked. */
  withdraw(key: string): void {
    this.#settle(key, WITHDRAWN)
  }

  /**
   * Takes answers by key. The first answer to a key wins; unknown and malformed ones are ignored, so
   * their question stays open and is asked again (I-009, AM-39, TX-017).
   */
  answer(responses: JsonObject): void {
    for (const key of this.#open.keys()) {
      const result = own(responses, key)
      if (isObject(result)) this.#settle(key, { kind: 'result', result })
    }
  }

  /** Has open and coming questions that it takes put to `ask`, until what is returned is called. */
  attach(ask: Ask, isGone = (): boolean => false, takes: Asker['takes'] = () => true): () => void {
    const asker: Asker = { ask, isGone, takes, gone: new AbortController() }
    // Whoever comes takes over from those whose connection broke (TL-018).
    for (const other of this.#askers.filter((one) => one.isGone())) this.#leave(other)
    this.#askers.push(asker)
    for (const question of this.#open.values()) this.#put(question)
    return () => {
      this.#leave(asker)
    }
  }

  #leave(asker: Asker): void {
    const at = this.#askers.indexOf(asker)
    if (at >= 0) this.#askers.splice(at, 1)
    asker.gone.abort()
  }

  /** Puts a question to the first who can be asked; when that one goes, to the next. */
  #put(question: Question): void {
    // I-004: a client that did not declare what it takes is not asked, and answers for nobody.
    const asker = this.#askers.find(({ takes }) => takes(question.request))
    if (question.asker || !asker) return
    question.asker = asker
    const back = AbortSignal.any([question.over.signal, asker.gone.signal])
    void this.#take(question, asker, back)
  }

  async #take(question: Question, { ask, gone }: Asker, back: AbortSignal): Promise<void> {
    const answer = await ask(question.request, back)
    if (question.over.signal.aborted) return
    question.asker = undefined
    // TL-018: what one did not answer before going is asked again.
    if (answer.kind === 'error' && gone.signal.aborted) this.#put(question)
    else this.#settle(question.key, answer)
  }

  #settle(key: string, answer: InputAnswer): void {
    const question = this.#open.get(key)
    if (!question) return
    this.#open.delete(key)
    question.over.abort()
    question.answer(answer)
    this.#changed()
  }
}
