import { isObject, own } from '@countersign/contract'
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWK, type JWTVerifyGetKey } from 'jose'
import type { World } from '#base'
import { discover, type IssuerMetadata } from './discover.ts'
import { Kept, type KeptTimes } from './kept.ts'
import { Unfetched, type SafeFetch } from './safe-fetch.ts'
import type { Reach } from './settings.ts'

const MINUTE_MS = 60_000
/** Keys are asked for again after this; a key that was withdrawn is believed no longer. */
const TIMES: KeptTimes = { freshMs: 10 * MINUTE_MS, staleMs: 60 * MINUTE_MS, pauseMs: 30_000 }

/** Whose keys, and where they are. */
export interface KeySource {
  /** As it stands in its metadata; for the log where it has none. */
  readonly issuer: string
  /** Default: what its metadata says. */
  readonly jwksUri?: string | undefined
  readonly reach: Reach
  /** Which of the published keys are meant for what we check, as JOSE knows them. */
  readonly meant?: (keys: readonly JWK[]) => JWK[]
}

/** What an issuer says of itself, and its keys: fetched once for all who wait, and again in time. */
export class IssuerKeys {
  readonly metadata: Kept<IssuerMetadata>
  readonly #source: KeySource
  readonly #safeFetch: SafeFetch
  readonly #keys: Kept<JWTVerifyGetKey>

  constructor(rooms: { readonly world: World; readonly safeFetch: SafeFetch }, source: KeySource) {
    this.#source = source
    this.#safeFetch = rooms.safeFetch
    this.metadata = new Kept(rooms.world, TIMES, () => discover(rooms.safeFetch, source))
    this.#keys = new Kept(rooms.world, TIMES, () => this.#load())
  }

  /** A key we do not know may be a new one: then, and not too often, all are fetched again. */
  readonly keyFor: JWTVerifyGetKey = async (header, token) => {
    const keys = await this.#keys.get()
    try {
      return await keys(header, token)
    } catch (thrown) {
      if (!(thrown instanceof errors.JWKSNoMatchingKey)) throw thrown
      const renewed = await this.#keys.renew()
      if (renewed === keys) throw thrown
      return renewed(header, token)
    }
  }

  async #load(): Promise<JWTVerifyGetKey> {
    const { issuer, reach, meant } = this.#source
    const url = this.#source.jwksUri ?? (await this.metadata.get()).jwksUri
    if (url === undefined) throw new Unfetched(`${issuer} names no keys`)
    const { status, json } = await this.#safeFetch.ask({ url, reach })
    if (status !== 200 || !isKeySet(json)) {
      throw new Unfetched(`${url} answers ${String(status)}, and no keys`)
    }
    return createLocalJWKSet(meant ? { keys: meant(json.keys) } : json)
  }
}

const isKeySet = (json: unknown): json is JSONWebKeySet =>
  isObject(json) && Array.isArray(own(json, 'keys'))
