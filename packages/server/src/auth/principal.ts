import type { ScopeEpochs } from './scopes.ts'

/** Who is asking, and how it was proved. Plain JSON without secrets: tasks write it down. */
export type Principal = LocalPrincipal | TokenPrincipal

/** Whoever can reach this machine, where nothing else is configured. May do everything. */
export interface LocalPrincipal {
  /** Stable and unique; what sessions, states, tasks and ledger entries are bound to. */
  readonly id: string
  readonly proof: 'local'
}

/** Whoever showed a token that an issuer of ours gave for this very URL. */
export interface TokenPrincipal {
  /** Issuer and subject: `https://idp.example#ada`. The subject is percent-encoded. */
  readonly id: string
  /** `dpop`: the token is bound to a key, and whoever showed it holds that key. */
  readonly proof: 'bearer' | 'dpop'
  readonly issuer: string
  readonly subject: string
  /** The OAuth client the token was given to, where the issuer says. */
  readonly client?: string
  readonly scopes: readonly string[]
  /** Which tools its class scopes mean; undefined: those of now. */
  readonly epochs?: ScopeEpochs
  /** On whose behalf it acts for the subject, the nearest first (RFC 8693 `act`). */
  readonly actors: readonly Actor[]
  /** The token's `jti`, else the digest of the token; never the token. */
  readonly tokenId: string
  /** The consent that the token follows from, where our own authorization server says. */
  readonly grantId?: string
  /** The subject is a program with an identity of its own, whoever acts for it. */
  readonly isWorkload?: true
  /** Milliseconds since the epoch, where the issuer says. */
  readonly issuedAt?: number
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  /** How whoever agreed to it had signed in, where the issuer says. */
  readonly signIn?: SignIn
  /** What a missing scope is asked for as, with this issuer. */
  readonly stepUp: StepUp
}

/** How strongly somebody has proved who they are, in the words of their issuer (RFC 9068 §2.2.1). */
export interface SignIn {
  /** The class of authentication. */
  readonly acr?: string
  /** What was used: `pwd`, `otp`, `hwk` (RFC 8176); sorted. */
  readonly amr: readonly string[]
  /** Milliseconds since the epoch. */
  readonly at?: number
}

/** One link of a chain of delegation. */
export interface Actor {
  readonly subject: string
  readonly issuer?: string
  readonly client?: string
}

/**
 * How a client of this issuer comes by a scope that it lacks: for exactly the tool, for the class the
 * tool is in, or not at all.
 */
export type StepUp = 'tool' | 'class' | 'off'

/** Whoever is at the keyboard. */
export const LOCAL: LocalPrincipal = { id: 'local', proof: 'local' }

const ID_CHARS_MAX = 500

/**
 * An issuer has no fragment and an encoded subject no `#` or blank, so no two callers share an id and
 * it can stand in a list of words. Undefined when it cannot be one.
 */
export function principalId(issuer: string, subject: string): string | undefined {
  if (subject === '' || !subject.isWellFormed()) return undefined
  const id = `${issuer}#${encodeURIComponent(subject)}`
  return id.length <= ID_CHARS_MAX ? id : undefined
}
