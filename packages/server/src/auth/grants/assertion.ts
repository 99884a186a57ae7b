import { hash } from 'node:crypto'
import { own, type JsonObject } from '@countersign/contract'
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose'
import { textIn } from '../discover.ts'
import type { IssuerKeys } from '../issuer-keys.ts'
import { Unfetched } from '../safe-fetch.ts'
import type { GrantRooms } from './grant-rooms.ts'
import { badGrant, Refused } from './refused.ts'

/** More than any platform writes; read before anything is known of whoever sent it. */
const ASSERTION_CHARS_MAX = 16_384
/** Names of things in claims: they end up in the ledger and in tokens. */
export const CLAIM_CHARS_MAX = 255

/** What somebody shows to get a token, not believed yet. */
export interface Shown {
  readonly jwt: string
  readonly typ: string | undefined
  readonly claims: JsonObject
}

/** What an assertion has to be, to be one of an issuer. */
export interface Expected {
  readonly keys: IssuerKeys
  /** Undefined where `iss` means nothing (SPIFFE). */
  readonly issuer: string | undefined
  readonly algorithms: readonly string[]
  readonly audiences: readonly string[]
  readonly lifetimeMs: number
  readonly skewMs: number
  readonly required: readonly string[]
}

/** An assertion that is what it says. */
export interface Assertion {
  readonly claims: JsonObject
  readonly subject: string
  /** What it is used up under: its `jti`, else the digest of what is signed. */
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** Opens an assertion without believing it: enough to know whom to ask for the key. */
export function shownIn(jwt: string): Shown {
  if (jwt.length > ASSERTION_CHARS_MAX) throw badGrant('The assertion is too large.')
  try {
    const header = decodeProtectedHeader(jwt)
    const claims: JsonObject = JSON.parse(JSON.stringify(decodeJwt(jwt)))
    // Throws too where whoever wrote it put a number there.
    const typ = header.typ?.toLowerCase().replace(/^application\//, '')
    return { jwt, typ, claims }
  } catch (cause) {
    throw badGrant('The assertion is no JWT.', cause)
  }
}

/** RFC 7523 §3, with our clock and the rules of this issuer (WI2, WI8, AS29). */
export async function checkAssertion(
  { world, log }: Pick<GrantRooms, 'world' | 'log'>,
  { jwt }: Shown,
  expected: Expected,
): Promise<Assertion> {
  const now = world.now()
  try {
    const { payload } = await jwtVerify(jwt, expected.keys.keyFor, {
      algorithms: [...expected.algorithms],
      clockTolerance: expected.skewMs / 1_000,
      currentDate: new Date(now),
      requiredClaims: [...expected.required],
      ...(expected.issuer === undefined ? {} : { issuer: expected.issuer }),
    })
    const claims: JsonObject = JSON.parse(JSON.stringify(payload))
    checkAudience(own(claims, 'aud'), expected.audiences)
    const expiresAt = checkTimes(claims, now, expected)
    return { claims, subject: subjectOf(claims), id: idOf(claims, jwt), expiresAt }
  } catch (thrown) {
    if (thrown instanceof Refused) throw thrown
    if (thrown instanceof Unfetched) {
      log.warn({ issuer: expected.issuer, cause: thrown.message }, 'an issuer cannot be reached')
      // Not their fault: an `invalid_grant` would be final (WI9).
      const why = 'The keys of its issuer cannot be fetched now. Try again soon.'
      throw new Refused('temporarily_unavailable', why, { cause: thrown })
    }
    throw badGrant(wordsFor(thrown), thrown)
  }
}

/** For us and nobody else: whoever else it is for could show it here (CO3). */
function checkAudience(aud: unknown, ours: readonly string[]): void {
  const list: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  const isOurs = list.every((one) => typeof one === 'string' && ours.includes(one))
  if (list.length === 0 || !isOurs) throw badGrant(`Its audience must be ${ours.join(' or ')}.`)
}

function checkTimes(claims: JsonObject, now: number, { lifetimeMs, skewMs }: Expected): number {
  const expiresAt = Number(own(claims, 'exp')) * 1_000
  const iat = own(claims, 'iat')
  const issuedAt = typeof iat === 'number' ? iat * 1_000 : now
  if (issuedAt > now + skewMs) throw badGrant('It was issued in the future.')
  // Without `iat` what is left of it counts, which is never more.
  const slackMs = iat === undefined ? skewMs : 0
  if (!(expiresAt - issuedAt <= lifetimeMs + slackMs)) {
    throw badGrant(`It lives too long: at most ${String(lifetimeMs / 1_000)} s.`)
  }
  return expiresAt
}

function subjectOf(claims: JsonObject): string {
  const subject = textIn(claims, 'sub') ?? ''
  if (subject === '' || subject.length > CLAIM_CHARS_MAX || !subject.isWellFormed()) {
    throw badGrant('Its subject cannot be used here.')
  }
  return subject
}

/** Of what is signed, not of the whole: a signature may have more than one form. */
function idOf(claims: JsonObject, jwt: string): string {
  const jti = textIn(claims, 'jti')
  const named = jti !== undefined && jti !== '' && jti.length <= CLAIM_CHARS_MAX
  return named
    ? `jti ${jti}`
    : `of ${hash('sha256', jwt.slice(0, jwt.lastIndexOf('.')), 'base64url')}`
}

function wordsFor(thrown: unknown): string {
  if (thrown instanceof errors.JWTExpired) return 'It has expired.'
  if (thrown instanceof errors.JWTClaimValidationFailed) {
    return thrown.claim === 'nbf'
      ? 'It is not valid yet.'
      : `Its claim "${thrown.claim}" is missing, or not as it must be.`
  }
  if (thrown instanceof errors.JWKSNoMatchingKey) return 'It was signed with an unknown key.'
  if (thrown instanceof errors.JOSEAlgNotAllowed) return 'Its algorithm is not accepted.'
  return 'It is malformed, or its signature is wrong.'
}
