import { textAt, type Effect, type Json } from '@countersign/contract'
import type { Progress } from '../task.ts'
import { runChild, type ChildOrder } from './child.ts'
import { perform, type Plan } from './perform.ts'
import type { RetryPolicy } from './retry.ts'
import type { Run } from './run.ts'
import { seeded } from './seeded.ts'
import { Shown } from './shown.ts'
import { sleep, wait } from './timing.ts'
import type {
  AttemptContext,
  AttemptOptions,
  ChildOptions,
  StepContext,
  StepOptions,
  TaskContext,
  WaitOptions,
} from './types.ts'

/** A completed call that can be taken back. */
export interface Undoable {
  readonly name: string
  /** Takes it back as a call of this run, which may be of another task. */
  readonly undo: (run: Run) => Promise<unknown>
}

/** What a recorded value is for the handler: it knows the type, the journal has the JSON. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
function as<Value>(value: Json): Value {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return value as Value
}

/** Undoes another task that is final, as a child of the one that runs. */
export function undoTask(run: Run, name: string, undoes: string): Promise<Json> {
  const order: ChildOrder = { kind: '', input: null, undoes }
  return run.call('undo', name, (call) => runChild(run, call, order))
}

/** The handler's view of a run. */
export class Context implements TaskContext {
  readonly #run: Run
  readonly #retry: RetryPolicy | undefined
  readonly #shown: Shown
  readonly #undoables: Undoable[] = []
  #random: (() => number) | undefined

  constructor(run: Run, retry: RetryPolicy | undefined) {
    this.#run = run
    this.#retry = retry
    this.#shown = new Shown(run)
  }

  get id(): string {
    return this.#run.task.id
  }
  get owner(): string {
    return this.#run.task.owner
  }
  get run(): string | undefined {
    return this.#run.task.run
  }
  get input(): Json {
    return this.#run.task.input
  }
  get metadata(): Json {
    return this.#run.task.metadata
  }
  get signal(): AbortSignal {
    return this.#run.signal
  }
  /** What `undo` would take back, the last one first. */
  get undoables(): readonly Undoable[] {
    return this.#undoables.toReversed()
  }

  async step<Value>(
    name: string,
    body: (context: StepContext) => Promise<Value> | Value,
    options: StepOptions<Value> = {},
  ): Promise<Value> {
    const plan = this.#plan(undefined, body, options)
    const value = await this.#run.call('step', name, (call) => perform(this.#run, call, plan))
    this.#note(name, as<Value>(value), options)
    return as<Value>(value)
  }

  async attempt<Value>(
    name: string,
    options: AttemptOptions<Value>,
    body: (context: AttemptContext) => Promise<Value> | Value,
  ): Promise<Value> {
    const plan: Plan = {
      ...this.#plan(options.effect, body, options),
      reports: options.reports ?? false,
      resume: options.resume,
      reconcile: options.reconcile,
      key: options.key,
    }
    const value = await this.#run.call('attempt', name, (call) => perform(this.#run, call, plan))
    this.#note(name, as<Value>(value), options)
    return as<Value>(value)
  }

  async sleep(name: string, ms: number): Promise<void> {
    await this.#run.call('sleep', name, (call) => sleep(this.#run, call, ms))
  }

  async wait<Value = Json>(name: string, options: WaitOptions = {}): Promise<Value> {
    return as<Value>(await this.#run.call('wait', name, (call) => wait(this.#run, call, options)))
  }

  async child<Value = Json>(
    name: string,
    kind: string,
    input: unknown,
    options: ChildOptions = {},
  ): Promise<Value> {
    const order: ChildOrder = { kind, input, ...options }
    let child = ''
    const value = await this.#run.call(
      'child',
      name,
      (call) => runChild(this.#run, call, order),
      ({ opened }) => {
        child = textAt(opened ?? {}, 'child')
      },
    )
    if (options.isUndoable === true) {
      this.#undoables.push({ name, undo: (run) => undoTask(run, name, child) })
    }
    return as<Value>(value)
  }

  async undo(): Promise<void> {
    for (let last = this.#undoables.at(-1); last; last = this.#undoables.at(-1)) {
      await last.undo(this.#run)
      this.#undoables.pop()
    }
  }

  progress(done: number, total?: number, message?: string): void {
    const progress: Progress = {
      done,
      ...(total === undefined ? {} : { total }),
      ...(message === undefined ? {} : { message }),
    }
    this.#shown.progress(progress)
  }

  status(message: string): void {
    this.#shown.status(message)
  }

  now(): number {
    return this.#run.now
  }

  random(): number {
    this.#random ??= seeded(this.id)
    return this.#random()
  }

  #plan<Value>(
    effect: Effect | undefined,
    body: (context: AttemptContext) => unknown,
    { retry, timeoutMs }: StepOptions<Value>,
  ): Plan {
    return {
      effect,
      key: undefined,
      reports: false,
      retry: retry ?? this.#retry,
      timeoutMs,
      body,
      resume: undefined,
      reconcile: undefined,
    }
  }

  #note<Value>(name: string, value: Value, options: StepOptions<Value>): void {
    const { undo, undoEffect } = options
    if (!undo) return
    const plan = this.#plan(undoEffect, (context) => undo(value, context), options)
    const start: Undoable['undo'] = (run) =>
      run.call('undo', name, (call) => perform(run, call, plan))
    this.#undoables.push({ name, undo: start })
  }
}
