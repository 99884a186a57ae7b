import type { Effect, Json } from '@countersign/contract'
import type { RetryPolicy } from './retry.ts'

/** What one try of a step may use. */
export interface StepContext {
  /** The same in every repetition of this step of this task: an idempotency key. */
  readonly key: string
  /** Which try this is, from 1. */
  readonly number: number
  /** Aborts when the task is cancelled, lost, past its deadline, or the try takes too long. */
  readonly signal: AbortSignal
}

/** What one try of an attempt may use. */
export interface AttemptContext extends StepContext {
  /** Records that the effect leaves now: call and await it just before, where `reports` was set. */
  dispatched(): Promise<void>
  /** Records by what the attempt can be resumed, such as the id of a remote task. */
  handle(value: Json): Promise<void>
  /** Lets the task go for `ms` and comes back through `resume`. Only after `handle`. */
  later(ms: number): Promise<never>
}

/** How a step is done. */
export interface StepOptions<Value> {
  readonly retry?: RetryPolicy
  /** How long one try may take. Default: as long as the task. */
  readonly timeoutMs?: number
  /** Takes the completed step back; repeated with the same key when a crash cut it off. */
  readonly undo?: (value: Value, context: StepContext) => unknown
  /** The effect class of `undo`. Default `idempotent`. */
  readonly undoEffect?: Effect
}

/** What a reconciliation found out; undefined when it could not. */
export type Reconciled<Value> =
  | { readonly happened: true; readonly result: Value }
  | { readonly happened: false }
  | undefined

/** How an effect is attempted. */
export interface AttemptOptions<Value> extends StepOptions<Value> {
  /** What a repetition would do; decides what a crash leads to. */
  readonly effect: Effect
  /** The idempotency key. Default: made from the task and the name. */
  readonly key?: string
  /** True when `dispatched()` is awaited before the effect leaves: until then it can be repeated. */
  readonly reports?: boolean
  /** Goes on with an attempt that gave a handle, instead of dispatching again. */
  readonly resume?: (handle: Json, context: AttemptContext) => Promise<Value> | Value
  /**
   * Finds out whether an attempt without outcome happened. Who answers that it did not must also
   * make sure that it cannot happen any more, by voiding its key for instance: a request may still
   * be on its way.
   */
  readonly reconcile?: (context: StepContext) => Promise<Reconciled<Value>> | Reconciled<Value>
}

/** How a signal is waited for. */
export interface WaitOptions {
  /** What is asked of whoever answers; shown in `Task.waits`. */
  readonly ask?: Json
  /** After this long the wait throws `wait/timeout`. Default: never. */
  readonly timeoutMs?: number
}

/** How a child is started. */
export interface ChildOptions {
  readonly deadlineMs?: number
  readonly metadata?: Json
  /** True to undo the child, as a task of its own, when this task is undone. */
  readonly isUndoable?: boolean
}

/**
 * A task as its handler sees it. The handler is run again from its beginning after every wait and
 * every crash; what it recorded is given back. So everything that reads or changes the world, the
 * clock or chance belongs into these calls, and the same calls must come in the same order.
 */
export interface TaskContext<Input = Json> {
  readonly id: string
  readonly owner: string
  readonly run: string | undefined
  readonly input: Input
  readonly metadata: Json
  /** Aborts when the task is cancelled, lost or past its deadline. */
  readonly signal: AbortSignal
  /** Does something whose repetition is harmless, once recorded never again. */
  step<Value>(
    name: string,
    body: (context: StepContext) => Promise<Value> | Value,
    options?: StepOptions<Value>,
  ): Promise<Value>
  /** Causes an effect under the crash rule of its class. */
  attempt<Value>(
    name: string,
    options: AttemptOptions<Value>,
    body: (context: AttemptContext) => Promise<Value> | Value,
  ): Promise<Value>
  /** Waits for a time that survives restarts. */
  sleep(name: string, ms: number): Promise<void>
  /** Waits for a signal. @throws RecordedError `wait/timeout`. */
  wait<Value = Json>(name: string, options?: WaitOptions): Promise<Value>
  /** Runs another task and waits for its result. @throws RecordedError with the child's failure. */
  child<Value = Json>(
    name: string,
    kind: string,
    input: unknown,
    options?: ChildOptions,
  ): Promise<Value>
  /** Takes every completed step back that has an `undo`, the last one first. */
  undo(): Promise<void>
  /** Shows how far the task is. Not journaled; the latest wins. */
  progress(done: number, total?: number, message?: string): void
  /** Shows one sentence for a person. Not journaled; the latest wins. */
  status(message: string): void
  /** Milliseconds since the epoch at the last recorded outcome: the same in every replay. */
  now(): number
  /** A number from 0 up to 1 that is the same in every replay. Not for secrets. */
  random(): number
}

/** What a kind of task does. What it returns is the result; what it throws, the failure. */
export type Handler<Input = Json> = (task: TaskContext<Input>) => unknown

/** How every task of a kind is treated. */
export interface KindOptions {
  /** Change it when the calls of the handler change, and keep the old one defined meanwhile. */
  readonly version?: string
  /** For steps and attempts that name no policy. Default: one try. */
  readonly retry?: RetryPolicy
  /** True to undo completed steps when the handler throws. */
  readonly undoOnFailure?: boolean
}
