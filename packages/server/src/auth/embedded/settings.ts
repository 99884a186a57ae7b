import type { Secret } from '#base'
import type { Reach } from '../settings.ts'

/** The embedded authorization server: whom it lets sign in, and what it gives to which clients. */
export interface EmbeddedSettings {
  readonly accessTokenMs: number
  /** A refresh token that is not used for this long is over. */
  readonly refreshIdleMs: number
  /** However often it was used: from then on a person signs in again. */
  readonly refreshMs: number
  /** Clients that describe themselves at a URL (Client ID Metadata Documents). */
  readonly metadataClients: MetadataClients
  /** Whether anybody may register a client (RFC 7591). Off unless a client needs it. */
  readonly registration: boolean
  /** RFC 9449: whether tokens are bound to keys. */
  readonly dpop: 'accepted' | 'required'
  readonly workloads: readonly WorkloadIssuer[]
  readonly enterprises: readonly IdentityProvider[]
  readonly delegation: Delegation
}

export interface MetadataClients {
  /** `listed`: those of `domains` only; `open`: any that is public. */
  readonly from: 'open' | 'listed' | 'off'
  /** `example.com` is that host, `*.example.com` every host below it. */
  readonly domains: readonly string[]
  readonly reach: Reach
}

/** A platform whose identities for programs are exchanged for tokens of ours (RFC 7523). */
export interface WorkloadIssuer {
  readonly name: string
  /** `iss`, exactly; undefined for SPIFFE, where the trust domain decides and `iss` means nothing. */
  readonly issuer: string | undefined
  /** `spiffe`: `sub` must be in this trust domain. */
  readonly trustDomain: string | undefined
  /** Default: what the issuer's metadata says. */
  readonly jwksUri: string | undefined
  /** Beside our issuer and token endpoint, which are always taken. */
  readonly audiences: readonly string[]
  readonly algorithms: readonly string[]
  /** `once`: each `jti` is good for one token. `window`: until it expires, as SPIRE hands them out. */
  readonly replay: 'once' | 'window'
  readonly lifetimeMs: number
  readonly dpop: 'accepted' | 'required'
  readonly reach: Reach
  readonly rules: readonly WorkloadRule[]
}

/** Every claim must match; the first rule whose claims all do decides. */
export interface WorkloadRule {
  /** By claim (dots lead into objects): the exact text, or one with `*` for any run of characters. */
  readonly claims: Readonly<Record<string, string>>
  /** Names of views; '' is the view of all servers. */
  readonly views: readonly string[]
  readonly scopes: readonly string[]
}

/** Whose statements about people are exchanged for tokens (ID-JAG, enterprise-managed authorization). */
export interface IdentityProvider {
  readonly issuer: string
  readonly jwksUri: string | undefined
  readonly algorithms: readonly string[]
  /** Which of our clients it may speak for: its `client_id` for each of ours. Undefined: the same. */
  readonly clients: Readonly<Record<string, string>>
  readonly views: readonly string[]
  readonly scopes: readonly string[]
  readonly replay: 'once' | 'window'
  readonly lifetimeMs: number
  /** The claim that says which tenant somebody is of; undefined where there is one. */
  readonly tenantClaim: string | undefined
  /** Whose people it may speak for: where there are tenants, those of no other are let in. */
  readonly tenants: readonly string[]
  readonly reach: Reach
}

/** RFC 8693: whether clients may act for those whose tokens they hold. */
export interface Delegation {
  readonly clients: readonly string[]
  readonly lifetimeMs: number
}

/** An OpenID provider through which people sign in, instead of or beside accounts of ours. */
export interface SignInProvider {
  readonly issuer: string
  readonly name: string
  readonly clientId: string
  readonly clientSecret: Secret | undefined
  readonly scopes: readonly string[]
  /** Who of those that it knows may come in: e-mail domains that it has verified; empty: everybody. */
  readonly domains: readonly string[]
  readonly reach: Reach
}
