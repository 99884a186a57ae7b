import type { JsonObject } from '@countersign/contract'
import type { ClientMetadata, KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { FoldedNotes, Ledger } from '#audit'
import type { Seal, World } from '#base'
import type { Records } from '#store'
import type { Log } from '#telemetry'
import type { Revocations } from '../revocations.ts'
import type { Resolve } from '../safe-fetch.ts'
import type { Issue, Issued } from './issue-token.ts'
import type { Protected } from './protected.ts'
import type { Interactions, Pages, People, ProblemPage } from './signed-in.ts'

/** What the authorization server stands on. */
export interface AuthorizationRooms {
  readonly world: World
  readonly log: Log
  readonly ledger: Pick<Ledger, 'note'>
  readonly records: Records
  readonly seal: Seal
  readonly protected: Protected
  readonly people: People
  readonly interactions: Interactions
  readonly pages?: Pages
  readonly problemPage?: ProblemPage
  readonly extension?: Extension
  /** What is taken back, here and on every node. */
  readonly revocations?: Pick<Revocations, 'revoke' | 'isRevoked'>
  /** How names are looked up; the system's way unless said otherwise. */
  readonly resolve?: Resolve
}

/** Grants that are no part of the provider; called once for each provider that is made. */
export interface Extension {
  readonly extend: (provider: Provider, helpers: GrantHelpers) => void
  /** Beside what the provider says of itself. */
  readonly metadata: JsonObject
  /** Clients that are part of it, such as the one for whoever needs none. */
  readonly clients: readonly ClientMetadata[]
  /** Its grants: whoever may use one is its own to judge, for clients that an administrator added. */
  readonly grantTypes: readonly string[]
  readonly close: () => Promise<void>
}

/** What a grant of one's own needs of the authorization server. */
export interface GrantHelpers {
  readonly issuer: string
  readonly tokenEndpoint: string
  /** Signs an access token (RFC 9068) and says what to answer. */
  readonly issue: (ctx: KoaContextWithOIDC, wanted: Issue) => Promise<Issued>
  /** The thumbprint of the key in the proof that came along, used up by this; undefined without one. */
  readonly prove: (ctx: KoaContextWithOIDC) => Promise<string | undefined>
  /** The claims of an access token of ours that is still good, or undefined. */
  readonly ownToken: (token: string) => Promise<JsonObject | undefined>
  /** Folded under flood. */
  readonly note: FoldedNotes['note']
}
