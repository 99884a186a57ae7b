import type { JsonObject } from '@countersign/contract'
import type { Principal } from './principal.ts'
import { isOfServers } from './scopes.ts'

/**
 * What an entry keeps of the authority behind a call on this server: which client, for whom, under
 * which token and scopes. Undefined in local mode, where there is none to speak of.
 */
export function custodyOf(who: Principal, server: string): JsonObject | undefined {
  if (who.proof === 'local') return undefined
  return {
    proof: who.proof,
    token: who.tokenId,
    scopes: who.scopes.filter((scope) => isOfServers(scope, [server])),
    ...(who.client === undefined ? {} : { client: who.client }),
    ...(who.actors.length === 0 ? {} : { actors: who.actors.map((actor) => ({ ...actor })) }),
  }
}
