import { Fault } from '@countersign/contract'
import type { SafeFetch } from '#auth'
import { scopesIn, unionOf } from './challenge.ts'
import { discover, metadataOf, type Found } from './discovery.ts'
import { listenTo, type Ears, type Heard } from './heard.ts'
import { fetchFor } from './outgoing.ts'
import type { ClientThere, Registrar } from './registration.ts'
import type { FetchLike } from './sdk.ts'
import type { ProtectedServer } from './settings.ts'

/** One server, with its name. */
export interface Known extends ProtectedServer {
  readonly id: string
}

/** Everything that is needed to ask for tokens for one owner, read anew. */
export interface Round extends Found {
  readonly server: Known
  readonly client: ClientThere
  readonly scopes: readonly string[]
  /** Whether the tokens are to be bound to a key of ours. */
  readonly isBound: boolean
  readonly fetchFn: FetchLike
}

export interface Rounds {
  readonly start: (server: Known, owner: string, wanted: readonly string[]) => Promise<Round>
  /** For what follows on tokens of this issuer: nothing is asked of the server. */
  readonly follow: (
    server: Known,
    issuer: string,
  ) => Promise<Pick<Round, 'client' | 'metadata' | 'fetchFn'>>
  readonly where: (server: Known, owner: string) => Promise<Found>
}

interface Rooms {
  readonly safeFetch: SafeFetch
  readonly ears: Ears
  readonly registrar: Registrar
}

const NOTHING: Heard = { metadataUrl: undefined, asksForProof: false, scopes: [], stepUps: 0 }

export function makeRounds({ safeFetch, ears, registrar }: Rooms): Rounds {
  const listen = async (server: Known, owner: string): Promise<Heard> => {
    const heard = await ears.recall(server.id, owner)
    if (heard) return heard
    const said = await listenTo(server.url, fetchFor(safeFetch, server))
    const isSilent = said.metadataUrl === undefined && said.scopes.length === 0
    return isSilent ? { ...NOTHING, ...said, stepUps: 0 } : ears.hear(server.id, owner, said)
  }
  const where = async (server: Known, heard: Heard): Promise<Found> =>
    discover(server, heard, fetchFor(safeFetch, server))

  return {
    where: async (server, owner) => where(server, (await ears.recall(server.id, owner)) ?? NOTHING),
    start: async (server, owner, wanted) => {
      const fetchFn = fetchFor(safeFetch, server)
      const heard = await listen(server, owner)
      const found = await where(server, heard)
      const client = await registrar.clientAt(server, found, fetchFn)
      const scopes = scopesFor(server, found, unionOf(heard.scopes, wanted))
      return { ...found, server, client, scopes, isBound: isBound(server, found), fetchFn }
    },
    follow: async (server, issuer) => {
      const fetchFn = fetchFor(safeFetch, server)
      const metadata = await metadataOf(issuer, fetchFn)
      const client = await registrar.clientAt(server, { issuer, metadata }, fetchFn)
      return { client, metadata, fetchFn }
    },
  }
}

/** OC13: what was set or challenged, else what the server says it needs, else nothing. */
function scopesFor(
  { auth }: Known,
  { scopes: supported = [], metadata }: Found,
  heard: readonly string[],
): readonly string[] {
  const named = unionOf(auth.scopes ?? [], heard)
  const scopes = named.length > 0 ? named : supported
  // OC17: only where the issuer knows it, and only where somebody is asked for consent.
  const canRefresh =
    auth.grant === 'authorization_code' &&
    scopes.length > 0 &&
    metadata.scopes_supported?.includes('offline_access') === true
  return canRefresh ? unionOf(scopes, ['offline_access']) : scopes
}

function isBound({ id, auth }: Known, { metadata, asksForProof }: Found): boolean {
  const mode = auth.dpop ?? 'auto'
  if (mode === 'off') return false
  // RFC 9449 §5.1
  const algorithms: unknown = Reflect.get(metadata, 'dpop_signing_alg_values_supported')
  const can = Array.isArray(algorithms) && algorithms.includes('ES256')
  if (mode === 'required' && !can) {
    throw new Fault(
      'upstream/unavailable',
      `The authorization server of ${id} does not bind tokens to keys.`,
    )
  }
  return can && (mode === 'required' || asksForProof)
}

export const scopeParam = (scopes: readonly string[]): Readonly<Record<string, string>> =>
  scopes.length === 0 ? {} : { scope: unionOf(scopesIn(scopes.join(' '))).join(' ') }
