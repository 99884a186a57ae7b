import { isObject, own, type JsonObject } from '@countersign/contract'
import { errors, type Client, type KoaContextWithOIDC, type Provider } from 'oidc-provider'
import type { Ledger } from '#audit'
import { textIn } from '../discover.ts'
import type { AuthorizationRooms, Extension, GrantHelpers } from '../embedded/rooms.ts'
import { makeAccounts } from '../people/accounts.ts'
import { principalId, type Actor } from '../principal.ts'
import type { Issued, Revocations } from '../revocations.ts'
import { makeSafeFetch, type Resolve } from '../safe-fetch.ts'
import type { GrantAsk, Granting, GrantSettings } from './grant-rooms.ts'
import {
  grantTypes,
  JWT_BEARER,
  makeGrants,
  needsNoClient,
  profiles,
  TOKEN_EXCHANGE,
  type Grants,
} from './make-grants.ts'
import { ACCESS_TOKEN } from './delegation.ts'
import { Refused } from './refused.ts'
import { namesClient, WITHOUT_CLIENT } from './without-client.ts'

type Rooms = Pick<AuthorizationRooms, 'world' | 'log' | 'records' | 'protected'> & {
  readonly ledger: Pick<Ledger, 'note'>
  readonly revocations: Pick<Revocations, 'isRevoked'>
  readonly resolve?: Resolve
}

/** The grants of programs and enterprises as a part of the embedded server; undefined with none. */
export function grantsExtension(rooms: Rooms, settings: GrantSettings): Extension | undefined {
  const types = grantTypes(settings)
  if (types.length === 0) return undefined
  const named = profiles(settings)
  const safeFetch = makeSafeFetch(rooms.world, rooms.resolve)
  const accounts = makeAccounts(rooms.world, rooms.records)
  let grants: Grants | undefined
  // Once for all providers that are made, so that a rotation forgets no foreign keys.
  const open = (helpers: GrantHelpers): Grants =>
    makeGrants(
      {
        ...rooms,
        safeFetch,
        issuer: helpers.issuer,
        tokenEndpoint: helpers.tokenEndpoint,
        ownToken: async (token) => {
          const claims = await helpers.ownToken(token)
          const isLive = claims && !rooms.revocations.isRevoked(issuedIn(claims))
          return isLive ? claims : undefined
        },
        personOf: (issuer, subject) => accounts.knownAs({ issuer, subject }),
        // WI5: who was given a token is on disk before they have it; a flood of refusals is counted.
        note: (kind, body) =>
          kind === 'token.issued' ? rooms.ledger.note(kind, body) : helpers.note(kind, body),
      },
      settings,
    )
  return {
    metadata: named.length === 0 ? {} : { authorization_grant_profiles_supported: [...named] },
    clients: [
      {
        client_id: WITHOUT_CLIENT,
        token_endpoint_auth_method: 'none',
        grant_types: [...types],
        response_types: [],
        redirect_uris: [],
      },
    ],
    grantTypes: types,
    extend: (provider, helpers) => {
      grants ??= open(helpers)
      provider.use(namesClient(needsNoClient))
      provider.use(saysUnauthorized)
      for (const type of types) register(provider, helpers, { type, grants })
    },
    close: () => safeFetch.close(),
  }
}

/** What a token of ours can be revoked by. */
function issuedIn(claims: JsonObject): Issued {
  const issuer = textIn(claims, 'iss') ?? ''
  const iat = own(claims, 'iat')
  const actors: Actor[] = []
  for (let at = own(claims, 'act'); isObject(at); at = own(at, 'act')) {
    const subject = textIn(at, 'sub') ?? ''
    actors.push({ subject, issuer, client: textIn(at, 'client_id') ?? subject })
  }
  return {
    id: principalId(issuer, textIn(claims, 'sub') ?? '') ?? '',
    tokenId: textIn(claims, 'jti'),
    grantId: textIn(claims, 'gid'),
    client: textIn(claims, 'client_id'),
    actors,
    issuedAt: typeof iat === 'number' ? iat * 1_000 : undefined,
  }
}

const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  [JWT_BEARER]: ['assertion', 'scope', 'resource'],
  [TOKEN_EXCHANGE]: [
    'subject_token',
    'subject_token_type',
    'actor_token',
    'actor_token_type',
    'requested_token_type',
    'audience',
    'scope',
    'resource',
  ],
}

function register(
  provider: Provider,
  helpers: GrantHelpers,
  { type, grants }: { readonly type: string; readonly grants: Grants },
): void {
  const handle = async (ctx: KoaContextWithOIDC): Promise<void> => {
    const { client, params = {} } = ctx.oidc
    if (!client) throw new errors.InvalidClient('no client')
    // This grant writes down what it decides, with what it was based on.
    ctx.state['isNoted'] = true
    const ask: GrantAsk = {
      params,
      client:
        client.clientId === WITHOUT_CLIENT
          ? undefined
          : { id: client.clientId, isAuthenticated: client.clientAuthMethod !== 'none' },
      prove: () => helpers.prove(ctx),
    }
    try {
      const { body } = await grants.answer(type, ask, async (granting) => {
        const issued = await helpers.issue(ctx, { ...granting, client: as(client, granting) })
        return { tokenId: ctx.oidc.entities.AccessToken?.jti ?? '', body: issued }
      })
      ctx.body = type === TOKEN_EXCHANGE ? { ...body, issued_token_type: ACCESS_TOKEN } : body
    } catch (thrown) {
      throw thrown instanceof Refused ? errorFor(thrown) : thrown
    }
  }
  provider.registerGrantType(type, handle, [...(PARAMETERS[type] ?? [])], ['resource', 'audience'])
}

/** A program without a client is its own (RFC 9068 §2.2). */
const as = (client: Client, granting: Granting): Client =>
  client.clientId === granting.client
    ? client
    : Object.create(client, { clientId: { value: granting.client, enumerable: true } })

const STATUSES: Readonly<Record<string, number>> = {
  invalid_client: 401,
  temporarily_unavailable: 503,
}

/** The provider's own errors keep their words to themselves; these say what to do. */
function errorFor({ code, message }: Refused): Error {
  const error = new errors.CustomOIDCProviderError(code, message)
  error.statusCode = STATUSES[code] ?? 400
  error.status = error.statusCode
  return error
}

/** RFC 6749 §5.2, WI9: a grant that a client may not use has an error of its own. */
async function saysUnauthorized(ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
  await next()
  const body: unknown = ctx.body
  if (ctx.path !== '/token' || typeof body !== 'object' || body === null) return
  if (!('error_description' in body) || body.error_description !== NOT_ALLOWED) return
  ctx.body = { ...body, error: 'unauthorized_client' }
}
const NOT_ALLOWED = 'requested grant type is not allowed for this client'
