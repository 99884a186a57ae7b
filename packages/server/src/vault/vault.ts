import type { Principal } from '#auth'

/** How a server behind us wants to be shown who calls (OAuth 2.1, RFC 9728). */
export interface ServerAuth {
  /** `principal`: each has a credential of its own. `service`: all calls go out under one. */
  readonly per: 'principal' | 'service'
  readonly grant: 'authorization_code' | 'client_credentials' | 'token_exchange' | 'id_jag'
}

/** Headers that show a credential with one request; made anew for each where it is bound to a key. */
export interface Shown {
  readonly headers: Readonly<Record<string, string>>
  /** Names what was shown in the ledger: issuer, client, token digest; never a token. */
  readonly credential: string
}

/** What a server said to a credential, as far as it is about credentials. */
export interface Refusal {
  readonly status: 401 | 403
  readonly challenges: readonly string[]
  readonly nonce: string | undefined
}

/** The tokens with which servers behind us are called, sealed, per principal; none of them leaves. */
export interface Vault {
  /**
   * What to show with a request to `url`. Refreshes what is about to expire, once for all who wait, on
   * every node. Rejects with `upstream/unconnected` when somebody has to connect first.
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
}
