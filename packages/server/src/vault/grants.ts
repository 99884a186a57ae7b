import { Fault } from '@countersign/contract'
import type { Principal } from '#auth'
import type { World } from '#base'
import { metadataOf } from './discovery.ts'
import { scopeParam, type Round } from './round.ts'
import { oauth } from './sdk.ts'
import type { Grant, Identities, StatementIssuer } from './settings.ts'
import { readSource } from './source.ts'

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

/** Grants for which nobody is asked. */
export type SilentGrant = Exclude<Grant, 'authorization_code'>

/** Where statements are read. */
interface Statements {
  readonly world: World
  readonly identities: Identities
}

/** What is asked of the token endpoint, by grant. The caller's own token is never part of it (OC16). */
export const SILENT_GRANTS: Readonly<
  Record<SilentGrant, (round: Round, who: Principal, from: Statements) => Promise<URLSearchParams>>
> = {
  client_credentials: async ({ scopes }) =>
    new URLSearchParams({ grant_type: 'client_credentials', ...scopeParam(scopes) }),

  token_exchange: async ({ scopes, server }, who, { identities }) =>
    new URLSearchParams({
      grant_type: TOKEN_EXCHANGE,
      subject_token: await statementOf(server.id, who, identities),
      subject_token_type: ID_TOKEN,
      requested_token_type: ACCESS_TOKEN,
      ...scopeParam(scopes),
    }),

  // OC24: the identity provider states it for that issuer and that resource, and nobody is asked.
  id_jag: async (round, who, { identities }) => {
    const { server, issuer, resource, scopes, fetchFn } = round
    const provider = server.auth.identityProvider
    if (!provider)
      throw new Fault('config/invalid', `auth.identityProvider of ${server.id}: missing`)
    const { requestJwtAuthorizationGrant } = await oauth()
    const { jwtAuthGrant } = await requestJwtAuthorizationGrant({
      tokenEndpoint: await tokenUrlOf(provider, round),
      audience: issuer,
      resource,
      idToken: await statementOf(server.id, who, identities),
      clientId: provider.clientId,
      ...(provider.clientSecret ? { clientSecret: provider.clientSecret.reveal() } : {}),
      ...scopeParam(scopes),
      fetchFn,
    })
    return new URLSearchParams({
      grant_type: JWT_BEARER,
      assertion: jwtAuthGrant,
      ...scopeParam(scopes),
    })
  },

  // Read anew each time: platforms replace what they state every few minutes.
  workload: async ({ scopes, server }, _who, { world }) => {
    const { statement } = server.auth
    const assertion = statement && (await readSource(world, statement))
    if (assertion === undefined || assertion === '') {
      throw new Fault('upstream/unavailable', `Nothing states who we are, as ${server.id} needs.`)
    }
    return new URLSearchParams({ grant_type: JWT_BEARER, assertion, ...scopeParam(scopes) })
  },
}

async function tokenUrlOf(provider: StatementIssuer, { fetchFn }: Round): Promise<string> {
  if (provider.tokenUrl !== undefined) return provider.tokenUrl
  if (provider.issuer === undefined) {
    throw new Fault('config/invalid', 'auth.identityProvider needs issuer or tokenUrl')
  }
  return (await metadataOf(provider.issuer, fetchFn)).token_endpoint
}

async function statementOf(
  server: string,
  who: Principal,
  identities: Identities,
): Promise<string> {
  const statement = await identities.of(who)
  if (statement) return statement.reveal()
  throw new Fault(
    'upstream/unconnected',
    `The server ${server} needs to know who you are. Sign in through the company's provider again.`,
    { data: { server } },
  )
}
