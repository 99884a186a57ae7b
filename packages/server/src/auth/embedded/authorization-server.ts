import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JsonObject } from '@countersign/contract'
import { jwtVerify, type JWTVerifyGetKey } from 'jose'
import { Provider } from 'oidc-provider'
import { foldNotes, type FoldedNotes } from '#audit'
import { makeSafeFetch } from '../safe-fetch.ts'
import type { IssuerSettings } from '../settings.ts'
import { keptClients, type Clients } from './clients.ts'
import { configurationOf, type Made } from './configuration.ts'
import { keepConsents } from './consents.ts'
import { issueToken } from './issue-token.ts'
import { metadataClientRules } from './metadata-clients.ts'
import { noteTokens } from './note-tokens.ts'
import type { AuthorizationRooms, GrantHelpers } from './rooms.ts'
import { revokeTokens } from './revoke-tokens.ts'
import { OAUTH_PATH, serveProvider } from './serve-provider.ts'
import type { EmbeddedSettings } from './settings.ts'
import { openSigningKeys, SIGNING_ALGORITHM, type SigningKeys } from './signing-keys.ts'
import { tokenProofs } from './token-proof.ts'

/** Of each kind, in a minute: nobody can flood the ledger with what they are refused. */
const NOTES_MAX = 60

/** The embedded authorization server, open. */
export interface AuthorizationServer {
  readonly issuer: string
  /** As whoever takes its tokens has to know it. */
  readonly settings: IssuerSettings
  /** Its keys, for verifying at home. */
  readonly publicKeys: JWTVerifyGetKey
  readonly clients: Clients
  readonly rotateKeys: SigningKeys['rotate']
  /** The provider as it is made now. */
  readonly provider: () => Provider
  /** Answers whatever `isOauthPath`. */
  readonly answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>
  readonly close: () => Promise<void>
}

/** Origin: the public one, from the configuration; never what a request says (RFC 9700 §4.13). */
export async function openAuthorizationServer(
  rooms: AuthorizationRooms,
  settings: EmbeddedSettings,
  { origin, dpopNonces }: { readonly origin: string; readonly dpopNonces: boolean },
): Promise<AuthorizationServer> {
  const issuer = `${origin}${OAUTH_PATH}`
  const keys = await openSigningKeys(rooms, settings.accessTokenMs)
  const made = makeOnce(rooms, settings, { issuer, dpopNonces, keys })
  const notes = foldNotes(rooms.world, rooms.ledger, NOTES_MAX)
  const make = (): Live => makeLive(made, notes)
  let live = make()
  const answer = serveProvider(made, async () => {
    // Its keys are not what they were: the next request finds a provider with the new ones.
    if (await keys.look()) live = make()
    return live
  })
  return {
    issuer,
    settings: issuerSettings(issuer, settings),
    publicKeys: keys.verify,
    clients: made.clients,
    rotateKeys: async () => {
      const rotated = await keys.rotate()
      live = make()
      return rotated
    },
    provider: () => live.provider,
    answer,
    close: async () => {
      await notes.close()
      await rooms.extension?.close()
      await made.safeFetch.close()
    },
  }
}

type Known = Pick<Made, 'issuer' | 'dpopNonces' | 'keys'>

function makeOnce(rooms: AuthorizationRooms, settings: EmbeddedSettings, known: Known): Made {
  const { world, log, people, records, seal, protected: protectedOnes } = rooms
  const clients = keptClients(records, seal)
  return {
    ...known,
    rooms,
    settings,
    clients,
    consents: keepConsents({ ...rooms, issuer: known.issuer }),
    resources: {
      protectedOnes,
      accessTokenMs: settings.accessTokenMs,
      kid: () => known.keys.keys()[0]?.kid ?? '',
      accessOf: clients.accessOf,
    },
    safeFetch: makeSafeFetch(world, rooms.resolve),
    toCome: new WeakMap(),
    metadataRules: metadataClientRules({ world, log, people }, settings.metadataClients),
  }
}

function makeLive(made: Made, notes: FoldedNotes): Live {
  const { rooms, issuer } = made
  const { log, revocations } = rooms
  const provider = new Provider(issuer, configurationOf(made))
  // What a proxy says is overwritten before it is read, so this believes nobody but us.
  provider.proxy = true
  // Otherwise Koa would write it to standard error by itself.
  const app: NodeJS.EventEmitter = provider
  app.on('error', (thrown: unknown) => {
    log.error({ cause: String(thrown) }, 'the authorization server failed')
  })
  revokeTokens(provider, rooms, ownToken(made))
  noteTokens(provider, { log, notes, revocations })
  rooms.extension?.extend(provider, helpersFor(made, provider, notes))
  return { provider, interact: rooms.interactions(provider), handle: provider.callback() }
}

/** One provider and what was made for it. */
export interface Live {
  readonly provider: Provider
  readonly interact: ReturnType<AuthorizationRooms['interactions']>
  readonly handle: ReturnType<Provider['callback']>
}

const issuerSettings = (issuer: string, { dpop }: EmbeddedSettings): IssuerSettings => ({
  issuer,
  algorithms: [SIGNING_ALGORITHM],
  tokenType: 'at+jwt',
  scopesClaim: 'scope',
  clientClaim: 'client_id',
  dpop,
  stepUp: 'tool',
  classes: 'claimed',
  reach: 'loopback',
})

function helpersFor(made: Made, provider: Provider, notes: FoldedNotes): GrantHelpers {
  const { issuer, resources, toCome, rooms, dpopNonces } = made
  const tokenEndpoint = `${issuer}/token`
  return {
    issuer,
    tokenEndpoint,
    issue: (ctx, wanted) => issueToken(provider, ctx, wanted, { resources, toCome }),
    prove: tokenProofs(rooms, tokenEndpoint, dpopNonces),
    ownToken: ownToken(made),
    note: notes.note,
  }
}

/** The claims of an access token of ours that is still good, or undefined. */
const ownToken =
  ({ issuer, keys, rooms }: Made) =>
  async (token: string): Promise<JsonObject | undefined> => {
    try {
      const { payload } = await jwtVerify(token, keys.verify, {
        issuer,
        typ: 'at+jwt',
        algorithms: [SIGNING_ALGORITHM],
        currentDate: new Date(rooms.world.now()),
      })
      const claims: JsonObject = JSON.parse(JSON.stringify(payload))
      return claims
    } catch {
      return undefined // Not ours, or over: the caller treats both alike.
    }
  }
