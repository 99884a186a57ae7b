import type { Task } from '@countersign/engine'
import type { DurableTool, OnError } from '../durable/durable-tool.ts'
import { endOf, toValue, wordsOf } from '../durable/results.ts'
import type { Answers, Asked } from './answers.ts'
import { Bench, type Log } from './bench.ts'

/** How a tool is run in a test. */
export interface RunOptions {
  /** Replies by the name of the question. A question without one fails the test. */
  readonly answers?: Answers
  /** Hears of everything the tool throws. */
  readonly onError?: OnError
}

/** What a run gave, and what it did on its way. */
export interface Ran<Value> {
  readonly output: Value
  /** Every question that was asked, in order. */
  readonly asked: readonly Asked[]
  /** Progress and sentences as somebody who looked now and then would have seen them. */
  readonly progress: Log['progress']
  readonly statuses: readonly string[]
  /** How long it took by its own clock: what it slept, in milliseconds. */
  readonly elapsedMs: number
}

/** A run that did not end with an output. */
export class ToolFailed extends Error {
  override readonly name = 'ToolFailed'
  /** `failed`, `cancelled`, or `unknown` when a step may or may not have happened. */
  readonly state: Task['state']
  /** The stable code of the failure, if it has one. */
  readonly code: string | undefined

  constructor(task: Task) {
    const { state, error } = task
    super(error ? wordsOf(error) : `The task is ${state}.`)
    this.state = state
    this.code = error?.code
  }
}

/**
 * Runs a durable tool to its end, in memory and by a clock of its own: sleeping costs nothing, and
 * time stands still while a step works.
 *
 * @throws ToolFailed when it does not end with an output.
 * @throws Error when it asks something that `answers` does not know.
 */
export async function runTool<Given, Value>(
  tool: DurableTool<Given, Value>,
  input: Given,
  { answers = {}, onError = () => undefined }: RunOptions = {},
): Promise<Ran<Value>> {
  const bench = new Bench(tool, { answers, onError })
  try {
    const task = await bench.live(input)
    if (!task) throw new Error('Nothing kills a task that is not told to die.')
    return toRan(tool, task, bench)
  } finally {
    await bench.close()
  }
}

/** What a finished task gave. @throws ToolFailed */
export function toRan<Given, Value>(
  tool: DurableTool<Given, Value>,
  task: Task,
  { log, elapsedMs }: Bench,
): Ran<Value> {
  const end = endOf(task)
  if (end?.kind !== 'result' || task.state !== 'completed') throw new ToolFailed(task)
  return { output: toValue(tool, end.result), ...log, elapsedMs }
}
