import type { Task } from './task.ts'

/** Hears that a task has changed; `ended` makes a copy of it as it stands, where that is known. */
export type Listener = (ended?: () => Task) => void

/** Who wants to know when tasks change. */
export class Watchers {
  readonly #all = new Set<(task: string) => void>()
  readonly #of = new Map<string, Set<Listener>>()

  /** Calls `listener` with the id of each task that changed; returns the way to stop. */
  add(listener: (task: string) => void): () => void {
    this.#all.add(listener)
    return () => this.#all.delete(listener)
  }

  /** Calls `listener` when this task changes; returns the way to stop. */
  addTo(task: string, listener: Listener): () => void {
    const listeners = this.#of.get(task) ?? new Set()
    this.#of.set(task, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#of.delete(task)
    }
  }

  tell(task: string, ended?: () => Task): void {
    for (const listener of this.#all) listener(task)
    for (const listener of this.#of.get(task) ?? []) listener(ended)
  }

  /** Tells those who wait for one task to look again: a change elsewhere may have been missed. */
  remind(): void {
    for (const listeners of this.#of.values()) for (const listener of listeners) listener()
  }
}
