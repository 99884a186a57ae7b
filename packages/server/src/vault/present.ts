import type { Credential } from './cabinet.ts'
import { fingerprintOf } from './notes.ts'
import type { Prover, Provers } from './proofs.ts'
import type { Known } from './round.ts'
import type { Shown } from './vault.ts'

/** What one request showed: kept for as long as its `Shown` is. */
export interface Showing {
  readonly server: Known
  readonly owner: string
  readonly token: string
  readonly prover: Prover | undefined
  readonly url: string
}

export type Showings = WeakMap<Shown, Showing>

/** The headers of one request. */
export async function present(
  provers: Provers,
  server: Known,
  { owner, issuer, tokens }: Credential,
  { method, url }: { readonly method: string; readonly url: string },
): Promise<{ readonly shown: Shown; readonly showing: Showing }> {
  // OC15: a token goes to the server that it was issued for, wherever a redirect may lead.
  if (new URL(url).origin !== new URL(server.url).origin) {
    throw new Error(`a request of ${server.id} leads to another origin`)
  }
  const { accessToken, tokenType, dpopKey, clientId } = tokens
  const token = fingerprintOf(accessToken)
  const prover = dpopKey && tokenType === 'dpop' ? await provers.of(dpopKey) : undefined
  const headers = prover
    ? {
        authorization: `DPoP ${accessToken}`,
        dpop: await prover.buildProof({ htm: method, htu: url, accessToken }),
      }
    : { authorization: `Bearer ${accessToken}` }
  const shown = { headers, credential: `${issuer} ${clientId} ${token}` }
  return { shown, showing: { server, owner, token, prover, url } }
}
