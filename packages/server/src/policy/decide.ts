import type { Effect } from '@countersign/contract'
import type { Principal } from '#auth'

/** What a decision is about: the stored definition, never what the caller calls it. */
export interface Judged {
  readonly server: string
  readonly method: string
  readonly name: string
  readonly effect: Effect
  readonly digest: string | undefined
}

/** A permit carries what it permits, so nothing can be reached without one. */
export type Decision<Permitted> =
  | { readonly kind: 'allow'; readonly permitted: Permitted; readonly policies: readonly string[] }
  | { readonly kind: 'deny'; readonly because: string; readonly policies: readonly string[] }

export interface Policy {
  readonly decide: <Permitted extends Judged>(
    who: Principal,
    judged: Permitted,
  ) => Decision<Permitted>
}

/** The policy in force until one is written: everything that is listed may be called, and is recorded. */
export const permitAll: Policy = {
  decide: (_who, judged) => ({ kind: 'allow', permitted: judged, policies: ['permit-all'] }),
}
