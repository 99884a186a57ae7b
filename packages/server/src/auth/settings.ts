import type { Secret } from '#base'
import type { EmbeddedSettings, SignInProvider } from './embedded/settings.ts'
import type { StepUp } from './principal.ts'

/** Signature algorithms of tokens and proofs: asymmetric ones only, so that no issuer shares its key. */
export const ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
] as const
type Algorithm = (typeof ALGORITHMS)[number]

/** How far a URL of an issuer may lead. */
export type Reach = 'public' | 'private' | 'loopback'

/** One authorization server whose tokens are taken. */
export interface IssuerSettings {
  /** Exactly as it stands in `iss`. */
  readonly issuer: string
  /** What must stand in `aud`. Default: the URL of the view that is asked for. */
  readonly audience?: string
  /** Default: what its metadata says. */
  readonly jwksUri?: string
  readonly algorithms: readonly Algorithm[]
  /** `at+jwt`: RFC 9068 and nothing else. `jwt`: also what older servers issue. */
  readonly tokenType: 'at+jwt' | 'jwt'
  readonly introspection?: IntrospectionSettings
  readonly scopesClaim: string
  readonly clientClaim: string
  readonly dpop: 'off' | 'accepted' | 'required'
  readonly stepUp: StepUp
  /** What its scopes are asked for with: `api://{id}/`. Its tokens say them with it or without. */
  readonly scopePrefix?: string
  /**
   * Whether class scopes mean the tools of when they were given: as its tokens claim, or as of their
   * first use here (the default). `growing`: the tools of now.
   */
  readonly classes?: 'claimed' | 'frozen' | 'growing'
  readonly reach: Reach
}

export interface IntrospectionSettings {
  /** Default: what the issuer's metadata says. */
  readonly url?: string
  readonly clientId: string
  readonly clientSecret: Secret
  /** Whether it is asked about tokens too that it signed, which may be revoked. */
  readonly always: boolean
}

/** Whose tokens are taken, and how strictly. */
export interface AuthSettings {
  readonly issuers: readonly IssuerSettings[]
  /** How far clocks may differ. */
  readonly skewMs: number
  /** Whether proofs must repeat a nonce of ours (RFC 9449 §9). */
  readonly dpopNonces: boolean
  /** Our own authorization server; its issuer is known once we are reached under a name. */
  readonly embedded: EmbeddedSettings | undefined
  /** Through whom people sign in, beside or instead of accounts of ours. */
  readonly signIn: SignInProvider | undefined
}

/**
 * RS29: ways to a token beside a person at a browser, as clients look for them in `server/discover`.
 * What an issuer elsewhere can do, it says itself.
 */
export function authExtensions({ embedded }: AuthSettings): readonly string[] {
  if (!embedded) return []
  return [
    'io.modelcontextprotocol/oauth-client-credentials',
    ...(embedded.enterprises.length === 0
      ? []
      : ['io.modelcontextprotocol/enterprise-managed-authorization']),
  ]
}
