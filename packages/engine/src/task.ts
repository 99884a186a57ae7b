import type { Json } from '@countersign/contract'
import type { TaskFailure } from './fault.ts'
import type { TaskState } from './machine.ts'

/** How far a task is. `total` is absent when nobody knows. */
export interface Progress {
  readonly done: number
  readonly total?: number
  readonly message?: string
}

/** A signal the task waits for, with what it asks of whoever answers. */
export interface OpenWait {
  readonly name: string
  readonly ask: Json
}

/** A task as it stands in the store. Times are milliseconds since the epoch. */
export interface Task {
  readonly id: string
  readonly kind: string
  /** The version of the handler that started it; replays want the same. */
  readonly version: string
  /** Who may ask about it: opaque to the engine. */
  readonly owner: string
  /** Tasks that belong together and can be undone together. */
  readonly run: string | undefined
  /** Makes creation idempotent within one owner. */
  readonly key: string | undefined
  /** The task that waits for this one. */
  readonly parent: string | undefined
  /** The task whose completed steps this one undoes. */
  readonly undoes: string | undefined
  readonly input: Json
  readonly state: TaskState
  /** Grows with each claim and each decision from outside; the fence of every write. */
  readonly epoch: number
  readonly worker: string | undefined
  /** When a dispatcher should look at it: start, timer, or end of the lease. */
  readonly dueAt: number | undefined
  readonly createdAt: number
  readonly updatedAt: number
  readonly expiresAt: number
  readonly deadlineAt: number | undefined
  /** How often an asker should come back. */
  readonly pollMs: number
  /** One sentence for a person. */
  readonly status: string | undefined
  readonly progress: Progress | undefined
  readonly waits: readonly OpenWait[]
  /** How many signals have ever come. */
  readonly inbox: number
  readonly result: Json | undefined
  readonly error: TaskFailure | undefined
  /** The caller's own notes. */
  readonly metadata: Json
}

/** One page of tasks, newest first. `next` is absent on the last page. */
export interface TaskPage {
  readonly tasks: readonly Task[]
  readonly next?: string
}
