import { Fault, type JsonObject } from '@countersign/contract'
import { unionOf, scopesIn } from './challenge.ts'
import type { Tokens } from './cabinet.ts'
import type { Found } from './discovery.ts'
import type { Prover } from './proofs.ts'
import type { ClientThere } from './registration.ts'
import type { Known } from './round.ts'
import { oauth, type FetchLike, type OAuthClientProvider, type OAuthTokens } from './sdk.ts'

/** One request at a token endpoint, whatever the grant. */
export interface Asking {
  readonly issuer: string
  readonly metadata: Found['metadata']
  readonly resource: string
  readonly client: ClientThere
  readonly params: URLSearchParams
  /** Undefined: the tokens are not bound to a key. */
  readonly prover: Prover | undefined
  readonly fetchFn: FetchLike
}

/** Always with `resource`, whether the issuer knows it or not (OC10, RFC 8707). */
export async function askTokens(asking: Asking): Promise<OAuthTokens> {
  const { issuer, metadata, resource, client, params, prover, fetchFn } = asking
  const { fetchToken } = await oauth()
  const { addClientAuthentication } = client
  const provider: OAuthClientProvider = {
    redirectUrl: undefined,
    clientMetadata: { redirect_uris: [] },
    // Stamped with the one issuer that it is good for (OC5).
    clientInformation: () => ({ ...client.information, issuer }),
    tokens: () => undefined,
    saveTokens: () => undefined,
    redirectToAuthorization: () => undefined,
    saveCodeVerifier: () => undefined,
    codeVerifier: () => '',
    prepareTokenRequest: () => params,
    ...(addClientAuthentication ? { addClientAuthentication } : {}),
    ...(prover ? { dpop: () => prover } : {}),
  }
  return fetchToken(provider, issuer, { metadata, resource, fetchFn })
}

/** A token is renewed this long before it ends, or in the last third of a short life. */
const AHEAD_MS = 30_000

interface Had {
  readonly now: number
  readonly clientId: string
  /** What was asked for: what was granted, where the issuer says nothing (RFC 6749 §5.1). */
  readonly scopes: readonly string[]
  readonly dpopKey: JsonObject | undefined
  /** Kept when the issuer gives no new one (RFC 6749 §6). */
  readonly refreshToken: string | undefined
}

export function tokensFrom(answer: OAuthTokens, had: Had): Tokens {
  if (!CARRIED.test(answer.access_token)) throw new Error('a token that no request can carry')
  const { now, clientId, dpopKey } = had
  const isBound = /^dpop$/i.test(answer.token_type)
  const refreshToken = answer.refresh_token ?? had.refreshToken
  const lifeMs = lifeOf(answer)
  return {
    accessToken: answer.access_token,
    tokenType: isBound ? 'dpop' : 'bearer',
    scopes: answer.scope === undefined ? unionOf(had.scopes) : scopesIn(answer.scope),
    clientId,
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(lifeMs === undefined
      ? {}
      : { expiresAt: now + lifeMs, renewAt: now + lifeMs - Math.min(AHEAD_MS, lifeMs / 3) }),
    ...(dpopKey === undefined ? {} : { dpopKey }),
  }
}

/** A header can carry it (RFC 6750 §2.1 says less), and a server will read it. */
const CARRIED = /^[\x21-\x7e]{1,16384}$/

/** `dpop: required` insists on what was given too: an issuer may ignore the proof (RFC 9449 §5). */
export function insist({ id, auth }: Known, tokens: Tokens): Tokens {
  if (auth.dpop !== 'required' || tokens.tokenType === 'dpop') return tokens
  const why = `The authorization server of ${id} did not bind the token to our key.`
  throw new Fault('upstream/unavailable', why)
}

/** Longer is what nobody lives to see, and what no date can hold. */
const LIFE_MS_MAX = 10 * 365 * 86_400_000

/** Undefined where nothing is said that a token can live for: `null` and 0 are read as nothing said. */
function lifeOf({ expires_in: seconds }: OAuthTokens): number | undefined {
  if (seconds === undefined || !(seconds > 0)) return undefined
  return Math.min(LIFE_MS_MAX, Math.ceil(seconds * 1_000))
}
