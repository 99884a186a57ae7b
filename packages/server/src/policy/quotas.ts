import type { Effect, Fault } from '@countersign/contract'
import type { QuotaLine, ResetQuota } from '@countersign/contract/admin-quota'
import type { Principal } from '#auth'

/** Who calls what, as far as limits go. */
export interface Metered {
  readonly who: Principal
  readonly client: string
  readonly view: string
  readonly server: string
  /** The server's own name of the tool, prompt or resource. */
  readonly name: string
  readonly effect: Effect
}

export type Entered =
  /** It is over. What did not leave for its server costs nothing. */
  | { readonly kind: 'in'; readonly leave: (hasLeft: boolean) => void }
  | { readonly kind: 'full'; readonly fault: Fault }

/** Quotas, rates, budgets and how many at one time. */
export interface Quotas {
  /** Takes what one call costs from every limit it falls under, or from none. */
  readonly enter: (metered: Metered) => Entered | Promise<Entered>
}

/** The same, for whoever keeps the house. */
export interface OpenQuotas extends Quotas {
  /** What was counted, and what is left of it. */
  readonly list: () => Promise<readonly QuotaLine[]>
  /** Begins to count anew; the counters that were forgotten. */
  readonly reset: (what: Omit<ResetQuota, 'reason'>) => Promise<readonly QuotaLine[]>
  /** Whether there is a limit of this name. */
  readonly has: (name: string) => boolean
  /** Gives back what was set apart for calls that did not come. */
  readonly close: () => Promise<void>
}

const IN: Entered = { kind: 'in', leave: () => undefined }

/** Where no limit is configured. */
export const noQuotas: OpenQuotas = {
  enter: () => IN,
  list: async () => [],
  reset: async () => [],
  has: () => false,
  close: async () => undefined,
}
