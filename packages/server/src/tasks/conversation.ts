import type { ClientCapabilities, InputRequest, JsonObject } from '@countersign/contract'
import type { World } from '#base'
import { Questions, type Ask } from './questions.ts'

/** Where a conversation stands when somebody looks: over, or waiting for answers. */
export type Turn<Outcome> =
  | { readonly kind: 'done'; readonly outcome: Outcome }
  | { readonly kind: 'questions'; readonly questions: Readonly<Record<string, InputRequest>> }

/** Questions that arrive within this time share one round (BR-032). */
const GATHER_MS = 30

/** One open request of the client, and what it may be told and asked while it is open. */
export interface Listener {
  readonly progress: (params: JsonObject) => void
  readonly log: (params: JsonObject) => void
  /** Says that the call still runs; only where the client wants to hear it. */
  readonly beat?: (message: string) => void
  /** Only where questions can be asked on the open stream. */
  readonly ask?: Ask
  /** True when its connection broke without a word. */
  readonly isGone?: () => boolean
  /** Whether it declared that it can be asked this; without it, anything. */
  readonly takes?: (request: InputRequest) => boolean
  readonly elicitationComplete?: (elicitationId: string) => void
  readonly paused?: (retryMs: number) => void
}

/**
 * A running call, apart from the request that began it. Requests come and go: each hears and is asked
 * while it is attached; the call itself never notices.
 */
export class Conversation<Outcome> {
  /** Ends the call itself. */
  readonly abort = new AbortController()
  readonly questions: Questions
  /** Settles when the call is over; never rejects. */
  readonly outcome: Promise<Outcome>
  /** True once the call is a task: it outlives whoever asked for it. */
  isDeferred = false
  /** What the server asked for that this client cannot be asked (I-004). */
  missing: ClientCapabilities | undefined
  readonly #done: Promise<Turn<Outcome>>
  readonly #world: World
  readonly #listeners = new Set<Listener>()
  /** Whoever was sent to a page hears that it is done, if the call is long over by then (I-045). */
  readonly #sent = new Set<Listener>()
  readonly #changed = new Set<() => void>()
  /** Resolved while there are questions that somebody who looks is shown. */
  #shown = Promise.withResolvers<void>()
  #isShown = false
  #isGathering = false
  #isOver = false

  /** `run` carries the call, and must not reject. `prefix` makes the keys of its questions unique. */
  constructor(
    world: World,
    run: (conversation: Conversation<Outcome>) => Promise<Outcome>,
    prefix = 'q',
  ) {
    this.#world = world
    this.questions = new Questions(prefix, () => {
      this.#onQuestion()
    })
    this.outcome = run(this)
    this.#done = this.outcome.then((outcome) => {
      this.#isOver = true
      return { kind: 'done', outcome }
    })
  }

  /** Hears and is asked until what is returned is called. */
  attach(listener: Listener): () => void {
    this.#listeners.add(listener)
    if (listener.elicitationComplete) this.#sent.add(listener)
    const { ask, isGone, takes } = listener
    let wasAsked = false
    const put = (asking: Ask): Ask =>
      function noting(request, withdrawn) {
        wasAsked = true
        return asking(request, withdrawn)
      }
    const leave = ask ? this.questions.attach(put(ask), isGone, takes) : undefined
    return () => {
      this.#listeners.delete(listener)
      // Who was neither asked nor told how it ended was sent to no page.
      if (!wasAsked && !this.#isOver) this.#sent.delete(listener)
      leave?.()
    }
  }

  /** Calls `changed` whenever a question is opened or settled. */
  onChange(changed: () => void): () => void {
    this.#changed.add(changed)
    return () => void this.#changed.delete(changed)
  }

  progress(params: JsonObject): void {
    for (const one of this.#listeners) one.progress(params)
  }

  log(params: JsonObject): void {
    for (const one of this.#listeners) one.log(params)
  }

  elicitationComplete(id: string): void {
    for (const one of this.#sent) one.elicitationComplete?.(id)
  }

  paused(retryMs: number): void {
    for (const one of this.#listeners) one.paused?.(retryMs)
  }

  /** Resolves when the call is over or wants answers, whichever comes first. */
  async next(): Promise<Turn<Outcome>> {
    for (;;) {
      const turn = await Promise.race([this.#done, this.#shown.promise])
      if (turn) return turn
      // They may all have been withdrawn meanwhile.
      if (this.questions.size > 0) return { kind: 'questions', questions: this.questions.all() }
    }
  }

  /** Takes answers by key, as `Questions.answer`. */
  answer(responses: JsonObject): void {
    this.questions.answer(responses)
  }

  #onQuestion(): void {
    for (const changed of this.#changed) changed()
    if (this.questions.size === 0) this.#hide()
    else if (!this.#isShown && !this.#isGathering) this.#gather()
  }

  #hide(): void {
    if (!this.#isShown) return
    this.#isShown = false
    this.#shown = Promise.withResolvers()
  }

  #gather(): void {
    this.#isGathering = true
    this.#world.after(GATHER_MS, () => {
      this.#isGathering = false
      if (this.questions.size === 0) return
      this.#isShown = true
      this.#shown.resolve()
    })
  }
}
