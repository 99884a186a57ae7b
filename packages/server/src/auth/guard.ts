import { Fault } from '@countersign/contract'
import type { JWTVerifyGetKey } from 'jose'
import type { Seal, World } from '#base'
import type { Records } from '#store'
import type { Log } from '#telemetry'
import type { Authenticate, Knock } from './authenticate.ts'
import { classEpochs } from './class-epochs.ts'
import { credentialsOf, type Credentials } from './credentials.ts'
import { tokenFault, type Grant } from './grant.ts'
import { principalId, type TokenPrincipal } from './principal.ts'
import { checkProof, PROOF_MS } from './proof.ts'
import type { Revocations } from './revocations.ts'
import { makeSafeFetch, type Resolve } from './safe-fetch.ts'
import type { AuthSettings, IssuerSettings } from './settings.ts'
import { spentProofs } from './spent-proofs.ts'
import { stepUps } from './step-ups.ts'
import { tokenDigest, Tokens } from './tokens.ts'

/** The resource server: decides from the head of each request who asks (OAuth 2.1 §5). */
export interface Guard {
  /** Whose tokens are taken now. */
  readonly settings: () => AuthSettings
  /** Takes tokens of one more issuer, whose keys are known here. */
  readonly admit: (issuer: IssuerSettings, keyFor: JWTVerifyGetKey) => void
  readonly authenticate: Authenticate
  /** What was revoked, for whatever goes on after it was let in. */
  readonly revocations: Revocations
  /** It was told that it needs more scopes: see `StepUps`. */
  readonly askMore: (who: TokenPrincipal) => Promise<void>
  /** A nonce for the next proof of whoever had none. */
  readonly nonce: () => string
  readonly close: () => Promise<void>
}

export interface GuardRooms {
  readonly world: World
  readonly log: Log
  readonly seal: Seal
  readonly records: Records
  /** Rises with each change of what scopes open. */
  readonly epoch: () => number
  readonly revocations: Revocations
  /** How names are looked up; the system's way unless said otherwise. */
  readonly resolve?: Resolve
}

const NONCE = 'dpop nonce'

export function makeGuard(rooms: GuardRooms, settings: AuthSettings): Guard {
  const { world, log, seal, records, epoch, revocations } = rooms
  const safeFetch = makeSafeFetch(world, rooms.resolve)
  const epochs = classEpochs(records, epoch)
  const tokens = new Tokens({ world, log, safeFetch }, epochs, settings)
  const spent = spentProofs(records)
  const asked = stepUps(world, records)
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

  // Of each request, whoever is remembered: what was revoked a moment ago is over now.
  const admit = (knock: Knock, shown: Credentials, grant: Grant): TokenPrincipal => {
    const who = admitted(knock, shown, grant)
    if (revocations.isRevoked(who)) throw tokenFault('It was revoked.')
    return who
  }

  let issuers = settings.issuers
  return {
    settings: () => ({ ...settings, issuers }),
    admit: (issuer, keyFor) => {
      issuers = [...issuers.filter((one) => one.issuer !== issuer.issuer), issuer]
      tokens.admit(issuer, keyFor)
    },
    revocations,
    askMore: async ({ grantId }) => {
      if (grantId !== undefined) await asked.ask(grantId)
    },
    nonce: () => seal.seal(NONCE, String(world.now())),
    close: () => safeFetch.close(),
    authenticate: (knock) => {
      const shown = credentialsOf(knock)
      const digest = tokenDigest(shown.token)
      const grant = tokens.read(shown.token, digest)
      // The common case has nothing to wait for: a known bearer token.
      if (!(grant instanceof Promise) && shown.scheme === 'bearer') {
        return admit(knock, shown, grant)
      }
      return (async () => {
        const read = await grant
        const who = admit(knock, shown, read)
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
    ...(grant.epochs === undefined ? {} : { epochs: grant.epochs }),
    actors: grant.actors,
    tokenId: grant.tokenId,
    ...(grant.grantId === undefined ? {} : { grantId: grant.grantId }),
    ...(grant.isWorkload === true ? { isWorkload: true } : {}),
    ...(grant.issuedAt === undefined ? {} : { issuedAt: grant.issuedAt }),
    expiresAt: grant.expiresAt,
    ...(grant.signIn === undefined ? {} : { signIn: grant.signIn }),
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
