import { Fault } from '@countersign/contract'
import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import { digestOf, type Seal, type World } from '#base'
import type { Records } from '#store'
import { openProof, PROOF_MS } from '../proof.ts'

const NONCE = 'oauth dpop nonce'
const SPENT = 'oauth.Proof'

export interface ProofRooms {
  readonly world: World
  readonly records: Records
  readonly seal: Seal
}

/**
 * The key that the proof with a token request proves (RFC 9449 §5), for grants that are no part of the
 * provider; undefined without a proof. Each proof is good once.
 */
export function tokenProofs(
  { world, records, seal }: ProofRooms,
  url: string,
  needsNonce: boolean,
): (ctx: KoaContextWithOIDC) => Promise<string | undefined> {
  const knowsNonce = (nonce: string): boolean => {
    const madeAt = Number(seal.open(NONCE, nonce) ?? Number.NaN)
    return Math.abs(world.now() - madeAt) <= PROOF_MS
  }
  return async (ctx) => {
    const { dpop = [] } = ctx.req.headersDistinct
    if (dpop.length === 0) return undefined
    try {
      const { jkt, jti, until } = await openProof(dpop, {
        method: 'POST',
        url,
        now: world.now(),
        knowsNonce: needsNonce ? knowsNonce : undefined,
      })
      if (!(await records.add(SPENT, digestOf(`${jkt} ${jti}`), {}, { until }))) {
        throw new errors.InvalidDpopProof('this proof was used before')
      }
      return jkt
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown
      if (thrown.code !== 'auth/nonce') throw new errors.InvalidDpopProof(thrown.message)
      ctx.set('dpop-nonce', seal.seal(NONCE, String(world.now())))
      throw new errors.UseDpopNonce(thrown.message)
    }
  }
}
