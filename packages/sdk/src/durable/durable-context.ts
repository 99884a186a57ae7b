/** What a durable tool may do while it runs, and what survives when its process does not. */
import type { Effect } from '@countersign/contract'
import type { Reconciled, RetryPolicy, StepContext } from '@countersign/engine'
import type { z } from 'zod'
import type { Answer, Question } from '../context.ts'
import type { DurableTool } from './durable-tool.ts'

/** How a step is done. */
export interface StepOptions<Value> {
  /** Repeats a failed try. Default: what the tool says; else one try. */
  readonly retry?: RetryPolicy
  /** How long one try may take, in milliseconds. Default: as long as the task. */
  readonly timeoutMs?: number
  /** Takes the completed step back. A crash in the middle repeats it with the same key. */
  readonly undo?: (value: Value, step: StepContext) => unknown
  /** What a repetition of `undo` would do. Default `idempotent`. */
  readonly undoEffect?: Effect
  /**
   * What a repetition of the body would do. Default: nothing more, and a crash in the middle of it
   * repeats it. After a crash in the middle of `write` or `destructive` it is not repeated; its
   * outcome is unknown until `reconcile` or a person says what happened.
   */
  readonly effect?: Effect
  /** Finds out whether a step that was cut off happened. Only with `effect`. */
  readonly reconcile?: (step: StepContext) => Promise<Reconciled<Value>> | Reconciled<Value>
}

/** A page for the person behind the client to visit. Accepting means that they went there. */
export interface UrlQuestion {
  readonly message: string
  readonly url: string
}

/** How a question waits. */
export interface AskOptions {
  /** After this long, in milliseconds, the question throws `wait/timeout`. Default: never. */
  readonly timeoutMs?: number
}

/** How a child is run. */
export interface ChildOptions {
  /** From its start, in milliseconds; then it fails. */
  readonly deadlineMs?: number
  /** False to leave the child alone when this task is undone. Default true. */
  readonly isUndoable?: boolean
}

/**
 * Handed to `run` of a durable tool with its input. `run` begins again from its start after every
 * wait and every crash, and what is recorded is given back to it: so everything that looks at or
 * changes the world goes into a `step`, and the same calls come in the same order each time.
 */
export interface DurableContext {
  /** The task's id: the same for its whole life, and unguessable. */
  readonly id: string
  /** Aborts when the task is cancelled, or goes on elsewhere. */
  readonly signal: AbortSignal
  /**
   * Does something once. Its value, which must be JSON, is recorded and given back from then on.
   * The body gets a `key` that is the same in every repetition: an idempotency key.
   */
  readonly step: <Value>(
    name: string,
    body: (step: StepContext) => Promise<Value> | Value,
    options?: StepOptions<Value>,
  ) => Promise<Value>
  /** Waits for `ms` milliseconds, across restarts, holding nothing but a row. */
  readonly sleep: (name: string, ms: number) => Promise<void>
  /**
   * Asks the person behind the client, and waits for as long as it takes. Declining and cancelling
   * are answers. An answer that does not fit the schema is asked for again, five times at most.
   *
   * @throws Error when the client said that it cannot ask anybody.
   */
  readonly ask: {
    <Schema extends z.ZodObject>(
      name: string,
      question: Question<Schema>,
      options?: AskOptions,
    ): Promise<Answer<z.output<Schema>>>
    (name: string, question: UrlQuestion, options?: AskOptions): Promise<UrlAnswer>
  }
  /** Shows how far the work is. Not recorded; the latest wins. */
  readonly progress: (done: number, total?: number, message?: string) => void
  /** Shows one sentence for a person. Not recorded; the latest wins. */
  readonly status: (words: string) => void
  /** Takes back every completed step that has an `undo`, the last one first. */
  readonly undo: () => Promise<void>
  /** Runs another durable tool, one of `children`, as a task of its own, and waits for its output. */
  readonly child: <Given, Value>(
    name: string,
    tool: DurableTool<Given, Value>,
    input: Given,
    options?: ChildOptions,
  ) => Promise<Value>
  /** Milliseconds since the epoch at the last recorded outcome: the same in every replay. */
  readonly now: () => number
  /** A number from 0 up to 1, the same in every replay. Not for secrets. */
  readonly random: () => number
  /** A fresh name of 22 characters, the same in every replay. */
  readonly newId: () => string
}

/** What came of an question. */
export interface UrlAnswer {
  readonly action: 'accept' | 'decline' | 'cancel'
}
