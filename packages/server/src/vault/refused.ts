import type { Principal } from '#auth'
import { challengeOf, unionOf, type Challenge } from './challenge.ts'
import { explained, renewed, type Holding, type IsGood, type Whose } from './current.ts'
import type { Credential } from './cabinet.ts'
import type { Ears } from './heard.ts'
import { fingerprintOf, type Note } from './notes.ts'
import type { Showing, Showings } from './present.ts'
import { lost, unconnected } from './renew.ts'
import type { Rounds } from './round.ts'
import type { Refusal, Vault } from './vault.ts'

interface Rooms extends Holding {
  readonly ears: Ears
  readonly rounds: Rounds
  readonly note: Note
  readonly showings: Showings
}

/** After this many in a row that changed nothing, a refusal is final (OC14). */
const STEP_UPS_MAX = 3
const REFUSALS_MAX = 3
const REFUSALS_MS = 60_000
/** Owners whose refusals are counted at one time. */
const COUNTED_MAX = 10_000

/** What to do after a server refused what was shown. */
export function makeRefused(rooms: Rooms): Vault['refused'] {
  const { world, cabinet, ears, showings } = rooms
  const isTooOften = counter(() => world.monotonic())
  return async (id, who, shown, refusal) => {
    const showing = showings.get(shown)
    if (showing?.server.id !== id) return false
    const { server, owner, token } = showing
    const challenge = challengeOf(refusal)
    if (hearNonce(showing, refusal, challenge)) return true
    const credential = await cabinet.find(id, owner)
    if (!credential) throw unconnected(id)
    const isOther = fingerprintOf(credential.tokens.accessToken) !== token
    if (isOther && credential.status === 'connected') return true
    try {
      if (refusal.status === 403) return await stepUp(rooms, showing, who, challenge)
      if (isTooOften(JSON.stringify([id, owner]), token)) return false
      await ears.hear(id, owner, challenge)
      return await replace(rooms, { server, who, owner }, credential)
    } catch (thrown) {
      throw await explained(rooms.log, server, thrown)
    }
  }
}

/** True when the nonce that came along is all that was missing (RFC 9449 §9). */
function hearNonce(
  { prover, url }: Showing,
  { status, nonce }: Refusal,
  { error }: Challenge,
): boolean {
  if (!prover || nonce === undefined) return false
  prover.rememberNonce(url, nonce)
  return status === 401 && error === 'use_dpop_nonce'
}

/** More than the token has is needed: of the issuer where nobody is asked, else of a person (OC14). */
async function stepUp(
  rooms: Rooms,
  { server, owner, token }: Showing,
  who: Principal,
  challenge: Challenge,
): Promise<boolean> {
  const { cabinet, ears } = rooms
  if (challenge.error !== 'insufficient_scope') return false
  const credential = await cabinet.find(server.id, owner)
  const before = unionOf(credential?.tokens.scopes ?? [])
  const { scopes, stepUps } = await ears.hear(server.id, owner, challenge, before)
  if (stepUps > STEP_UPS_MAX) return false
  if (server.auth.grant === 'authorization_code') throw unconnected(server.id, scopes)
  await obtainAnew(rooms, { server, who, owner }, token)
  return true
}

/** The token is not taken any longer: another one, from whichever issuer the server names now. */
async function replace(rooms: Rooms, whose: Whose, credential: Credential): Promise<boolean> {
  const { server, owner } = whose
  const token = fingerprintOf(credential.tokens.accessToken)
  const found = await rooms.rounds.where(server, owner)
  const isSame = found.issuer === credential.issuer && found.resource === credential.resource
  if (server.auth.grant !== 'authorization_code') {
    await obtainAnew(rooms, whose, token)
    return true
  }
  // What another issuer gave is not shown to this one, nor refreshed there (OC5).
  if (!isSame) throw await lost(rooms, credential, 'another authorization server')
  await renewed(rooms, whose, isOtherThan(token))
  return true
}

async function obtainAnew(rooms: Rooms, whose: Whose, token: string): Promise<void> {
  const { flights, cabinet, renewing } = rooms
  const { server, who, owner } = whose
  const isGood = isOtherThan(token)
  const look = async (): Promise<Credential | undefined> => {
    const there = await cabinet.find(server.id, owner)
    return there && isGood(there) ? there : undefined
  }
  const key = JSON.stringify([server.id, owner])
  await flights.once(key, look, () => renewing.obtain(server, who, owner))
}

const isOtherThan =
  (token: string): IsGood =>
  (one) =>
    one.status === 'connected' && fingerprintOf(one.tokens.accessToken) !== token

/**
 * Whether too many tokens of one owner were refused of late: an issuer whose fresh tokens are refused
 * is not asked for ever. Many requests that notice one token are one.
 */
function counter(now: () => number): (key: string, token: string) => boolean {
  const counts = new Map<string, { since: number; readonly tokens: Set<string> }>()
  return (key, token) => {
    const known = counts.get(key)
    if (known && now() - known.since <= REFUSALS_MS) {
      known.tokens.add(token)
      return known.tokens.size > REFUSALS_MAX
    }
    if (counts.size >= COUNTED_MAX) counts.clear()
    counts.set(key, { since: now(), tokens: new Set([token]) })
    return false
  }
}
