import type { Fault } from '@countersign/contract'
import type { Principal } from '#auth'

/** Who calls what, as far as limits go. */
export interface Metered {
  readonly who: Principal
  readonly client: string
  readonly view: string
  readonly server: string
  /** The server's own name of the tool, prompt or resource. */
  readonly name: string
}

export type Entered =
  | { readonly kind: 'in'; readonly leave: () => void }
  | { readonly kind: 'full'; readonly fault: Fault }

/** Quotas, rates, budgets and how many at one time. */
export interface Quotas {
  /** Takes what one call costs from every limit it falls under, or from none. */
  readonly enter: (metered: Metered) => Entered | Promise<Entered>
}

const IN: Entered = { kind: 'in', leave: () => undefined }

/** Where no limit is configured. */
export const noQuotas: Quotas = { enter: () => IN }
