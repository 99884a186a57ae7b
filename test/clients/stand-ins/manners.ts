/** How a client behaves towards a server: what the measured ones differ in. */
import { isJson, list, words, type Json } from '../model/wire.ts'

export interface ToolResult extends Json {
  readonly content: readonly Json[]
  readonly structuredContent?: Json
  readonly isError?: boolean
}

export interface Manners {
  readonly clientInfo: { readonly name: string; readonly version: string }
  /** `modern` asks with `server/discover` first, and initializes where that fails. */
  readonly speaks: '2025-06-18' | '2025-11-25' | 'modern'
  readonly capabilities: Json
  /** How long a call may last, and what starts that clock again. */
  readonly patience: {
    readonly ms: number
    readonly renewedBy: 'nothing' | 'bytes' | 'progress'
  }
  /** What it does when its patience ends; one that forgets leaves its request open. */
  readonly givesUp: 'cancels' | 'drops' | 'forgets'
  /** True when it cancels each request that was answered. */
  readonly cancelsWhatIsDone?: boolean
  /** Arguments it adds to each call. */
  readonly adds?: Json
  /** True when a result without structured content is an error to it where some was promised. */
  readonly holdsToOutputSchema: boolean
  /** What its model reads of a result. */
  readonly shows: (result: ToolResult) => string
}

export const textsOf = (result: ToolResult): readonly string[] =>
  list(result.content)
    .filter(({ type }) => type === 'text')
    .map(({ text }) => words(text))

export const structuredOf = (result: ToolResult): string | undefined =>
  isJson(result.structuredContent) ? JSON.stringify(result.structuredContent) : undefined
