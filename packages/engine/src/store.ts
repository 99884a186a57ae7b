import type { Entry, Signal } from './journal.ts'
import type { TaskState } from './machine.ts'
import type { Op, Verdict } from './ops.ts'
import type { Task } from './task.ts'

/** Which tasks to list; newest first. `after` is the place of the last task of the page before. */
export interface TaskQuery {
  readonly owner?: string
  readonly run?: string
  readonly states?: readonly TaskState[]
  readonly after?: { readonly createdAt: number; readonly id: string }
  readonly limit: number
}

/** A task and the moment it should be looked at. */
export interface Due {
  readonly id: string
  readonly dueAt: number
}

/** Where tasks live. One method writes; whatever it accepted survives the process and the machine. */
export interface Store {
  /** True when one process owns the store, so that every lease of an earlier one is void. */
  readonly isExclusive: boolean
  /**
   * Writes ops in their order, each accepted or refused by itself, and resolves when all of it is
   * durable. Many callers share one commit. When it rejects, nothing is known: repeating an op with
   * the same fence and sequence is safe.
   */
  commit(ops: readonly Op[]): Promise<readonly Verdict[]>
  get(id: string): Promise<Task | undefined>
  list(query: TaskQuery): Promise<readonly Task[]>
  /** Tasks due up to `until`, soonest first, starting after `after`. */
  due(until: number, limit: number, after?: Due): Promise<readonly Due[]>
  /** How many tasks there are in each state that is not final. */
  readonly countOpen?: () => Promise<Readonly<Partial<Record<TaskState, number>>>>
  journal(id: string): Promise<readonly Entry[]>
  /** Signals not yet delivered, oldest first, and how many have ever come. */
  signals(id: string): Promise<{ readonly inbox: number; readonly signals: readonly Signal[] }>
  /** Calls `listener` with tasks that some process changed; absent where one process is all. */
  readonly changes?: (listener: (tasks: readonly string[]) => void) => Promise<() => Promise<void>>
  close(): Promise<void>
}
