import type { Effect, Json, Kind } from '@countersign/contract'
import type { Principal } from '#auth'
import type { Ask } from './judge.ts'
import type { Approved } from './question.ts'

/** What a decision is about: the stored definition, never what the caller calls it. */
export interface Judged {
  readonly server: string
  readonly method: string
  readonly kind: Kind
  readonly name: string
  readonly effect: Effect
  readonly digest: string | undefined
}

/** What else is known of a call; lists know less. */
export interface About {
  readonly view: string
  readonly arguments?: Json | undefined
  readonly argumentsDigest?: string | undefined
  readonly run?: { readonly id: string; readonly labels: readonly string[] } | undefined
  readonly address?: string | undefined
  /** What the request calls its run, or the trace that it is part of; for brakes. */
  readonly handle?: string | undefined
  /** What the client calls itself; for brakes. */
  readonly client?: string | undefined
  /** Labels of what is asked for, and of what this principal has called lately. */
  readonly labels?: readonly string[] | undefined
  readonly recent?: readonly string[] | undefined
  /** What was found in the arguments. */
  readonly found?: readonly string[] | undefined
  /** What people have said yes to, for exactly this call. Never remembered. */
  readonly approval?: Approved | undefined
}

/** Which policies were in force. */
export interface PolicyVersion {
  readonly number: number
  readonly digest: string
}

interface Determined {
  /** The ids of the policies that made it so. */
  readonly policies: readonly string[]
  readonly version?: PolicyVersion
}

/** A permit carries what it permits, so nothing can be reached without one. */
export type Decision<Permitted> =
  | (Determined & { readonly kind: 'allow'; readonly permitted: Permitted })
  | (Determined & { readonly kind: 'deny'; readonly because: string })
  | (Determined & {
      readonly kind: 'ask'
      /** What it is refused with where nobody can be asked. */
      readonly because: string
      readonly asks: readonly Ask[]
      /** What the policies say to the agent and to whoever decides. */
      readonly message?: string
    })

export interface Policy {
  readonly decide: <Permitted extends Judged>(
    who: Principal,
    judged: Permitted,
    about: About,
  ) => Decision<Permitted>
}

/** What lists ask. */
export interface Listing {
  /** Whether a list shows it: by the same judgement, so what is shown may be called or asked for. */
  readonly isListed: (who: Principal, judged: Judged, about: About) => boolean
}

/** The policy in force until one is written: everything that is listed may be called, and is recorded. */
export const permitAll: Policy & Listing = {
  decide: (_who, judged) => ({ kind: 'allow', permitted: judged, policies: ['permit-all'] }),
  isListed: () => true,
}
