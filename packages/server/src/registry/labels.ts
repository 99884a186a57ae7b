import { effectOf, isObject, own, type JsonObject, type Kind } from '@countersign/contract'
import type { Label } from '#policy'
import type { ToolRules } from './rules.ts'

/** What a definition is, as far as labels go. */
interface Labelled {
  readonly server: string
  readonly kind: Kind
  /** The server's own name of it. */
  readonly name: string
}

/** What things do with information: see docs/flow-rules.md. */
export interface Labels {
  /** Sorted. `body`: what its server says of it, where that is looked at. */
  readonly of: (thing: Labelled, body: JsonObject | undefined) => readonly Label[]
  /** Whether what servers say of their tools is looked at. */
  readonly infers: boolean
}

export interface LabelSettings {
  /** What the operator says of all that a server has. */
  readonly servers: Readonly<Record<string, readonly Label[]>>
  /** Whether annotations count where nobody has said anything. */
  readonly infers: boolean
  /** What a registry record says of one thing; undefined when it says nothing. */
  readonly recorded?: (thing: Labelled) => readonly Label[] | undefined
}

const NONE: readonly Label[] = []
const WORLDLY: readonly Label[] = ['outward', 'untrusted']

/** The operator's word on the tool, else on its server, else the record's, else the annotations. */
export function makeLabels(rules: ToolRules, { servers, infers, recorded }: LabelSettings): Labels {
  const said = new Map(Object.entries(servers).map(([id, labels]) => [id, sorted(labels)]))
  return {
    infers,
    of: (thing, body) => {
      const { server, kind, name } = thing
      const told = kind === 'tool' ? rules(server, name).labels : undefined
      const found = told ?? said.get(server) ?? recorded?.(thing)
      return found ?? (infers ? inferred(kind, body) : NONE)
    },
  }
}

export const sorted = (labels: readonly Label[]): readonly Label[] =>
  [...new Set(labels)].toSorted()

/**
 * What annotations leave open is taken to be so (MCP, ToolAnnotations: `openWorldHint` is true unless
 * said otherwise). None says that something is private: only the operator knows.
 */
function inferred(kind: Kind, body: JsonObject | undefined): readonly Label[] {
  if (kind === 'prompt') return NONE
  if (kind !== 'tool') return ['untrusted']
  const annotations = body && own(body, 'annotations')
  const isClosed = isObject(annotations) && own(annotations, 'openWorldHint') === false
  const isDestructive = body === undefined || effectOf(body) === 'destructive'
  return sorted([
    ...(isDestructive ? (['destructive'] as const) : []),
    ...(isClosed ? [] : WORLDLY),
  ])
}
