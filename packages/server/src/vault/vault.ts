import type { Principal } from '#auth'

/**
 * Headers that show a credential with one request; made anew for each, as a proof is good for one.
 * The vault knows it again: what comes of it is told with this very object.
 */
export interface Shown {
  readonly headers: Readonly<Record<string, string>>
  /** Names what was shown in the ledger: issuer, client, token digest; never a token. */
  readonly credential: string
}

/** What a server said to a credential, as far as it is about credentials. */
export interface Refusal {
  readonly status: 401 | 403
  /** Each `WWW-Authenticate` header. */
  readonly challenges: readonly string[]
  /** `DPoP-Nonce` */
  readonly nonce: string | undefined
}

/** The tokens with which servers behind us are called, sealed, per principal; none of them leaves. */
export interface Vault {
  /**
   * What to show with a request to `url`. Refreshes what is about to expire, once for all who wait, on
   * every node. Rejects with `upstream/unconnected` when somebody has to connect first, and with
   * `upstream/unavailable` when the authorization server does not answer.
   */
  readonly show: (
    server: string,
    who: Principal,
    request: { readonly method: string; readonly url: string },
  ) => Promise<Shown>
  /** It was refused. True: another try will show something else. Rejects as `show` does. */
  readonly refused: (
    server: string,
    who: Principal,
    shown: Shown,
    refusal: Refusal,
  ) => Promise<boolean>
  /** A nonce that came with an answer that was no refusal (RFC 9449 §8.2). */
  readonly heardNonce: (shown: Shown, nonce: string) => void
}
