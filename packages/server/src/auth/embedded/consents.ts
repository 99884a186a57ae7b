import { isObject, own, type JsonObject } from '@countersign/contract'
import {
  errors,
  type AuthorizationCode,
  type Client,
  type Grant,
  type KoaContextWithOIDC,
  type RefreshToken,
} from 'oidc-provider'
import { digestOf } from '#base'
import { principalId } from '../principal.ts'
import type { Protected } from './protected.ts'
import type { AuthorizationRooms } from './rooms.ts'

const KIND = 'oauth.Consent'

/** What was agreed to when somebody consented, beside the scopes: to which client, and to which tools. */
export interface Consents {
  /** The grant of this browser for this client, if it is still for what the client was then. */
  readonly existing: (ctx: KoaContextWithOIDC) => Promise<Grant | undefined>
  /** AS15: refuses to go on where it was revoked, or the client is not what was consented to. */
  readonly check: (shown: AuthorizationCode | RefreshToken, client: Client) => Promise<void>
  /** The catalogue's epoch when scopes for this resource were consented to. */
  readonly epochOf: (grantId: string, resource: string) => Promise<number | undefined>
}

interface ConsentRooms extends Pick<AuthorizationRooms, 'records' | 'revocations'> {
  readonly protected: Protected
  readonly issuer: string
}

export function keepConsents(rooms: ConsentRooms): Consents {
  const { records, revocations, issuer, protected: protectedOnes } = rooms
  const get = async (grantId: string): Promise<JsonObject | undefined> =>
    (await records.get(KIND, grantId))?.value

  /** Written down at the first use after somebody consented; from then on it is compared. */
  const isStill = async (grant: Grant, client: Client, shown: Shown) => {
    const now = digestOfClient(client)
    const urls = Object.keys(shown)
    const epochs = { ...shown }
    const keep = { group: grant.jti, ...(grant.exp ? { until: grant.exp * 1_000 } : {}) }
    if (await records.add(KIND, grant.jti, { client: now, epochs }, keep)) return true
    const found = await records.get(KIND, grant.jti)
    if (!found || own(found.value, 'client') !== now) return false
    const known = own(found.value, 'epochs')
    const value = { client: now, epochs: { ...epochs, ...(isObject(known) ? known : {}) } }
    if (urls.some((url) => !isObject(known) || !Object.hasOwn(known, url))) {
      await records.swap(KIND, grant.jti, found.revision, { value })
    }
    return true
  }

  return {
    existing: async (ctx) => {
      const { client, resourceServers } = ctx.oidc
      const grant = await grantIn(ctx)
      if (!client || !grant) return undefined
      if (revocations?.isRevoked({ id: '', grantId: grant.jti }) === true) return undefined
      // Nothing is agreed to yet as long as it holds nothing for what is asked for.
      const urls = Object.keys(resourceServers ?? {}).filter(
        (url) => grant.getResourceScope(url) !== '',
      )
      const seen = epochsIn(ctx) ?? epochsOf(protectedOnes, urls)
      const shown = Object.fromEntries(Object.entries(seen).filter(([url]) => urls.includes(url)))
      return (await isStill(grant, client, shown)) ? grant : undefined
    },
    check: async ({ accountId, clientId, grantId, iat }, client) => {
      const id = principalId(issuer, accountId ?? '') ?? ''
      const given = { id, client: clientId, grantId, issuedAt: iat * 1_000 }
      if (revocations?.isRevoked(given) === true) throw new errors.InvalidGrant('it was revoked')
      const kept = await get(grantId ?? '')
      if (kept && own(kept, 'client') !== digestOfClient(client)) {
        throw new errors.InvalidGrant('the client is not what was consented to: ask anew')
      }
    },
    epochOf: async (grantId, resource) => {
      const epochs = own((await get(grantId)) ?? {}, 'epochs')
      const epoch = isObject(epochs) ? own(epochs, resource) : undefined
      return typeof epoch === 'number' ? epoch : undefined
    },
  }
}

/** What somebody just consented to, or what this browser holds for the client. */
async function grantIn({ oidc }: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { client, session, result, provider } = oidc
  if (!client || !session) return undefined
  const grantId = result?.consent?.grantId ?? session.grantIdFor(client.clientId)
  const grant = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  return grant?.accountId === session.accountId ? grant : undefined
}

/** Epochs of the catalogue by resource, as they were when somebody was shown what they consent to. */
type Shown = Readonly<Record<string, number>>

/** For the page: which tools a class of scopes opens is told as of now, and holds as of now. */
export const detailsFor =
  (protectedOnes: Protected) =>
  (ctx: KoaContextWithOIDC): { readonly epochs: Shown } => ({
    epochs: epochsOf(protectedOnes, Object.keys(ctx.oidc.resourceServers ?? {})),
  })

function epochsIn(ctx: KoaContextWithOIDC): Shown | undefined {
  const details: unknown = ctx.oidc.entities.Interaction?.prompt.details['epochs']
  if (!isObject(details)) return undefined
  return Object.fromEntries(
    Object.entries(details).flatMap(([url, epoch]): [string, number][] =>
      typeof epoch === 'number' ? [[url, epoch]] : [],
    ),
  )
}

const epochsOf = (protectedOnes: Protected, urls: readonly string[]): Shown =>
  Object.fromEntries(
    urls.flatMap((url) => {
      const resource = protectedOnes.at(url)
      return resource ? [[url, resource.epoch()]] : []
    }),
  )

/** What makes a client the one that somebody consented to (CIMD draft-02 §8.4). */
function digestOfClient(client: Client): string {
  const { clientName, redirectUris, tokenEndpointAuthMethod, jwks, jwksUri } = client
  const facts = [clientName, redirectUris, tokenEndpointAuthMethod, jwks, jwksUri]
  return digestOf(JSON.stringify(facts.map((fact) => fact ?? null)))
}
