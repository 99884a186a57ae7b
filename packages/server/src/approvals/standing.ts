import type { Json, JsonObject } from '@countersign/contract'
import type { Approved, Ask } from '#policy'
import type { Bound } from './bound.ts'

/** A yes that was given in advance, as it stands in for people for one call. */
export interface Lift {
  /** What policies see of it, like an approval. */
  readonly approved: Approved
  /** For the ledger entry of the call: `{ grant: … }` or `{ breakGlass: … }`. */
  readonly told: JsonObject
  /** Counts the call, right before it leaves. @throws Fault when nothing is left of it by then. */
  readonly spend: () => Promise<void>
}

/** Standing grants: this tool, within these bounds, for so long and so many times. */
export interface Standing {
  /** What would lift these asks for this call; undefined when nothing does. */
  readonly find: (
    bound: Bound,
    asks: readonly Ask[],
    given: Json | undefined,
  ) => Promise<Lift | undefined>
}

/** Where nobody has said yes in advance. */
export const noStanding: Standing = { find: async () => undefined }
