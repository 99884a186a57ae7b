import { hash } from 'node:crypto'
import { Fault } from '@countersign/contract'
import type { JWTVerifyGetKey } from 'jose'
import type { ClassEpochs } from './class-epochs.ts'
import { tokenFault, type Grant } from './grant.ts'
import { introspect } from './introspect.ts'
import { claimedIssuer, Issuer, type IssuerRooms } from './issuer.ts'
import type { AuthSettings, IssuerSettings } from './settings.ts'

/** Verified tokens in memory; each costs about a kilobyte. */
const KNOWN_MAX = 10_000
/** However long a token lives, it is looked at again after this: its key may have been withdrawn. */
const KNOWN_MS = 5 * 60_000
/** What was introspected may have been revoked meanwhile, which is what introspection is for. */
const INTROSPECTED_MS = 30_000
/** A token that is not active costs its issuer no more than one question in this time. */
const REFUSED_MS = 5_000
const REFUSED_MAX = 10_000
/** Questions to issuers at one time. */
const ASKING_MAX = 64

/** The digest of a token: the key it is remembered by, and what a proof says of it (RFC 9449 `ath`). */
export const tokenDigest = (token: string): string => hash('sha256', token, 'base64url')

interface Remembered<Value> {
  readonly is: Value
  /** Milliseconds since the epoch. */
  readonly until: number
}

/** Finds out what a token says, and remembers it: one shown again costs a digest and a look-up. */
export class Tokens {
  readonly #rooms: IssuerRooms
  readonly #epochs: ClassEpochs
  readonly #skewMs: number
  readonly #issuers: Map<string, Issuer>
  readonly #introspecting: Issuer | undefined
  readonly #known = new Map<string, Remembered<Grant>>()
  readonly #refused = new Map<string, Remembered<Fault>>()
  readonly #reading = new Map<string, Promise<Grant>>()
  #asking = 0

  constructor(rooms: IssuerRooms, epochs: ClassEpochs, { issuers, skewMs }: AuthSettings) {
    this.#rooms = rooms
    this.#epochs = epochs
    this.#skewMs = skewMs
    this.#issuers = new Map(issuers.map((one) => [one.issuer, new Issuer(rooms, one)]))
    this.#introspecting = [...this.#issuers.values()].find(
      ({ settings }) => settings.introspection !== undefined,
    )
  }

  /** One more issuer, whose keys are known here: ourselves. */
  admit(settings: IssuerSettings, keyFor: JWTVerifyGetKey): void {
    this.#issuers.set(settings.issuer, new Issuer(this.#rooms, settings, keyFor))
  }

  read(token: string, digest: string): Grant | Promise<Grant> {
    const now = this.#rooms.world.now()
    const known = this.#known.get(digest)
    if (known && known.until > now) return known.is
    const refused = this.#refused.get(digest)
    if (refused && refused.until > now) throw refused.is
    const underWay = this.#reading.get(digest)
    if (underWay) return underWay
    const reading = this.#read(token, digest).finally(() => this.#reading.delete(digest))
    this.#reading.set(digest, reading)
    return reading
  }

  async #read(token: string, digest: string): Promise<Grant> {
    const { world } = this.#rooms
    try {
      const claimed = claimedIssuer(token)
      const said =
        claimed === undefined
          ? await this.#introspect(this.#introspecting, token, digest)
          : await this.#verify(claimed, token, digest)
      const grant = { ...said, epochs: await this.#epochs.of(said) }
      const isAsked = claimed === undefined || grant.settings.introspection?.always === true
      const forMs = isAsked ? INTROSPECTED_MS : KNOWN_MS
      const until = Math.min(grant.expiresAt + this.#skewMs, world.now() + forMs)
      remember(this.#known, digest, { is: grant, until }, KNOWN_MAX)
      return grant
    } catch (thrown) {
      if (thrown instanceof Fault && thrown.code === 'auth/token') {
        const until = world.now() + REFUSED_MS
        remember(this.#refused, digest, { is: thrown, until }, REFUSED_MAX)
      }
      throw thrown
    }
  }

  async #verify(claimed: string, token: string, digest: string): Promise<Grant> {
    const issuer = this.#issuers.get(claimed)
    if (!issuer) throw tokenFault('It is from an issuer whose tokens are not taken here.')
    const grant = await issuer.verify(token, digest, this.#skewMs)
    if (issuer.settings.introspection?.always === true) {
      await this.#introspect(issuer, token, digest)
    }
    return grant
  }

  async #introspect(issuer: Issuer | undefined, token: string, digest: string): Promise<Grant> {
    if (!issuer) throw tokenFault('It is not understood here.')
    if (this.#asking >= ASKING_MAX) {
      throw new Fault('http/busy', 'Too many tokens are being asked about. Try again soon.')
    }
    this.#asking++
    try {
      return await introspect(this.#rooms, issuer, token, digest)
    } finally {
      this.#asking--
    }
  }
}

/** The oldest makes room. */
function remember<Value>(
  known: Map<string, Remembered<Value>>,
  digest: string,
  one: Remembered<Value>,
  max: number,
): void {
  known.delete(digest)
  known.set(digest, one)
  if (known.size <= max) return
  const [oldest] = known.keys()
  if (oldest !== undefined) known.delete(oldest)
}
