/** What is listed of a tool, whichever way it runs. */
import { EFFECTS, type Effect } from '@countersign/contract'
import type { CallToolResult, ContentBlock, ToolAnnotations } from '@modelcontextprotocol/server'
import type { z } from 'zod'

/** The key in a definition's `_meta` under which effect class and scopes are declared. */
export const TOOL_META = 'dev.countersign/tool'

/** Names that every client accepts (MCP 2025-11-25, tools: letters, digits, `_`, `-`, `.`). */
const NAME = /^[A-Za-z0-9_.-]{1,128}$/

/**
 * What `run` may return: an object of the shape of `output`; without `output`, a text or content
 * blocks (images, audio, links).
 */
export type Returned<Output extends z.ZodObject | undefined> = Output extends z.ZodObject
  ? z.input<Output>
  : string | { readonly content: readonly ContentBlock[] }

/** What an author says of every tool. `input` and `output` are zod objects. */
export interface DefinitionSpec<Input extends z.ZodObject, Output extends z.ZodObject | undefined> {
  readonly name: string
  readonly title?: string
  readonly description: string
  readonly input: Input
  readonly output?: Output
  /** What a repeat of the call would do; a gateway decides by it what it may try again. */
  readonly effect: Effect
  /** Scopes a caller needs, such as `documents:write`. */
  readonly scopes?: readonly string[]
}

/** A frozen definition: what is listed of a tool. */
export interface Definition {
  readonly name: string
  readonly title?: string
  readonly description: string
  readonly input: z.ZodObject
  readonly output?: z.ZodObject
  readonly effect: Effect
  readonly scopes: readonly string[]
  /** Follow from `effect`, so that they cannot contradict it. */
  readonly annotations: Readonly<ToolAnnotations>
  readonly _meta: Readonly<Record<string, object>>
}

const HINTS: Readonly<Record<Effect, ToolAnnotations>> = {
  read: { readOnlyHint: true, destructiveHint: false, idempotentHint: true },
  idempotent: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
  write: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
  destructive: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
}

/** The definition that follows from what an author says. @throws TypeError for a bad name or effect. */
export function toDefinition<Input extends z.ZodObject, Output extends z.ZodObject | undefined>(
  spec: DefinitionSpec<Input, Output>,
): Definition {
  const { name, title, description, input, output, effect, scopes = [] } = spec
  if (!NAME.test(name)) throw new TypeError(`"${name}" is not a tool name: ${NAME.source}`)
  if (!EFFECTS.includes(effect)) throw new TypeError(`effect is one of ${EFFECTS.join(', ')}`)
  const frozenScopes = Object.freeze([...scopes])
  return {
    name,
    description,
    input,
    effect,
    ...(title === undefined ? {} : { title }),
    ...(output === undefined ? {} : { output }),
    scopes: frozenScopes,
    annotations: Object.freeze({ ...HINTS[effect] }),
    _meta: Object.freeze({ [TOOL_META]: Object.freeze({ effect, scopes: frozenScopes }) }),
  }
}

/** What `run` returned, checked, as the result of a call. */
export async function resultOf(returned: unknown, output?: z.ZodObject): Promise<CallToolResult> {
  if (output !== undefined) {
    const structuredContent = await output.parseAsync(returned)
    // Clients that know no structured content read the same as text (2025-11-25, tools).
    return { content: [text(JSON.stringify(structuredContent))], structuredContent }
  }
  if (typeof returned === 'string') return { content: [text(returned)] }
  if (hasContent(returned)) return { content: [...returned.content] }
  throw new TypeError('A tool without output returns a text or { content: [...] }.')
}

const hasContent = (value: unknown): value is { readonly content: readonly ContentBlock[] } =>
  typeof value === 'object' && value !== null && 'content' in value && Array.isArray(value.content)

const text = (words: string): ContentBlock => ({ type: 'text', text: words })
