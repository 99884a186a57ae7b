import type { RequestId, RpcRequest } from '@countersign/contract'
import type { World } from '#base'

/** Questions that wait for somebody to ask after their task. */
const HELD_MAX = 16
/** Whoever follows a task asks after it more often than this. */
const HELD_MS = 120_000

interface Held {
  readonly task: string
  readonly request: RpcRequest
  readonly drop: () => void
  readonly stopTimer: () => void
}

/**
 * What a legacy server asked about a task while nobody waited for that task's result. A server should
 * keep such questions to itself until then, and may not (TL-015); and who was asked may have gone away
 * before an answer (TL-018).
 */
export class HeldQuestions {
  readonly #world: World
  readonly #held = new Map<RequestId, Held>()

  constructor(world: World) {
    this.#world = world
  }

  /** `drop` is called when nobody came for it. */
  hold(task: string, request: RpcRequest, drop: () => void): void {
    this.withdraw(request.id)
    if (this.#held.size >= HELD_MAX) {
      drop()
      return
    }
    const stopTimer = this.#world.after(HELD_MS, () => {
      this.#held.delete(request.id)
      drop()
    })
    this.#held.set(request.id, { task, request, drop, stopTimer })
  }

  /** The questions of this task, oldest first; they are no longer held. */
  take(task: string): readonly RpcRequest[] {
    const taken = [...this.#held.values()].filter((held) => held.task === task)
    for (const { request } of taken) this.withdraw(request.id)
    return taken.map(({ request }) => request)
  }

  /** Nobody will ever come for this task's questions. */
  dropAll(task: string): void {
    for (const { request, drop, ...held } of this.#held.values()) {
      if (held.task !== task) continue
      this.withdraw(request.id)
      drop()
    }
  }

  /** The server does not ask this any more. */
  withdraw(id: RequestId): void {
    this.#held.get(id)?.stopTimer()
    this.#held.delete(id)
  }

  close(): void {
    for (const { stopTimer } of this.#held.values()) stopTimer()
    this.#held.clear()
  }
}
