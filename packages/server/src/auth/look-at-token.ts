import { isObject, toFault, type JsonObject } from '@countersign/contract'
import type { World } from '#base'
import { silentLog } from '#telemetry'
import { Issuer } from './issuer.ts'
import type { SafeFetch } from './safe-fetch.ts'
import type { IssuerSettings } from './settings.ts'
import { tokenDigest } from './tokens.ts'

/** A JWT as it is written, believed in nothing. */
export interface Unbelieved {
  readonly header: JsonObject
  readonly claims: JsonObject
}

/** What a JWT says; undefined for what is none. */
export function lookAtToken(token: string): Unbelieved | undefined {
  const parts = token.split('.')
  const [header, claims] = parts.map(jsonIn)
  return parts.length === 3 && header && claims ? { header, claims } : undefined
}

function jsonIn(part: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

export interface TokenTrial {
  readonly world: World
  readonly safeFetch: SafeFetch
  readonly settings: IssuerSettings
  readonly skewMs: number
}

/** What is wrong with a token of this issuer, in the words that a caller is told; undefined: nothing. */
export async function refusalOf(
  { world, safeFetch, settings, skewMs }: TokenTrial,
  token: string,
): Promise<string | undefined> {
  try {
    const issuer = new Issuer({ world, safeFetch, log: silentLog }, settings)
    await issuer.verify(token, tokenDigest(token), skewMs)
    return undefined
  } catch (thrown) {
    return toFault(thrown).message
  }
}
