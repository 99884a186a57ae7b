import type { Principal, Reach } from '#auth'
import type { Secret } from '#base'

/** How a server behind us wants to be shown who calls (OAuth 2.1, RFC 9728). */
export interface ServerAuth {
  /** `principal`: each has a credential of its own. `service`: all calls go out under one. */
  readonly per: 'principal' | 'service'
  readonly grant: Grant
  /** What its administrator registered for us; otherwise we introduce ourselves. */
  readonly client?: RegisteredClient
  /** The only authorization server whose tokens are shown to it. Default: what it names. */
  readonly issuer?: string
  /** What it calls itself, where that is not its URL (RFC 9728 §3.3). */
  readonly resource?: string
  /** Asked for at first. Default: what its challenge names, else its metadata, else nothing. */
  readonly scopes?: readonly string[]
  /** Whether we may register ourselves by RFC 7591 where nothing better works. Default: yes. */
  readonly registration?: boolean
  /** How far the URLs that it names may lead. Default: public; loopback for a server on loopback. */
  readonly reach?: Reach
  /** Whether its own origin is its authorization server when it names none (MCP 2025-03-26). */
  readonly originIssues?: boolean
  /** RFC 9449. `auto`: where the server asks for it. */
  readonly dpop?: 'off' | 'auto' | 'required'
  /** `workload`: where the platform puts its statement about us, for this server's issuer. */
  readonly statement?: Source
  /** `id_jag`: whom to ask for a statement about the person. */
  readonly identityProvider?: StatementIssuer
}

/**
 * `authorization_code`: somebody connects in a browser. `client_credentials`: we alone.
 * `token_exchange`: RFC 8693 at its authorization server. `id_jag`: a statement of the company's
 * identity provider. `workload`: a statement of the platform on which we run (RFC 7523).
 */
export type Grant =
  | 'authorization_code'
  | 'client_credentials'
  | 'token_exchange'
  | 'id_jag'
  | 'workload'

export interface RegisteredClient {
  readonly id: string
  /** Neither secret nor key: a public client. */
  readonly secret?: Secret
  /** PKCS #8 in PEM, for `private_key_jwt`. */
  readonly key?: { readonly pem: Secret; readonly algorithm: string }
}

/** An identity provider that states who somebody is, for the authorization server of another. */
export interface StatementIssuer {
  /** Its token endpoint is read from its metadata, or said here. */
  readonly issuer?: string
  readonly tokenUrl?: string
  readonly clientId: string
  readonly clientSecret?: Secret
}

/** A server whose calls carry a credential. */
export interface ProtectedServer {
  readonly url: string
  readonly auth: ServerAuth
}

/** Who we are to authorization servers behind us; known once we listen. */
export interface OwnClient {
  /** Where browsers come back to. */
  readonly redirectUrl: string
  /** The document that describes us (Client ID Metadata Document), where others can read it. */
  readonly documentUrl: string | undefined
  /** The same for servers that know no client authentication by key. */
  readonly publicDocumentUrl: string | undefined
}

/** Statements about who asks, that others make. */
export interface Identities {
  /** The ID token of this person's last sign-in; undefined where there is none. */
  readonly of: (who: Principal) => Promise<Secret | undefined>
  /** Kept, sealed, until it ends; called by whoever signs people in. */
  readonly keep: (principal: string, idToken: Secret, until: number) => Promise<void>
}

/** Where a secret comes from: read when it is needed. */
export type Source =
  | { readonly file: string }
  | { readonly env: string }
  | { readonly command: readonly string[] }

/** The first key seals; the others open what is not sealed anew yet. */
export interface VaultSettings {
  readonly key: Source
  readonly previous: readonly Source[]
}
