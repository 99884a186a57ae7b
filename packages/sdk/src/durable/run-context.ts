/** A task of the engine, as the author of a durable tool sees it. */
import { createHash } from 'node:crypto'
import type { AttemptOptions, StepContext, TaskContext } from '@countersign/engine'
import type { z } from 'zod'
import type { Answer, Question } from '../context.ts'
import type {
  AskOptions,
  ChildOptions,
  DurableContext,
  UrlQuestion,
  StepOptions,
  UrlAnswer,
} from './durable-context.ts'
import type { DurableTool } from './durable-tool.ts'
import { kindOf } from './kind.ts'
import { Questions } from './questions.ts'
import { toValue } from './results.ts'

const ID_CHARS = 22

/** The context of one run of a tool with these children. */
export function contextOf(task: TaskContext, children: readonly DurableTool[]): DurableContext {
  const questions = new Questions(task)
  let ids = 0
  return {
    id: task.id,
    get signal() {
      return task.signal
    },
    step: (name, body, options = {}) => step(task, name, body, options),
    sleep: (name, ms) => task.sleep(name, ms),
    ask: asking(questions),
    progress: (done, total, message) => {
      task.progress(done, total, message)
    },
    status: (words) => {
      task.status(words)
    },
    undo: () => task.undo(),
    child: (name, tool, input, options = {}) => {
      if (!children.includes(tool)) {
        throw new TypeError(`"${tool.name}" is not among the children this tool was made with.`)
      }
      return child(task, { name, tool, input, options })
    },
    now: () => task.now(),
    random: () => task.random(),
    newId: () =>
      createHash('sha256')
        .update(`${task.id}/${String(++ids)}`)
        .digest('base64url')
        .slice(0, ID_CHARS),
  }
}

function asking(questions: Questions): DurableContext['ask'] {
  function ask<Schema extends z.ZodObject>(
    name: string,
    question: Question<Schema>,
    options?: AskOptions,
  ): Promise<Answer<z.output<Schema>>>
  function ask(name: string, question: UrlQuestion, options?: AskOptions): Promise<UrlAnswer>
  function ask<Schema extends z.ZodObject>(
    name: string,
    asked: Question<Schema> | UrlQuestion,
    options: AskOptions = {},
  ): Promise<Answer<z.output<Schema>> | UrlAnswer> {
    return 'url' in asked
      ? questions.url(name, asked, options)
      : questions.form(name, asked, options)
  }
  return ask
}

function step<Value>(
  task: TaskContext,
  name: string,
  body: (step: StepContext) => Promise<Value> | Value,
  { effect, reconcile, ...options }: StepOptions<Value>,
): Promise<Value> {
  if (effect === undefined) return task.step(name, body, options)
  const attempt: AttemptOptions<Value> = {
    ...options,
    effect,
    ...(reconcile ? { reconcile } : {}),
  }
  return task.attempt(name, attempt, body)
}

interface Order<Given, Value> {
  readonly name: string
  readonly tool: DurableTool<Given, Value>
  readonly input: Given
  readonly options: ChildOptions
}

async function child<Given, Value>(
  task: TaskContext,
  { name, tool, input, options: { deadlineMs, isUndoable = true } }: Order<Given, Value>,
): Promise<Value> {
  // What can be asked of the one who called the parent can be asked for the child.
  const result = await task.child(name, kindOf(tool.name), input, {
    isUndoable,
    metadata: task.metadata,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  })
  return toValue(tool, result)
}
