import type { Entry, NewEntry, Signal } from './journal.ts'
import type { TaskState } from './machine.ts'
import type { Task } from './task.ts'

/** Who may write: the holder of this epoch, and nobody else. */
export interface Fence {
  readonly task: string
  readonly epoch: number
}

/** A task to be. `input` and `metadata` are JSON text; `worker` claims it at birth. */
export interface NewTask {
  readonly id: string
  readonly kind: string
  readonly version: string
  readonly owner: string
  readonly run: string | null
  readonly key: string | null
  readonly parent: string | null
  readonly undoes: string | null
  readonly input: string
  readonly metadata: string
  readonly worker: string | null
  /** The start, or the end of the lease when claimed at birth. */
  readonly dueAt: number
  readonly at: number
  readonly expiresAt: number
  readonly deadlineAt: number | null
  readonly pollMs: number
}

/** Creates a task; `by` makes it a child that only the holder of the parent may create. */
export interface CreateOp {
  readonly op: 'create'
  readonly task: NewTask
  readonly by: Fence | null
  readonly ownerOpenMax: number
}
/**
 * Takes a task that is due, with a new epoch. A store that several machines share reads `at` and
 * `until` of leases by its own clock, so that theirs may differ.
 */
export interface ClaimOp {
  readonly op: 'claim'
  readonly task: string
  readonly worker: string
  readonly at: number
  readonly until: number
}
/** Keeps a lease. */
export interface RenewOp extends Fence {
  readonly op: 'renew'
  readonly at: number
  readonly until: number
}
/** Adds lines to the journal, shows progress, marks signals as delivered. */
export interface RecordOp extends Fence {
  readonly op: 'record'
  readonly at: number
  readonly entries: readonly NewEntry[]
  readonly delivered: readonly string[]
  /** What it still waits for, as JSON text, when that changed. */
  readonly waits: string | null
  readonly progress: string | null
  readonly status: string | null
}
/** Lets go of a task until `dueAt` or a signal. `inbox` is how many signals the writer knew of. */
export interface SuspendOp extends Fence {
  readonly op: 'suspend'
  readonly at: number
  readonly entries: readonly NewEntry[]
  readonly delivered: readonly string[]
  readonly dueAt: number | null
  readonly waits: string
  readonly inbox: number
  readonly status: string | null
}
/** Ends a task, or leaves its outcome to be settled (`lose`). */
export interface FinishOp extends Fence {
  readonly op: 'finish'
  readonly event: 'complete' | 'fail' | 'lose'
  readonly at: number
  readonly entries: readonly NewEntry[]
  readonly delivered: readonly string[]
  readonly result: string | null
  readonly error: string | null
}
/** Ends a task from outside. */
export interface CancelOp {
  readonly op: 'cancel'
  readonly task: string
  readonly at: number
  readonly error: string
}
/** Decides an unknown outcome. `expiresAt` gives the task time to be read afterwards. */
export interface SettleOp extends Fence {
  readonly op: 'settle'
  readonly event: 'resume' | 'abandon'
  readonly at: number
  readonly entries: readonly NewEntry[]
  readonly error: string | null
  readonly expiresAt: number
}
/** Leaves a message for a task. `expected` refuses it unless the task waits for that name. */
export interface SignalOp {
  readonly op: 'signal'
  readonly task: string
  readonly at: number
  readonly id: string
  readonly name: string
  readonly payload: string
  readonly expected: boolean
  readonly inboxMax: number
}
/** Notes what came too late to count. Changes nothing else. */
export interface LateOp extends Fence {
  readonly op: 'late'
  readonly entry: NewEntry
}
/** The sole owner of a store has started: whoever held a lease is dead. */
export interface TakeoverOp {
  readonly op: 'takeover'
  readonly at: number
}
/** Fails what outlived its time, and deletes what has been final past its time. */
export interface SweepOp {
  readonly op: 'sweep'
  readonly at: number
  readonly graceMs: number
  readonly error: string
  readonly limit: number
}

/** Deletes what is final of an owner, whatever time it had left, and all that was recorded of it. */
export interface ForgetOp {
  readonly op: 'forget'
  readonly owner: string
  /** Tasks that were created up to then. */
  readonly before: number
  readonly limit: number
}

/** Everything that can be written, each fenced by what it may touch. */
export type Op =
  | CreateOp
  | ClaimOp
  | RenewOp
  | RecordOp
  | SuspendOp
  | FinishOp
  | CancelOp
  | SettleOp
  | SignalOp
  | LateOp
  | TakeoverOp
  | SweepOp
  | ForgetOp

/** Why an op was not accepted. */
export type Refusal = 'fenced' | 'missing' | 'illegal' | 'exists' | 'busy' | 'full' | 'not-waiting'

/** What became of one op. */
export interface Verdict {
  readonly accepted: boolean
  readonly why?: Refusal
  /** Of a task that was found in a state that does not allow the op. */
  readonly state?: TaskState
  /** After `claim` and `create`: the task as it stands. */
  readonly task?: Task
  /** After `claim`: everything that was recorded, and the signals not yet delivered. */
  readonly journal?: readonly Entry[]
  readonly signals?: readonly Signal[]
  /** After a refused `claim`: how long until the task is due, by the store's clock. */
  readonly leftMs?: number
  /** Tasks that became due by this op: tell a dispatcher. */
  readonly due?: readonly string[]
  /** After `finish`, where the store knows: how many signals have ever come for the task. */
  readonly inbox?: number
  /** After `sweep`: tasks that expired, and how many were deleted; the latter after `forget`, too. */
  readonly expired?: readonly string[]
  readonly deleted?: number
}
