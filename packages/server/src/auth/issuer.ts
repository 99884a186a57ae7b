import { Fault, own, type JsonObject } from '@countersign/contract'
import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  jwtVerify,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from 'jose'
import type { World } from '#base'
import type { Log } from '#telemetry'
import type { IssuerMetadata } from './discover.ts'
import { grantOf, tokenFault, type Grant } from './grant.ts'
import { IssuerKeys } from './issuer-keys.ts'
import type { Kept } from './kept.ts'
import { Unfetched, type SafeFetch } from './safe-fetch.ts'
import type { IssuerSettings } from './settings.ts'

export interface IssuerRooms {
  readonly world: World
  readonly log: Log
  readonly safeFetch: SafeFetch
}

/** One issuer: what it says of itself, and its keys. */
export class Issuer {
  readonly settings: IssuerSettings
  readonly metadata: Kept<IssuerMetadata>
  readonly #keyFor: JWTVerifyGetKey
  readonly #rooms: IssuerRooms

  /** `keyFor`: where its keys are known already, because they are ours. */
  constructor(rooms: IssuerRooms, settings: IssuerSettings, keyFor?: JWTVerifyGetKey) {
    const keys = new IssuerKeys(rooms, settings)
    this.settings = settings
    this.#rooms = rooms
    this.#keyFor = keyFor ?? keys.keyFor
    this.metadata = keys.metadata
  }

  /** RFC 9068 §4, with our clock and the algorithms of this issuer. */
  async verify(token: string, digest: string, skewMs: number): Promise<Grant> {
    const { settings } = this
    const now = this.#rooms.world.now()
    const options: JWTVerifyOptions = {
      issuer: settings.issuer,
      algorithms: [...settings.algorithms],
      clockTolerance: skewMs / 1_000,
      currentDate: new Date(now),
      requiredClaims: settings.tokenType === 'at+jwt' ? RFC_9068 : ['aud', 'exp', 'sub'],
      ...(settings.tokenType === 'at+jwt' ? { typ: 'at+jwt' } : {}),
    }
    try {
      // Inside: a stranger may have written a number as its type.
      if (settings.tokenType === 'jwt') refuseOtherTypes(token)
      const { payload } = await jwtVerify(token, this.#keyFor, options)
      const claims: JsonObject = JSON.parse(JSON.stringify(payload))
      const iat = own(claims, 'iat')
      if (typeof iat === 'number' && iat * 1_000 > now + skewMs) {
        throw tokenFault('It was issued in the future.')
      }
      return grantOf(settings, claims, digest)
    } catch (thrown) {
      throw this.#faultOf(thrown)
    }
  }

  #faultOf(thrown: unknown): Fault {
    if (thrown instanceof Fault) return thrown
    if (thrown instanceof Unfetched) {
      const { issuer } = this.settings
      this.#rooms.log.warn({ issuer, cause: thrown.message }, 'an issuer cannot be reached')
      return unreachable(thrown)
    }
    if (thrown instanceof errors.JOSEError) return tokenFault(wordsFor(thrown), thrown)
    // What WebCrypto says of a key that does not fit.
    return tokenFault('Its signature cannot be checked.', thrown)
  }
}

const RFC_9068 = ['aud', 'exp', 'sub', 'client_id', 'iat', 'jti']

export const unreachable = (cause: unknown): Fault =>
  new Fault('auth/unavailable', 'The issuer of this token cannot be reached. Try again soon.', {
    cause,
  })

/** Servers before RFC 9068 write `JWT` or nothing; what says that it is something else, is. */
function refuseOtherTypes(token: string): void {
  const typ = decodeProtectedHeader(token)
    .typ?.toLowerCase()
    .replace(/^application\//, '')
  if (typ !== undefined && typ !== 'jwt' && typ !== 'at+jwt') {
    throw tokenFault('This is no access token.')
  }
}

/** In words that help whoever set it up, and tell a stranger nothing. */
function wordsFor(thrown: errors.JOSEError): string {
  if (thrown instanceof errors.JWTExpired) return 'It has expired.'
  if (thrown instanceof errors.JWTClaimValidationFailed) {
    if (thrown.claim === 'nbf') return 'It is not valid yet.'
    return thrown.claim === 'typ'
      ? 'This is no access token.'
      : `Its claim "${thrown.claim}" is not as it must be.`
  }
  if (thrown instanceof errors.JWKSNoMatchingKey) return 'It was signed with an unknown key.'
  if (thrown instanceof errors.JOSEAlgNotAllowed) return 'Its algorithm is not accepted.'
  return 'It is malformed, or its signature is wrong.'
}

/** Who a JWT says it is from, unverified; undefined for what is no JWT. */
export function claimedIssuer(token: string): string | undefined {
  try {
    decodeProtectedHeader(token)
    return decodeJwt(token).iss ?? ''
  } catch {
    return undefined
  }
}
