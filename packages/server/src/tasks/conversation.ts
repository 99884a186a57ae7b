import { isObject, own, type InputRequest, type JsonObject } from '@countersign/contract'
import type { World } from '#base'
import type { InputAnswer } from '#upstream'

/** Where a conversation stands when somebody looks: over, or waiting for answers. */
export type Turn<Outcome> =
  | { readonly kind: 'done'; readonly outcome: Outcome }
  | { readonly kind: 'questions'; readonly questions: Readonly<Record<string, InputRequest>> }

interface Question {
  readonly request: InputRequest
  readonly answer: (answer: InputAnswer) => void
}

/** Questions that arrive within this time share one round (BR-032). */
const GATHER_MS = 30

/**
 * A running call whose questions are carried to a client that cannot be asked directly: it is shown
 * the open questions, goes away, and comes back with answers. The call itself never notices.
 */
export class Conversation<Outcome, Listener> {
  /** Who hears what the call says while it runs: the request that is open now, if one is. */
  listener: Listener | undefined
  readonly #world: World
  readonly #open = new Map<string, Question>()
  readonly #outcome: Promise<Turn<Outcome>>
  #asked = 0
  #wake: () => void = () => undefined
  #gathered: Promise<void>

  /** `run` gets the `ask` of this conversation and must not reject. */
  constructor(
    world: World,
    run: (
      ask: (request: InputRequest, signal: AbortSignal) => Promise<InputAnswer>,
    ) => Promise<Outcome>,
  ) {
    this.#world = world
    this.#gathered = this.#nextQuestion()
    this.#outcome = run((request, signal) => this.#ask(request, signal)).then((outcome) => ({
      kind: 'done',
      outcome,
    }))
  }

  /** Resolves when the call is over or wants answers, whichever comes first. */
  async next(): Promise<Turn<Outcome>> {
    for (;;) {
      const turn = await Promise.race([this.#outcome, this.#gathered])
      if (turn) return turn
      if (this.#open.size > 0) return { kind: 'questions', questions: this.#questions() }
      this.#gathered = this.#nextQuestion() // All of them were withdrawn meanwhile.
    }
  }

  /** Resolves when the call is over. */
  async finished(): Promise<void> {
    await this.#outcome
  }

  /**
   * Takes answers by key. The first answer to a key wins; unknown and malformed ones are ignored, so
   * their question stays open and is asked again (I-009, AM-39).
   */
  answer(responses: JsonObject): void {
    for (const [key, question] of this.#open) {
      const response = own(responses, key)
      if (!isObject(response)) continue
      this.#open.delete(key)
      question.answer({ kind: 'result', result: response })
    }
    if (this.#open.size === 0) this.#gathered = this.#nextQuestion()
  }

  #questions(): Readonly<Record<string, InputRequest>> {
    return Object.fromEntries([...this.#open].map(([key, { request }]) => [key, request]))
  }

  #nextQuestion(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  #ask(request: InputRequest, signal: AbortSignal): Promise<InputAnswer> {
    // Keys are never reused within a conversation, so a late answer cannot meet another question.
    const key = `q${String(++this.#asked)}`
    const wake = this.#wake
    this.#world.after(GATHER_MS, wake)
    return new Promise((resolve) => {
      const withdraw = (): void => {
        this.#open.delete(key)
        resolve({ kind: 'error', error: { code: -32603, message: 'The question was withdrawn.' } })
      }
      if (signal.aborted) {
        withdraw()
        return
      }
      signal.addEventListener('abort', withdraw, { once: true })
      this.#open.set(key, {
        request,
        answer: (answer) => {
          signal.removeEventListener('abort', withdraw)
          resolve(answer)
        },
      })
    })
  }
}
