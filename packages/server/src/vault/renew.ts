import { Fault } from '@countersign/contract'
import type { Principal } from '#auth'
import type { World } from '#base'
import type { Log } from '#telemetry'
import { askTokens, insist, tokensFrom } from './ask-tokens.ts'
import type { Cabinet, Credential } from './cabinet.ts'
import { SILENT_GRANTS } from './grants.ts'
import { makeJwk } from './own-client.ts'
import type { Provers } from './proofs.ts'
import type { Registrar } from './registration.ts'
import type { Known, Round, Rounds } from './round.ts'
import { oauth } from './sdk.ts'
import type { Identities } from './settings.ts'
import type { Note } from './notes.ts'

/** How tokens come about without anybody being asked. */
export interface Renewing {
  readonly refresh: (server: Known, credential: Credential) => Promise<Credential>
  readonly obtain: (server: Known, who: Principal, owner: string) => Promise<Credential>
}

export interface RenewingRooms {
  readonly world: World
  readonly log: Log
  readonly cabinet: Cabinet
  readonly rounds: Rounds
  readonly registrar: Registrar
  readonly provers: Provers
  readonly identities: Identities
  readonly note: Note
}

export function makeRenewing(rooms: RenewingRooms): Renewing {
  const { world, cabinet, rounds, provers, identities, note } = rooms
  return {
    refresh: async (server, credential) => {
      const { tokens, issuer, resource } = credential
      const { refreshToken, dpopKey, clientId, scopes } = tokens
      if (refreshToken === undefined) throw await lost(rooms, credential, 'it ended')
      const { client, metadata, fetchFn } = await rounds.follow(server, issuer)
      // A refresh token is good for the client it was given to, and for no other.
      if (client.information.client_id !== clientId) {
        throw await lost(rooms, credential, 'we are another client there now')
      }
      const params = new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: refreshToken,
      })
      const prover = dpopKey && (await provers.of(dpopKey))
      const asking = { issuer, metadata, resource, client, params, prover, fetchFn }
      const answer = await askTokens(asking).catch(async (cause: unknown) => {
        throw await afterRefusal(rooms, credential, client.isRegistered, cause)
      })
      const had = { now: world.now(), clientId, scopes, dpopKey, refreshToken }
      // Written before anybody uses it: the old refresh token is worth nothing any more.
      const now = await cabinet.renew(credential, insist(server, tokensFrom(answer, had)))
      if (!now) throw unconnected(server.id)
      note('credential.renewed', now)
      return now
    },
    obtain: async (server, who, owner) => {
      const { grant } = server.auth
      if (grant === 'authorization_code') throw unconnected(server.id)
      const round = await rounds.start(server, owner, [])
      const dpopKey = round.isBound ? await makeJwk() : undefined
      const prover = dpopKey && (await provers.of(dpopKey))
      const params = await SILENT_GRANTS[grant](round, who, { world, identities })
      const answer = await askTokens({ ...round, params, prover })
      const clientId = round.client.information.client_id
      const had = { now: world.now(), clientId, scopes: round.scopes, dpopKey }
      const tokens = insist(server, tokensFrom(answer, { ...had, refreshToken: undefined }))
      const now = await cabinet.keep(placeOf(round, owner), tokens)
      note('credential.obtained', now)
      return now
    },
  }
}

const placeOf = ({ server, issuer, resource }: Round, owner: string) => ({
  server: server.id,
  owner,
  issuer,
  resource,
})

/** The codes after which a refresh token is never good again; the rest may pass (RFC 6749 §5.2). */
const OVER = new Set([
  'invalid_grant',
  'invalid_dpop_proof',
  'invalid_client',
  'unauthorized_client',
])

async function afterRefusal(
  rooms: RenewingRooms,
  credential: Credential,
  isRegistered: boolean,
  cause: unknown,
): Promise<unknown> {
  const { OAuthError } = await oauth()
  if (!(cause instanceof OAuthError) || !OVER.has(cause.code)) return cause
  // The issuer forgot the client: the next round registers anew.
  if (cause.code.endsWith('client') && isRegistered) await rooms.registrar.forget(credential.issuer)
  return lost(rooms, credential, cause.code)
}

/** Somebody has to connect again. Whoever wrote the row meanwhile knows better. */
export async function lost(
  { cabinet, note, log }: Pick<RenewingRooms, 'cabinet' | 'note' | 'log'>,
  credential: Credential,
  why: string,
): Promise<Fault> {
  const { server, issuer } = credential
  if (await cabinet.mark(credential, 'reconnect_required')) {
    log.warn({ server, issuer, why }, 'a credential is of no more use')
    note('credential.lost', credential)
  }
  return unconnected(server)
}

export const unconnected = (server: string, scopes: readonly string[] = []): Fault =>
  new Fault(
    'upstream/unconnected',
    scopes.length === 0
      ? `The server ${server} is not connected. Somebody has to connect an account there first.`
      : `The server ${server} asks for more than it was given. Its account has to be connected again.`,
    { data: { server, scopes: [...scopes] } },
  )
