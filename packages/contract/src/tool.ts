/** What is known of one thing a server offers, and what a repeat of it would do. */
import { isObject, own, type JsonObject } from './json.ts'

/** What a repeat of a call would do, least to most harmful. */
export const EFFECTS = ['read', 'idempotent', 'write', 'destructive'] as const
export type Effect = (typeof EFFECTS)[number]

/** The four lists of a server. */
export const KINDS = ['tool', 'prompt', 'resource', 'template'] as const
export type Kind = (typeof KINDS)[number]

/** One value for each list. */
export const byKind = <Value>(make: (kind: Kind) => Value): Readonly<Record<Kind, Value>> => ({
  tool: make('tool'),
  prompt: make('prompt'),
  resource: make('resource'),
  template: make('template'),
})

/** One definition as stored: what is listed is this, never the upstream's bytes. */
export interface Definition {
  readonly server: string
  readonly kind: Kind
  /** The upstream's own name: tool or prompt name, resource URI, URI template. */
  readonly name: string
  /** `sha256:` and hex over the canonical JSON (RFC 8785) of every served field. */
  readonly digest: string
  readonly body: JsonObject
}

/**
 * The effect class of a tool from its annotations, read pessimistically: they are untrusted hints
 * (F-016), and a tool that says nothing may destroy.
 */
export function effectOf(tool: JsonObject): Effect {
  const hints = own(tool, 'annotations')
  if (!isObject(hints)) return 'destructive'
  if (own(hints, 'readOnlyHint') === true) return 'read'
  if (own(hints, 'destructiveHint') !== false) return 'destructive'
  return own(hints, 'idempotentHint') === true ? 'idempotent' : 'write'
}
