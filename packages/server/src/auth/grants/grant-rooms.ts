import type { JsonObject } from '@countersign/contract'
import type { EntryBody } from '@countersign/contract/ledger/entries'
import type { World } from '#base'
import type { Records } from '#store'
import type { Log } from '#telemetry'
import type { Protected, ProtectedResource } from '../embedded/protected.ts'
import type { EmbeddedSettings } from '../embedded/settings.ts'
import type { SafeFetch } from '../safe-fetch.ts'

/** What these grants need of the authorization server that they belong to. */
export interface GrantRooms {
  readonly world: World
  readonly log: Log
  readonly records: Records
  readonly safeFetch: SafeFetch
  readonly protected: Protected
  /** Our issuer and our token endpoint: the audiences of what is shown to us. */
  readonly issuer: string
  readonly tokenEndpoint: string
  /** Writes a decision down; refusals of a flood may be counted instead. */
  readonly note: <Kind extends 'token.issued' | 'token.refused'>(
    kind: Kind,
    body: EntryBody<Kind>,
  ) => Promise<void> | void
  /** The claims of an access token of ours, or undefined for one that is not, or no longer, good. */
  readonly ownToken: (token: string) => Promise<JsonObject | undefined>
  /** The account of a person of ours whom an identity provider knows by another name (AS37). */
  readonly personOf: (issuer: string, subject: string) => Promise<KnownPerson | undefined>
}

interface KnownPerson {
  readonly id: string
  readonly isDisabled: boolean
}

export type GrantSettings = Pick<
  EmbeddedSettings,
  'accessTokenMs' | 'dpop' | 'workloads' | 'enterprises' | 'delegation'
> & { readonly skewMs: number }

/** One request at the token endpoint, by whoever the server found it to be from. */
export interface GrantAsk {
  /** Parameters as sent; one that was sent twice is a list. */
  readonly params: Readonly<Record<string, unknown>>
  /** Undefined where none was named: a platform's identity speaks for itself (WI4). */
  readonly client: GrantClient | undefined
  /**
   * The thumbprint of the key in the request's DPoP proof, checked and used up; undefined without one.
   * Called once, when everything else is right: whoever is told to repeat a nonce may come again.
   */
  readonly prove: () => Promise<string | undefined>
}

export interface GrantClient {
  readonly id: string
  /** It proved who it is; a public client has nothing to prove it with. */
  readonly isAuthenticated: boolean
}

/** The token to be issued. */
export interface Granting {
  readonly subject: string
  /** `client_id`: a program without a client is its own (RFC 9068 §2.2). */
  readonly client: string
  readonly resource: ProtectedResource
  readonly scopes: readonly string[]
  readonly lifetimeMs: number
  readonly jkt: string | undefined
  /** `act`, `cat`, `tenant`, `sub_profile`: beside the claims that every token has. */
  readonly claims: JsonObject
  /** For the ledger: what was shown, never itself. */
  readonly basis: JsonObject
}
