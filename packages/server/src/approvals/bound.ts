import { canonical, type Effect, type JsonObject } from '@countersign/contract'

/** Everything that a yes is a yes to (GV1). Digests only: it stands in the ledger too. */
export interface Bound {
  readonly principal: string
  /** The agent's OAuth client, else what it calls itself. */
  readonly client: string
  /** Every program between the principal and us, by the id that a principal of its own would have. */
  readonly actors: readonly string[]
  readonly view: string
  readonly server: string
  /** The server's own name of the tool. */
  readonly tool: string
  readonly effect: Effect
  readonly definition: string
  /** Of the canonical arguments (RFC 8785). */
  readonly arguments: string
  readonly policy: { readonly number: number; readonly digest: string }
}

/** Whether two calls are the same in all that a yes is bound to. */
export const sameBound = (one: Bound, other: Bound): boolean => canonical(one) === canonical(other)

/** Whoever takes part in a call, and therefore has no say about it (GV2). */
export const chainOf = ({ principal, actors }: Bound): ReadonlySet<string> =>
  new Set([principal, ...actors])

/** As JSON, for documents and entries. */
export const boundJson = (bound: Bound): JsonObject => ({
  ...bound,
  actors: [...bound.actors],
  policy: { ...bound.policy },
})
