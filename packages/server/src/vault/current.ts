import { Fault } from '@countersign/contract'
import { Unfetched, type Principal } from '#auth'
import type { World } from '#base'
import type { Log } from '#telemetry'
import type { Cabinet, Credential } from './cabinet.ts'
import { unconnected, type Renewing } from './renew.ts'
import type { Known } from './round.ts'
import { oauth } from './sdk.ts'
import type { SingleFlight } from './single-flight.ts'

/** '' is the house itself. */
export const ownerOf = ({ auth }: Known, who: Principal): string =>
  auth.per === 'service' ? '' : who.id

export interface Holding {
  readonly world: World
  readonly log: Log
  readonly cabinet: Cabinet
  readonly renewing: Renewing
  readonly flights: SingleFlight<Credential>
}

/** A credential that is good now; renewed once, whoever else needs it. */
export async function current(
  holding: Holding,
  server: Known,
  who: Principal,
  owner: string,
): Promise<Credential> {
  const { world, cabinet } = holding
  const isGood: IsGood = (one) => one.status === 'connected' && dueAt(server, one) > world.now()
  const credential = await cabinet.find(server.id, owner)
  if (credential && isGood(credential)) return credential
  const isOver = (credential?.tokens.expiresAt ?? Infinity) <= world.now()
  try {
    return await renewed(holding, { server, who, owner }, isGood)
  } catch (thrown) {
    // Renewing can wait until the old one ends, unless its end is what came of it.
    const isLost = thrown instanceof Fault && thrown.code === 'upstream/unconnected'
    if (!credential || isOver || isLost || credential.status !== 'connected') {
      throw await explained(holding.log, server, thrown)
    }
    holding.log.warn({ server: server.id, cause: String(thrown) }, 'a credential was not renewed')
    return credential
  }
}

/** What cannot be renewed is shown until it ends. */
function dueAt({ auth }: Known, { tokens }: Credential): number {
  const { refreshToken, renewAt = Infinity, expiresAt = Infinity } = tokens
  const isRenewable = auth.grant !== 'authorization_code' || refreshToken !== undefined
  return isRenewable ? renewAt : expiresAt
}

export type IsGood = (one: Credential) => boolean

export interface Whose {
  readonly server: Known
  readonly who: Principal
  readonly owner: string
}

/** Renews what `isGood` does not take, at most once at a time for one owner of one server. */
export function renewed(
  { cabinet, renewing, flights }: Holding,
  { server, who, owner }: Whose,
  isGood: IsGood,
): Promise<Credential> {
  const look = async (): Promise<Credential | undefined> => {
    const there = await cabinet.find(server.id, owner)
    return there && isGood(there) ? there : undefined
  }
  return flights.once(JSON.stringify([server.id, owner]), look, async () => {
    const there = await cabinet.find(server.id, owner)
    if (server.auth.grant !== 'authorization_code') {
      const canRefresh = there?.status === 'connected' && there.tokens.refreshToken !== undefined
      return canRefresh
        ? renewing.refresh(server, there).catch(() => renewing.obtain(server, who, owner))
        : renewing.obtain(server, who, owner)
    }
    if (there?.status !== 'connected') throw unconnected(server.id)
    return renewing.refresh(server, there)
  })
}

const wordsOf = ({ cause }: Fault): string =>
  cause instanceof Error ? cause.message : JSON.stringify(cause)

/** What went wrong at an authorization server is told without what it said (SS8). */
export async function explained(log: Log, { id: server }: Known, thrown: unknown): Promise<Fault> {
  if (thrown instanceof Fault) {
    if (thrown.cause !== undefined) log.warn({ server, cause: wordsOf(thrown) }, thrown.message)
    return thrown
  }
  const { OAuthError } = await oauth()
  const what =
    thrown instanceof OAuthError && /^[a-z_]{1,60}$/.test(thrown.code)
      ? `refuses: ${thrown.code}`
      : thrown instanceof Unfetched
        ? 'cannot be reached'
        : 'does not answer as it should'
  const message = `The authorization server of ${server} ${what}.`
  // What it said may be anything: the code that it is allowed to be is in the message.
  if (!(thrown instanceof OAuthError)) log.warn({ server, cause: String(thrown) }, message)
  return new Fault('upstream/unavailable', message, { cause: thrown })
}
