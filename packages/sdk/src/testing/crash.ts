/** Crashes of a tool under test: a life that ends where it hurts, and the life after it. */
import { isDeepStrictEqual } from 'node:util'
import type { Op, StepContext, TaskContext } from '@countersign/engine'
import type { DurableTool } from '../durable/durable-tool.ts'
import { Bench } from './bench.ts'
import { runTool, toRan, type Ran, type RunOptions } from './run-tool.ts'

/** How a tool is crashed. */
export interface CrashOptions<Given, Value> extends RunOptions {
  /**
   * `recorded`: just after something was made durable, such as the outcome of a step. `before`: just
   * before it is, so that a step has happened and nobody knows. Default `recorded`.
   */
  readonly when?: 'recorded' | 'before'
  /** What is deployed when the process comes back. Default: the same tool. */
  readonly resumeWith?: DurableTool<Given, Value>
}

/** What a crashed run gave in the end. */
export interface Crashed<Value> extends Ran<Value> {
  /** How often the body of each step was begun, in all lives. */
  readonly tries: Readonly<Record<string, number>>
}

const END = new Set<Op['op']>(['record', 'suspend', 'finish', 'signal', 'claim', 'create'])

/**
 * Runs a tool, kills its process at the outcome of `step`, and lets the next process finish it.
 *
 * @throws ToolFailed when it does not end with an output, for instance since an effect that must not
 * be repeated may have happened.
 * @throws Error when the step never comes.
 */
export async function crashAfter<Given, Value>(
  tool: DurableTool<Given, Value>,
  input: Given,
  step: string,
  options: CrashOptions<Given, Value> = {},
): Promise<Crashed<Value>> {
  const isStep = (op: Op): boolean =>
    'entries' in op && op.entries.some(({ name, kind }) => name === step && kind === 'done')
  const crashed = await crash(tool, input, isStep, options)
  if (!crashed.hasDied) throw new Error(`There is no step "${step}" to crash after.`)
  return crashed
}

/**
 * Runs a tool once undisturbed, and then once for each moment at which something of it becomes
 * durable, killed at that moment and finished by the next process.
 *
 * @returns how many crashes it survived.
 * @throws Error when a crash changed the output, or a step ran again that had been recorded.
 */
export async function crashEverywhere<Given, Value>(
  tool: DurableTool<Given, Value>,
  input: Given,
  options: CrashOptions<Given, Value> = {},
): Promise<number> {
  const { output } = await runTool(tool, input, options)
  for (let at = 1; ; at++) {
    let left = at
    const crashed = await crash(tool, input, ({ op }) => END.has(op) && --left === 0, options)
    if (!isDeepStrictEqual(crashed.output, output)) {
      throw new Error(
        `Crash ${String(at)} changed the output from ${JSON.stringify(output)} to ${JSON.stringify(crashed.output)}.`,
      )
    }
    if (!crashed.hasDied) return at - 1
  }
}

/** What is known of the steps of a run, whichever process ran them. A step is known by its key. */
class Steps {
  readonly tries = new Map<string, number>()
  readonly #recorded = new Set<string>()
  /** A step that ran again though it had been recorded. */
  again: string | undefined

  begin(name: string, key: string): void {
    this.tries.set(name, (this.tries.get(name) ?? 0) + 1)
    if (this.#recorded.has(key)) this.again = name
  }

  /** Notes which steps are durable with this op. */
  record(op: Op): void {
    if (!('entries' in op)) return
    for (const { kind, call } of op.entries) {
      if (kind === 'done' || kind === 'threw') this.#recorded.add(`${op.task}/${String(call)}`)
    }
  }
}

/** The same tool, with its steps counted. */
function counted<Given, Value>(
  tool: DurableTool<Given, Value>,
  steps: Steps,
): DurableTool<Given, Value> {
  const handle: DurableTool['handle'] = (task, onError) =>
    tool.handle(counting(task, steps), onError)
  return { ...tool, handle, previous: tool.previous.map((old) => counted(old, steps)) }
}

function counting(task: TaskContext, steps: Steps): TaskContext {
  const count = <Context extends StepContext, Value>(
    name: string,
    body: (step: Context) => Value,
  ): ((step: Context) => Value) => {
    return (step) => {
      steps.begin(name, step.key)
      return body(step)
    }
  }
  return {
    id: task.id,
    owner: task.owner,
    run: task.run,
    input: task.input,
    metadata: task.metadata,
    get signal() {
      return task.signal
    },
    step: (name, body, options) => task.step(name, count(name, body), options),
    attempt: (name, options, body) => task.attempt(name, options, count(name, body)),
    sleep: (name, ms) => task.sleep(name, ms),
    wait: (name, options) => task.wait(name, options),
    child: (name, kind, input, options) => task.child(name, kind, input, options),
    undo: () => task.undo(),
    progress: (done, total, message) => {
      task.progress(done, total, message)
    },
    status: (words) => {
      task.status(words)
    },
    now: () => task.now(),
    random: () => task.random(),
  }
}

interface Survived<Value> extends Crashed<Value> {
  readonly hasDied: boolean
}

async function crash<Given, Value>(
  tool: DurableTool<Given, Value>,
  input: Given,
  isFatal: (op: Op) => boolean,
  options: CrashOptions<Given, Value>,
): Promise<Survived<Value>> {
  const { answers = {}, onError = () => undefined, when = 'recorded', resumeWith = tool } = options
  const steps = new Steps()
  const bench = new Bench(counted(tool, steps), { answers, onError })
  try {
    const moment = when === 'recorded' ? 'after' : 'before'
    const first = await bench.live(input, (op) => {
      const end = isFatal(op) ? moment : undefined
      if (end !== 'before') steps.record(op)
      return end
    })
    bench.deploy(counted(resumeWith, steps))
    const task = first ?? (await bench.live(input))
    if (!task) throw new Error('Nothing kills a task that is not told to die.')
    const ran = toRan(resumeWith, task, bench)
    if (steps.again !== undefined) {
      throw new Error(`The step "${steps.again}" was recorded, and ran again after the crash.`)
    }
    return { ...ran, tries: Object.fromEntries(steps.tries), hasDied: !first }
  } finally {
    await bench.close()
  }
}
