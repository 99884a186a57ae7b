import type { JsonObject } from '@countersign/contract'
import type { DpopSession } from '@modelcontextprotocol/client'
import { calculateJwkThumbprint, importJWK, type JWK } from 'jose'
import { OWN_KEY_ALGORITHM } from './own-client.ts'
import { oauth } from './sdk.ts'
import { textAt } from './fields.ts'

/** Signs proofs with the key of one credential, and knows the last nonce of each origin (DP1). */
export type Prover = DpopSession

export interface Provers {
  readonly of: (privateJwk: JsonObject) => Promise<Prover>
}

/** Sessions are kept for their nonces; one that was dropped costs a round trip. */
const PROVERS_MAX = 1_000

export function makeProvers(): Provers {
  const known = new Map<string, Promise<Prover>>()
  return {
    of: (privateJwk) => {
      const name = textAt(privateJwk, 'x')
      const there = known.get(name)
      if (there) return there
      if (known.size >= PROVERS_MAX) known.clear()
      const made = open(privateJwk)
      known.set(name, made)
      return made
    },
  }
}

async function open(jwk: JsonObject): Promise<Prover> {
  const { d: _d, kid: _kid, ...publicJwk } = jwk as JWK
  const [privateKey, publicKey] = await Promise.all([
    importJWK(jwk as JWK, OWN_KEY_ALGORITHM, { extractable: false }),
    importJWK(publicJwk, OWN_KEY_ALGORITHM),
  ])
  if (privateKey instanceof Uint8Array || publicKey instanceof Uint8Array) {
    throw new TypeError('the key of a proof is not a pair')
  }
  const thumbprint = await calculateJwkThumbprint(publicJwk)
  const keyPair = { privateKey, publicKey, publicJwk, thumbprint, alg: OWN_KEY_ALGORITHM } as const
  const { DpopSession: session } = await oauth()
  return session.create({ keyPair })
}
