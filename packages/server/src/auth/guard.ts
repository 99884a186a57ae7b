import { Fault } from '@countersign/contract'
import type { Seal, World } from '#base'
import type { Store } from '#store'
import type { Log } from '#telemetry'
import type { Authenticate, Knock } from './authenticate.ts'
import { credentialsOf, type Credentials } from './credentials.ts'
import { tokenFault, type Grant } from './grant.ts'
import { principalId, type TokenPrincipal } from './principal.ts'
import { checkProof, PROOF_MS } from './proof.ts'
import { makeSafeFetch, type Resolve } from './safe-fetch.ts'
import type { AuthSettings } from './settings.ts'
import { spentProofs } from './spent-proofs.ts'
import { tokenDigest, Tokens } from './tokens.ts'

/** The resource server: decides from the head of each request who asks (OAuth 2.1 §5). */
export interface Guard {
  readonly settings: AuthSettings
  readonly authenticate: Authenticate
  /** A nonce for the next proof of whoever had none. */
  readonly nonce: () => string
  readonly close: () => Promise<void>
}

export interface GuardRooms {
  readonly world: World
  readonly log: Log
  readonly store: Store
  readonly seal: Seal
  /** How names are looked up; the system's way unless said otherwise. */
  readonly resolve?: Resolve
}

const NONCE = 'dpop nonce'

export function makeGuard(rooms: GuardRooms, settings: AuthSettings): Guard {
  const { world, log, store, seal } = rooms
  const safeFetch = makeSafeFetch(world, rooms.resolve)
  const tokens = new Tokens({ world, log, safeFetch }, settings)
  const spent = spentProofs(world, store)
  const knowsNonce = (nonce: string): boolean => {
    const madeAt = Number(seal.open(NONCE, nonce) ?? Number.NaN)
    return Math.abs(world.now() - madeAt) <= PROOF_MS
  }

  const prove = async (knock: Knock, jkt: string, ath: string): Promise<void> => {
    const proven = await checkProof(knock.dpop, {
      method: knock.method,
      url: knock.url,
      ath,
      jkt,
      now: world.now(),
      knowsNonce: settings.dpopNonces ? knowsNonce : undefined,
    })
    await spent.spend(jkt, proven)
  }

  return {
    settings,
    nonce: () => seal.seal(NONCE, String(world.now())),
    close: () => safeFetch.close(),
    authenticate: (knock) => {
      const shown = credentialsOf(knock)
      const digest = tokenDigest(shown.token)
      const grant = tokens.read(shown.token, digest)
      // The common case has nothing to wait for: a known bearer token.
      if (!(grant instanceof Promise) && shown.scheme === 'bearer') {
        return admitted(knock, shown, grant)
      }
      return (async () => {
        const read = await grant
        const who = admitted(knock, shown, read)
        if (shown.scheme === 'dpop') await prove(knock, read.jkt ?? '', digest)
        return who
      })()
    },
  }
}

/** Whether this token is for this resource and shown as its issuer's tokens must be. */
function admitted({ resource }: Knock, { scheme }: Credentials, grant: Grant): TokenPrincipal {
  const { settings } = grant
  // RFC 8707 §2: equal, not alike; a prefix is somebody else's resource.
  if (!grant.audiences.includes(settings.audience ?? resource)) {
    throw tokenFault('It is for another audience.')
  }
  checkBinding(scheme, grant)
  const id = principalId(settings.issuer, grant.subject)
  if (id === undefined) throw tokenFault('Its subject cannot be used here.')
  return {
    id,
    proof: scheme,
    issuer: settings.issuer,
    subject: grant.subject,
    ...(grant.client === undefined ? {} : { client: grant.client }),
    scopes: grant.scopes,
    actors: grant.actors,
    tokenId: grant.tokenId,
    expiresAt: grant.expiresAt,
    stepUp: settings.stepUp,
  }
}

/** RFC 9449 §7.1: a bound token is never a bearer token, nor the other way round. */
function checkBinding(scheme: Credentials['scheme'], { jkt, settings }: Grant): void {
  if (scheme === 'dpop') {
    if (settings.dpop === 'off') throw tokenFault('DPoP is not taken from this issuer.')
    if (jkt === undefined) throw tokenFault('It is bound to no key, so no proof goes with it.')
    return
  }
  if (jkt !== undefined) throw tokenFault('It is bound to a key: show it with a DPoP proof.')
  if (settings.dpop === 'required') {
    throw new Fault('auth/proof', 'Only tokens that are bound to a key are taken from this issuer.')
  }
}
