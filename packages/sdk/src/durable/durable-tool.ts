/** A durable tool as its author writes it: a tool whose calls survive the process that runs them. */
import type { KindOptions, RetryPolicy, TaskContext } from '@countersign/engine'
import { z } from 'zod'
import type { Context } from '../context.ts'
import {
  resultOf,
  toDefinition,
  type Definition,
  type DefinitionSpec,
  type Returned,
} from '../definition.ts'
import type { DurableContext } from './durable-context.ts'
import { toRecordable } from './results.ts'
import { contextOf } from './run-context.ts'

/** How long tasks are kept when nobody says. */
const WEEK_MS = 7 * 86_400_000

/** What an author says of a durable tool. */
export interface DurableToolSpec<
  Input extends z.ZodObject,
  Output extends z.ZodObject | undefined,
> extends DefinitionSpec<Input, Output> {
  /** Change it when the calls of `run` change. Default `1`. */
  readonly version?: string
  /** Earlier versions: tasks that began under one of them end under it. */
  readonly previous?: readonly DurableTool[]
  /** Durable tools that `run` may run as children. */
  readonly children?: readonly DurableTool[]
  /**
   * `optional`: a client that knows no tasks gets an ordinary call that waits. `required`: it is
   * refused. Default `optional`.
   */
  readonly task?: 'optional' | 'required'
  /** For steps that say nothing else. Default: one try. */
  readonly retry?: RetryPolicy
  /** True to take completed steps back when `run` throws or the task is cancelled. */
  readonly undoOnFailure?: boolean
  /** How long the task may take, in milliseconds; then it fails. Default: as long as it is kept. */
  readonly deadlineMs?: number
  /**
   * How long the task is kept from its creation, in milliseconds: a task that is not done by then
   * fails, and a result can be fetched until then. Default: a week.
   */
  readonly keepMs?: number
  /**
   * Makes the input that `run` gets, before there is a task: asks at once for what is missing, while
   * the client still waits for its call. Nothing is recorded of it. As in `tool`, `ask` ends the
   * round, and `prepare` begins again with the answer.
   */
  readonly prepare?: (
    input: z.output<Input>,
    context: Context,
  ) => Promise<z.input<Input>> | z.input<Input>
  /**
   * Does the work. It begins again from its start after every wait and every crash; what went
   * through `task` is given back. What it throws becomes an error result that shows the message; a
   * `ProtocolError` of the MCP SDK becomes an error of the protocol.
   */
  readonly run: (
    input: z.output<Input>,
    task: DurableContext,
  ) => Promise<Returned<Output>> | Returned<Output>
}

/** What calling a tool gives: its output; without `output`, a text or content blocks. */
export type ValueOf<Output extends z.ZodObject | undefined> = Output extends z.ZodObject
  ? z.output<Output>
  : Returned<undefined>

/** A frozen definition, made by `durableTool`. `Given` is what it takes, `Value` what it gives. */
export interface DurableTool<Given = unknown, Value = unknown> extends Definition {
  readonly version: string
  readonly previous: readonly DurableTool[]
  readonly children: readonly DurableTool[]
  readonly task: 'optional' | 'required'
  readonly deadlineMs?: number
  readonly keepMs: number
  /** Makes the input of the task of a call from its arguments. */
  readonly prepare?: (given: unknown, context: Context) => Promise<unknown>
  /** How the engine treats its tasks. */
  readonly options: KindOptions
  /** Runs one life of a task of this tool; `onError` hears of everything that is thrown. */
  readonly handle: (task: TaskContext, onError: OnError) => Promise<unknown>
  /** Never there: carries the types from here to `child` and `runTool`. */
  readonly types?: { readonly given: Given; readonly value: Value }
}

/** Hears of everything a tool throws. */
export type OnError = (error: unknown, tool: string) => void

/**
 * Makes a durable tool: its calls are tasks whose steps are recorded, so that they go on where they
 * were after a crash, and may wait for hours or for a person.
 *
 * @returns a frozen definition for `serve` and for `runTool`.
 * @throws TypeError for a bad name, an unknown effect class, or an earlier version that is none.
 */
export function durableTool<
  Input extends z.ZodObject,
  Output extends z.ZodObject | undefined = undefined,
>(spec: DurableToolSpec<Input, Output>): DurableTool<z.input<Input>, ValueOf<Output>> {
  const { version = '1', previous = [], children = [], task = 'optional', deadlineMs } = spec
  const { input, prepare, keepMs = WEEK_MS } = spec
  const versions = [version, ...previous.map((old) => old.version)]
  if (previous.some(({ name }) => name !== spec.name)) {
    throw new TypeError(`Every earlier version of "${spec.name}" has the same name.`)
  }
  if (new Set(versions).size < versions.length) {
    throw new TypeError(`"${spec.name}" has a version twice: ${versions.join(', ')}.`)
  }
  return Object.freeze({
    ...toDefinition(spec),
    version,
    previous: Object.freeze([...previous]),
    children: Object.freeze([...children]),
    task,
    keepMs,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(prepare
      ? {
          prepare: async (given: unknown, context: Context) => {
            const read = await input.safeParseAsync(given)
            if (!read.success) throw new TypeError(invalidInput(spec.name, read.error))
            return await prepare(read.data, context)
          },
        }
      : {}),
    options: Object.freeze({
      version,
      undoOnFailure: spec.undoOnFailure ?? false,
      ...(spec.retry ? { retry: spec.retry } : {}),
    }),
    handle: handler(spec, children),
  })
}

function handler<Input extends z.ZodObject, Output extends z.ZodObject | undefined>(
  { name, input, output, run }: DurableToolSpec<Input, Output>,
  children: readonly DurableTool[],
): DurableTool['handle'] {
  return async (task, onError) => {
    try {
      const given = await input.safeParseAsync(task.input)
      if (!given.success) throw new TypeError(invalidInput(name, given.error))
      return await resultOf(await run(given.data, contextOf(task, children)), output)
    } catch (thrown) {
      onError(thrown, name)
      throw toRecordable(thrown)
    }
  }
}

/** Why arguments are no input of a tool, in words for whoever gave them. */
export const invalidInput = (name: string, error: z.ZodError): string =>
  `Invalid arguments for ${name}: ${z.prettifyError(error)}`
