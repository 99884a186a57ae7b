import { Fault, own, type JsonObject } from '@countersign/contract'
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose'
import { textIn } from './discover.ts'
import { ALGORITHMS } from './settings.ts'

/** What a proof has to fit (RFC 9449 §4.3), whatever it goes with. */
export interface ExpectedAnywhere {
  readonly method: string
  readonly url: string
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Says whether a nonce is one of ours; undefined where none is asked for. */
  readonly knowsNonce: ((nonce: string) => boolean) | undefined
}

/** What a proof has to fit that goes with a token. */
export interface Expected extends ExpectedAnywhere {
  /** The digest of the token that it goes with. */
  readonly ath: string
  /** The thumbprint of the key that the token is bound to. */
  readonly jkt: string
}

/** A proof that is right, and must not be seen again until it would be too old anyway. */
export interface Proven {
  readonly jti: string
  readonly until: number
}

/** How far the time of a proof may be from ours, in both directions. */
export const PROOF_MS = 5 * 60_000
const PROOF_CHARS_MAX = 8_192
const JTI_CHARS_MAX = 512

const wrong = (why: string, cause?: unknown): Fault =>
  new Fault('auth/proof', why, cause === undefined ? {} : { cause })

/** Checks one proof of possession, all but whether it was seen before. */
export async function checkProof(headers: readonly string[], expected: Expected): Promise<Proven> {
  const { jkt, claims, ...proven } = await openProof(headers, expected)
  if (jkt !== expected.jkt) throw wrong('The token is bound to another key.')
  if (textIn(claims, 'ath') !== expected.ath) throw wrong('The proof is for another token.')
  return proven
}

/** Checks one proof that goes with no token yet: whose key it is of, is for the caller to judge. */
export async function openProof(
  headers: readonly string[],
  expected: ExpectedAnywhere,
): Promise<Proven & Opened> {
  const { claims, jkt } = await opened(onlyOne(headers), expected.now)
  if (textIn(claims, 'htm') !== expected.method) throw wrong('The proof is for another method.')
  if (!isSameUrl(textIn(claims, 'htu'), expected.url)) throw wrong('The proof is for another URL.')
  const jti = textIn(claims, 'jti') ?? ''
  if (jti === '' || jti.length > JTI_CHARS_MAX) throw wrong('The proof has no usable jti.')
  const iatMs = Number(own(claims, 'iat')) * 1_000
  if (!(Math.abs(expected.now - iatMs) <= PROOF_MS)) throw wrong('The proof is not of this time.')
  checkNonce(textIn(claims, 'nonce'), expected)
  return { jti, until: iatMs + PROOF_MS, claims, jkt }
}

function onlyOne(headers: readonly string[]): string {
  const [proof] = headers
  if (proof === undefined) throw wrong('A DPoP token needs a DPoP proof.')
  if (headers.length > 1 || proof.includes(',')) throw wrong('More than one DPoP proof.')
  if (proof.length > PROOF_CHARS_MAX) throw wrong('The DPoP proof is too large.')
  return proof
}

interface Opened {
  readonly claims: JsonObject
  readonly jkt: string
}

async function opened(proof: string, now: number): Promise<Opened> {
  try {
    // The key is in the proof; what makes it anybody's is that the token names it.
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: [...ALGORITHMS],
      currentDate: new Date(now),
      requiredClaims: ['jti', 'htm', 'htu', 'iat'],
    })
    const { jwk } = protectedHeader
    if (!jwk) throw wrong('The proof names no key.')
    const claims: JsonObject = JSON.parse(JSON.stringify(payload))
    return { claims, jkt: await calculateJwkThumbprint(jwk, 'sha256') }
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown
    throw wrong('The DPoP proof is malformed, or its signature is wrong.', thrown)
  }
}

function checkNonce(nonce: string | undefined, { knowsNonce }: ExpectedAnywhere): void {
  if (!knowsNonce) return
  if (nonce === undefined) throw new Fault('auth/nonce', 'Repeat the nonce of DPoP-Nonce.')
  if (!knowsNonce(nonce)) throw new Fault('auth/nonce', 'This nonce is too old. Take the new one.')
}

/** RFC 9449 §4.3: without query and fragment, after the normalization of RFC 3986. */
function isSameUrl(htu: string | undefined, url: string): boolean {
  return htu !== undefined && URL.canParse(htu) && bare(htu) === bare(url)
}

function bare(url: string): string {
  const parsed = new URL(url)
  parsed.search = ''
  parsed.hash = ''
  return parsed.href
}
