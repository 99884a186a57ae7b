import {
  errors,
  interactionPolicy,
  type AccessToken,
  type AdapterPayload,
  type ClientCredentials,
  type Configuration,
  type ErrorOut,
  type KoaContextWithOIDC,
} from 'oidc-provider'
import { declinedBefore } from '../people/declined-before.ts'
import type { SafeFetch } from '../safe-fetch.ts'
import { stepUps } from '../step-ups.ts'
import { recordAdapter } from './adapter.ts'
import { checkRedirects } from './check-redirects.ts'
import type { Clients } from './clients.ts'
import { detailsFor, type Consents } from './consents.ts'
import { cookiesOf, featuresOf } from './features.ts'
import type { ClaimsToCome } from './issue-token.ts'
import type { metadataClientRules } from './metadata-clients.ts'
import { fetchFor } from './outbound.ts'
import { OWN_SCOPES, type Resources } from './resources.ts'
import type { AuthorizationRooms } from './rooms.ts'
import type { EmbeddedSettings } from './settings.ts'
import { SIGNING_ALGORITHM, type SigningKeys } from './signing-keys.ts'

/** What is made once, and used by every provider that is made of it. */
export interface Made {
  readonly rooms: AuthorizationRooms
  readonly settings: EmbeddedSettings
  readonly dpopNonces: boolean
  readonly issuer: string
  readonly keys: SigningKeys
  readonly clients: Clients
  readonly consents: Consents
  readonly resources: Resources
  readonly safeFetch: SafeFetch
  readonly toCome: ClaimsToCome
  readonly metadataRules: ReturnType<typeof metadataClientRules>
}

const CODE_S = 60
const INTERACTION_S = 3_600
const ID_TOKEN_S = 300
/** CIMD draft-02 §8.7 */
const DOCUMENT_BYTES_MAX = 5 * 1_024
const KEYS_BYTES_MAX = 65_536
const ASYMMETRIC = ['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256'] as const
const PROOF_ALGORITHMS = ['ES256', 'Ed25519', 'EdDSA'] as const

const seconds = (ms: number): number => Math.max(1, Math.floor(ms / 1_000))

/** To SDK v1 a failure of ours is the one reason to ask its person instead. */
const mustAskAgain = (): Error =>
  new errors.CustomOIDCProviderError(
    'server_error',
    'More scopes were asked for: a new authorization is needed, not a refresh.',
  )

/** One provider's configuration: oidc-provider with everything off that is not OAuth 2.1 (AS1). */
export const configurationOf = (made: Made): Configuration => ({
  ...PROTOCOL,
  ...storageOf(made),
  ...tokensOf(made),
  ...clientsOf(made),
  cookies: cookiesOf(made),
  features: featuresOf(made),
  ttl: lifetimesOf(made),
  discovery: { ...made.rooms.extension?.metadata },
  interactions: {
    policy: promptsOf(made),
    url: (_ctx, { uid }) => `${new URL(made.issuer).pathname}/interaction/${uid}`,
  },
  renderError: (ctx, out) => {
    showProblem(made, ctx, out)
  },
})

/** What is the same for every provider. */
const PROTOCOL: Configuration = {
  routes: {
    authorization: '/authorize',
    pushed_authorization_request: '/par',
    token: '/token',
    revocation: '/revoke',
    registration: '/register',
    jwks: '/jwks',
  },
  // AS1, AS4: codes with S256 and nothing else, for whichever client.
  responseTypes: ['code'],
  pkce: { required: () => true },
  clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  enabledJWA: {
    clientAuthSigningAlgValues: [...ASYMMETRIC],
    idTokenSigningAlgValues: [SIGNING_ALGORITHM],
    dPoPSigningAlgValues: [...PROOF_ALGORITHMS],
  },
  clientDefaults: {
    id_token_signed_response_alg: SIGNING_ALGORITHM,
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  },
  scopes: [...OWN_SCOPES],
  claims: { openid: ['sub'] },
  expiresWithSession: () => false,
  // Which pages may ask is for the front door to say.
  clientBasedCORS: () => false,
}

function storageOf({ rooms, keys, clients }: Made): Configuration {
  const { world, records, seal, revocations, extension } = rooms
  return {
    adapter: recordAdapter({
      world,
      records,
      seal,
      clientOf: async (id) => allowed(await clients.find(id), extension?.grantTypes),
      onReuse: async (id) => {
        await revocations?.revoke({ kind: 'grant', id })
      },
      keepClient: async (id, client) => {
        await clients.add({ ...client, client_id: id }, 'registration')
      },
    }),
    jwks: { keys: keys.keys().map(({ jwk }) => ({ ...jwk, kty: 'EC' })) },
    clients: [...(extension?.clients ?? [])],
  }
}

function tokensOf(made: Made): Configuration {
  const { rooms, consents } = made
  const { world, records, people } = rooms
  const asked = stepUps(world, records)
  return {
    // Each refresh token is good once, whoever holds it (AS18).
    rotateRefreshToken: async ({ oidc: { client, entities, params } }) => {
      const { RefreshToken } = entities
      checkTarget(RefreshToken?.resource, params?.['resource'])
      if (client && RefreshToken) await consents.check(RefreshToken, client)
      if (await asked.take(RefreshToken?.grantId ?? '')) throw mustAskAgain()
      return true
    },
    issueRefreshToken: async (_ctx, client, { grantId }) => {
      // It came back and asked: its next refresh is one like any other.
      await asked.take(grantId ?? '')
      return client.grantTypeAllowed('refresh_token')
    },
    loadExistingGrant: (ctx) => consents.existing(ctx),
    findAccount: async ({ oidc: { client, provider } }, subject, shown) => {
      // What was revoked since they agreed must not come back as a new token.
      if (client && shown instanceof provider.AuthorizationCode) await consents.check(shown, client)
      const isWelcome = await people.isWelcome(subject)
      return isWelcome ? { accountId: subject, claims: () => ({ sub: subject }) } : undefined
    },
    extraTokenClaims: async (ctx, token) => ({
      ...signInOf(ctx),
      ...(await claimsFor(made, token)),
    }),
  }
}

/**
 * Of what was not given a refresh gives nothing. Said before the token is used up: whoever only asked
 * for the wrong view would next be taken for a thief, and lose all that was agreed to.
 */
function checkTarget(given: string | string[] | undefined, asked: unknown): void {
  const known: readonly unknown[] = [given].flat()
  const isKnown = [asked].flat().every((one) => one === undefined || known.includes(one))
  if (!isKnown) throw new errors.InvalidTarget('the refresh token is for another resource')
}

const clientsOf = ({ rooms, settings, safeFetch, issuer }: Made): Configuration => ({
  assertJwtClientAuthClaimsAndHeader: (_ctx, { aud }) => {
    // RFC 7523bis: made for us alone, not for whichever of our addresses.
    if (aud !== issuer) {
      throw new errors.InvalidClientAuth('the audience must be the issuer identifier, alone')
    }
  },
  extraClientMetadata: {
    properties: ['redirect_uris'],
    validator: (_ctx, key, value, metadata) => {
      if (key === 'redirect_uris') checkRedirects(value)
      // What a client says of its scopes when it registers limits nothing: it asks each time.
      delete metadata.scope
    },
  },
  fetch: fetchFor(safeFetch, rooms.log, settings.metadataClients.reach),
  fetchResponseBodyLimits: {
    'client_id metadata document': DOCUMENT_BYTES_MAX,
    jwks_uri: KEYS_BYTES_MAX,
    sector_identifier_uri: DOCUMENT_BYTES_MAX,
  },
})

function lifetimesOf({ rooms, settings }: Made): NonNullable<Configuration['ttl']> {
  const refreshS = seconds(settings.refreshMs)
  return {
    AuthorizationCode: CODE_S,
    Interaction: INTERACTION_S,
    IdToken: ID_TOKEN_S,
    Session: refreshS,
    Grant: refreshS,
    AccessToken: seconds(settings.accessTokenMs),
    ClientCredentials: seconds(settings.accessTokenMs),
    // Idle for so long, or as old as that: whichever comes first.
    RefreshToken: (_ctx, token) => {
      const now = rooms.world.now()
      const ageMs = token.iiat === undefined ? 0 : now - token.iiat * 1_000
      return seconds(Math.min(settings.refreshIdleMs, settings.refreshMs - ageMs))
    },
  }
}

/** Grants of an extension are for every client that can prove who it is: the grant judges by itself. */
function allowed(
  client: AdapterPayload | undefined,
  types: readonly string[] = [],
): AdapterPayload | undefined {
  const { token_endpoint_auth_method: method = 'none' } = client ?? {}
  if (!client || method === 'none') return client
  return { ...client, grant_types: [...new Set([...(client.grant_types ?? []), ...types])] }
}

/** Signed in means signed in now: who signed out, or is another, is asked again. */
function promptsOf({ rooms }: Made): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base()
  const { Check } = interactionPolicy
  policy.get('login')?.checks.add(
    new Check('signed_out', 'somebody has to sign in', async (ctx) => {
      const person = await rooms.people.personOf(ctx.req)
      const isSame = person?.account !== undefined && person.account === ctx.oidc.session?.accountId
      const isAsked = ctx.oidc.session?.accountId !== undefined
      return isAsked && !isSame
    }),
  )
  const consent = policy.get('consent')
  if (consent) consent.details = detailsFor(rooms.protected)
  consent?.checks.add(declinedBefore())
  return policy
}

/** RFC 9068 §2.2.1: how and when whoever agreed to it had signed in, however often it was renewed. */
function signInOf({ oidc }: KoaContextWithOIDC): Record<string, unknown> {
  const { AuthorizationCode, RefreshToken } = oidc.entities
  const { amr, authTime } = AuthorizationCode ?? RefreshToken ?? {}
  return {
    ...(amr !== undefined && amr.length > 0 ? { amr } : {}),
    ...(authTime === undefined ? {} : { auth_time: authTime }),
  }
}

async function claimsFor(
  { consents, toCome, rooms, settings }: Made,
  token: AccessToken | ClientCredentials,
): Promise<Record<string, unknown>> {
  const given = toCome.get(token)
  if (settings.dpop === 'required' && token.jkt === undefined) {
    throw new errors.InvalidDpopProof('tokens are bound to keys here: send a DPoP proof')
  }
  const url = String(token.aud)
  const grantId = 'grantId' in token ? token.grantId : ''
  const consented = grantId === '' ? undefined : await consents.epochOf(grantId, url)
  return {
    cat: consented ?? rooms.protected.at(url)?.epoch() ?? 0,
    ...(grantId === '' ? {} : { gid: grantId }),
    ...given,
  }
}

function showProblem(
  { rooms }: Made,
  ctx: KoaContextWithOIDC,
  { error, error_description: said = '' }: ErrorOut,
): void {
  const page = rooms.problemPage?.({ error, description: said })
  ctx.set({ 'cache-control': 'no-store', ...page?.headers })
  ctx.type = page ? 'html' : 'text'
  ctx.body = page?.html ?? `${error}: ${said}\n`
}
