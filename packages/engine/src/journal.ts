import type { Json } from '@countersign/contract'

/** What a line of the journal is about: a call the handler made, or the task itself. */
export type EntrySubject = 'task' | 'step' | 'attempt' | 'sleep' | 'wait' | 'child' | 'undo'

/**
 * What happened. `opened`: a sleep, wait or child began. `began`: an attempt may be dispatched from
 * here on. `left`: it certainly was. `handle`: by what to resume it. `retry`: it failed and is tried
 * again at `until`. `done`/`threw`: its outcome, for ever. `settled`: a person or a reconciliation
 * allowed another dispatch. `late`: an outcome that came when nobody could use it any more.
 */
export type EntryKind =
  | 'opened'
  | 'began'
  | 'left'
  | 'handle'
  | 'retry'
  | 'done'
  | 'threw'
  | 'settled'
  | 'late'
  | 'cancelled'
  | 'expired'
  | 'abandoned'

/** A line of a task's journal. Lines are ordered by `(epoch, seq)`; `at` never goes back. */
export interface Entry {
  readonly epoch: number
  readonly seq: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly what: EntrySubject
  readonly kind: EntryKind
  /** Which call of the handler, from 1; 0 for the task itself. */
  readonly call: number
  readonly name: string
  readonly body: Json
}

/** A line on its way into the store: its body is JSON text already. */
export interface NewEntry extends Omit<Entry, 'body' | 'epoch'> {
  readonly body: string
}

/** A signal that has not been delivered yet. */
export interface Signal {
  readonly id: string
  readonly name: string
  readonly payload: Json
}
