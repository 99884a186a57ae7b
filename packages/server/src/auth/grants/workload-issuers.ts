import { isObject, own } from '@countersign/contract'
import type { JWK } from 'jose'
import { textIn } from '../discover.ts'
import type { WorkloadIssuer, WorkloadRule } from '../embedded/settings.ts'
import { IssuerKeys } from '../issuer-keys.ts'
import { checkAssertion, type Assertion, type Shown } from './assertion.ts'
import type { GrantRooms, GrantSettings } from './grant-rooms.ts'
import { matchesRule } from './match.ts'
import { badGrant } from './refused.ts'

/** A program that its platform vouches for, and what it may have. */
export interface Workload {
  /** `workload:{name of the issuer}:{its subject there}`: names hold no colon, so no two share one. */
  readonly subject: string
  readonly settings: WorkloadIssuer
  readonly rule: WorkloadRule
  readonly assertion: Assertion
}

/** Finds out which program shows an assertion, by the rules of the platforms we trust (WI3). */
export class WorkloadIssuers {
  readonly #rooms: GrantRooms
  readonly #skewMs: number
  readonly #trusted: readonly Trusted[]

  constructor(rooms: GrantRooms, { workloads, skewMs }: GrantSettings) {
    this.#rooms = rooms
    this.#skewMs = skewMs
    this.#trusted = workloads.map((settings) => ({ settings, keys: keysOf(rooms, settings) }))
  }

  async identify(shown: Shown): Promise<Workload> {
    // Tokens for other purposes, of ours or of anybody: RFC 8725 §3.11.
    if (shown.typ !== undefined && shown.typ !== 'jwt' && shown.typ !== 'jose') {
      throw badGrant('An assertion of this type is not taken from programs.')
    }
    const { settings, keys } = this.#trustedFor(shown)
    const isSpiffe = settings.trustDomain !== undefined
    const { issuer, tokenEndpoint } = this.#rooms
    const assertion = await checkAssertion(this.#rooms, shown, {
      keys,
      issuer: settings.issuer,
      algorithms: settings.algorithms,
      audiences: [issuer, tokenEndpoint, ...settings.audiences],
      lifetimeMs: settings.lifetimeMs,
      skewMs: this.#skewMs,
      // What SPIRE issues has neither `iss` nor `jti` to rely on (WI11).
      required: isSpiffe ? ['sub', 'aud', 'exp'] : ['iss', 'sub', 'aud', 'exp', 'iat'],
    })
    const rule = settings.rules.find((one) => matchesRule(assertion.claims, one))
    if (!rule) throw badGrant('No rule lets this program in.')
    const subject = `workload:${settings.name}:${assertion.subject}`
    return { subject, settings, rule, assertion }
  }

  /** By `iss`; for SPIFFE by the trust domain of the subject alone. */
  #trustedFor({ claims }: Shown): Trusted {
    const domain = trustDomainOf(textIn(claims, 'sub') ?? '')
    const issuer = textIn(claims, 'iss')
    const found =
      this.#trusted.find(
        ({ settings }) => domain !== undefined && settings.trustDomain === domain,
      ) ?? this.#trusted.find(({ settings }) => issuer !== undefined && settings.issuer === issuer)
    if (!found) throw badGrant('It is from an issuer whose programs are not let in here.')
    return found
  }
}

interface Trusted {
  readonly settings: WorkloadIssuer
  readonly keys: IssuerKeys
}

function keysOf(rooms: GrantRooms, settings: WorkloadIssuer): IssuerKeys {
  const { name, issuer, jwksUri, reach, trustDomain } = settings
  return new IssuerKeys(rooms, {
    issuer: issuer ?? name,
    jwksUri,
    reach,
    ...(trustDomain === undefined ? {} : { meant: keysOfBundle }),
  })
}

/**
 * The keys for JWT-SVIDs of a SPIFFE bundle: JOSE does not know their `use`, and those for X.509 must
 * verify nothing (SPIFFE Trust Domain and Bundle §4.2).
 */
function keysOfBundle(keys: readonly JWK[]): JWK[] {
  return keys.flatMap((key) => {
    if (!isObject(key)) return []
    const use = own(key, 'use')
    if (use !== 'jwt-svid' && use !== 'sig') return []
    return [{ ...key, use: 'sig' }]
  })
}

/** SPIFFE ID §2: a trust domain, and a path of a workload in it. */
const SPIFFE_ID = /^spiffe:\/\/([a-z0-9._-]+)((?:\/[A-Za-z0-9._-]+)+)$/

/** The trust domain of a SPIFFE ID of a workload; undefined for anything else. */
function trustDomainOf(subject: string): string | undefined {
  const [, domain, path = ''] = SPIFFE_ID.exec(subject) ?? []
  return path.split('/').some((part) => part === '.' || part === '..') ? undefined : domain
}
