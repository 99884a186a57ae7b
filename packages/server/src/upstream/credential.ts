import type { Principal } from '#auth'
import type { Refusal, Shown, Vault } from '#vault'

/** What one upstream shows with each of its requests: of one server, for one principal. */
export interface Credential {
  readonly show: (request: { readonly method: string; readonly url: string }) => Promise<Shown>
  /** It was refused. True: another try shows something else. */
  readonly refused: (shown: Shown, refusal: Refusal) => Promise<boolean>
  /** A nonce that came with an answer, for the proofs that follow (RFC 9449 §8.2). */
  readonly heardNonce: (shown: Shown, nonce: string) => void
}

/** An upstream is made for one principal, so no request of another can ever show this one's token. */
export const credentialOf = (vault: Vault, server: string, who: Principal): Credential => ({
  show: (request) => vault.show(server, who, request),
  refused: (shown, refusal) => vault.refused(server, who, shown, refusal),
  heardNonce: vault.heardNonce,
})
