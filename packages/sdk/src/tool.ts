/** A tool as its author writes it, and the definition that follows from it. */
import type { CallToolResult } from '@modelcontextprotocol/server'
import type { z } from 'zod'
import type { Context } from './context.ts'
import {
  resultOf,
  toDefinition,
  type Definition,
  type DefinitionSpec,
  type Returned,
} from './definition.ts'

/** What an author says of a tool. `input` and `output` are zod objects. */
export interface ToolSpec<
  Input extends z.ZodObject,
  Output extends z.ZodObject | undefined,
> extends DefinitionSpec<Input, Output> {
  /** Does the work. What it throws becomes an error result that shows the message and no more. */
  readonly run: (
    input: z.output<Input>,
    context: Context,
  ) => Promise<Returned<Output>> | Returned<Output>
}

/** A frozen definition: what is listed, and how it is called. Made by `tool`. */
export interface Tool extends Definition {
  /** Checks the input, runs, and checks the output. Rejects with whatever `run` throws. */
  readonly call: (input: unknown, context: Context) => Promise<CallToolResult>
}

/**
 * Makes a governed tool.
 *
 * @returns a frozen definition for `serve`, with annotations that follow from `effect`.
 * @throws TypeError when the name is not one every client accepts, or the effect class is unknown.
 */
export function tool<Input extends z.ZodObject, Output extends z.ZodObject | undefined = undefined>(
  spec: ToolSpec<Input, Output>,
): Tool {
  const { input, output, run } = spec
  return Object.freeze({
    ...toDefinition(spec),
    call: async (given: unknown, context: Context) =>
      resultOf(await run(await input.parseAsync(given), context), output),
  })
}
