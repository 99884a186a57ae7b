/** Who is asking, and how it was proved. */
export interface Principal {
  /** Stable and unique; what sessions, states and ledger entries are bound to. */
  readonly id: string
  readonly proof: 'local'
}
