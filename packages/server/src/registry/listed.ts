import type { Definition, Kind } from '@countersign/contract'
import type { Since } from '#auth'
import type { Introduction } from '#upstream'

/** What is stored of one server. `capturedAt` is undefined until it has been listed once. */
export interface Listed {
  readonly introduction: Introduction | undefined
  readonly capturedAt: number | undefined
  readonly definitions: Readonly<Record<Kind, readonly Definition[]>>
  /** Rises with each change, so that what is derived from a listing can be kept until then. */
  readonly version: number
  /** How long the server says its lists stay good, from `capturedAt`, in milliseconds. */
  readonly ttlMs: number
  readonly problems: readonly string[]
  /** For each tool, since which epoch the scopes of its classes cover it. */
  readonly since: ReadonlyMap<string, Since>
}

/** A server of which nothing is known yet. */
export const NOTHING_LISTED: Listed = {
  introduction: undefined,
  capturedAt: undefined,
  definitions: { tool: [], prompt: [], resource: [], template: [] },
  version: 0,
  ttlMs: 0,
  problems: [],
  since: new Map(),
}
