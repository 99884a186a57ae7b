import { Fault, isObject, own, type JsonObject } from '@countersign/contract'
import { textIn } from './discover.ts'
import type { Actor, SignIn } from './principal.ts'
import type { ScopeEpochs } from './scopes.ts'
import type { IssuerSettings } from './settings.ts'

/** What an issuer says with a token, read and bounded; not yet for whom and by whom it is used. */
export interface Grant {
  readonly settings: IssuerSettings
  readonly subject: string
  readonly client: string | undefined
  readonly scopes: readonly string[]
  readonly audiences: readonly string[]
  readonly actors: readonly Actor[]
  readonly tokenId: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  readonly issuedAt: number | undefined
  /** The consent it follows from, where our own authorization server says. */
  readonly grantId: string | undefined
  /** The epoch of the catalogue at which its scopes were given, where it says. */
  readonly epoch: number | undefined
  /** Its subject is a program, where our own authorization server says. */
  readonly isWorkload?: boolean
  /** Which tools its class scopes mean; undefined: those of now, or not found out yet. */
  readonly epochs?: ScopeEpochs | undefined
  /** How whoever agreed to it had signed in, where the issuer says. */
  readonly signIn?: SignIn | undefined
  /** The thumbprint of the key it is bound to (RFC 9449 §6.1). */
  readonly jkt: string | undefined
}

const TEXT_CHARS_MAX = 255
const SCOPE_CHARS_MAX = 300
/** All scopes of a token: they are written down with each task. */
const SCOPES_CHARS_MAX = 32_768
const AUDIENCES_MAX = 20
/** Delegation may be long, but not endless: each link is one more who acted. */
const ACTORS_MAX = 4

/** RFC 6749 §3.3 */
const SCOPE = /^[\u0021\u0023-\u005B\u005D-\u007E]+$/

export const tokenFault = (why: string, cause?: unknown): Fault =>
  new Fault('auth/token', why, cause === undefined ? {} : { cause })

/** What may be signed by an issuer and is still no access token (OpenID Connect, Keycloak). */
const OF_OTHER_TOKENS = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events']
const OTHER_KINDS = ['ID', 'Refresh', 'Offline', 'Logout']

/** Reads the claims of a token, or the members of an introspection: both name things alike. */
export function grantOf(settings: IssuerSettings, claims: JsonObject, digest: string): Grant {
  const kind = textIn(claims, 'typ') ?? ''
  if (OF_OTHER_TOKENS.some((name) => Object.hasOwn(claims, name)) || OTHER_KINDS.includes(kind)) {
    throw tokenFault('This is no access token.')
  }
  const subject = textIn(claims, 'sub') ?? ''
  if (subject === '' || subject.length > TEXT_CHARS_MAX) throw tokenFault('It names no subject.')
  const exp = own(claims, 'exp')
  if (typeof exp !== 'number' || !Number.isFinite(exp)) throw tokenFault('It never expires.')
  const tokenId = textIn(claims, 'jti')
  return {
    settings,
    subject,
    client: clientOf(settings, claims),
    scopes: scopesOf(own(claims, settings.scopesClaim), settings.scopePrefix),
    audiences: textsOf(own(claims, 'aud')).slice(0, AUDIENCES_MAX),
    actors: actorsOf(own(claims, 'act')),
    tokenId: tokenId !== undefined && tokenId.length <= TEXT_CHARS_MAX ? tokenId : digest,
    expiresAt: Math.floor(exp * 1_000),
    issuedAt: timeOf(own(claims, 'iat')),
    ...ofOurs(settings, claims),
    signIn: signInOf(claims),
    jkt: boundTo(own(claims, 'cnf')),
  }
}

/** RFC 9068 §2.2.1, RFC 9470 §6.2. What is not in its form is as if it were not said. */
function signInOf(claims: JsonObject): SignIn | undefined {
  const acr = textIn(claims, 'acr')
  const said = own(claims, 'amr')
  const amr = [...new Set(textsOf(said ?? []))].filter(isShort).slice(0, AMR_MAX).toSorted()
  const at = timeOf(own(claims, 'auth_time'))
  if (acr === undefined && amr.length === 0 && at === undefined) return undefined
  return {
    ...(acr !== undefined && isShort(acr) ? { acr } : {}),
    amr,
    ...(at === undefined ? {} : { at }),
  }
}

const AMR_MAX = 20
const isShort = (text: string): boolean =>
  text !== '' && text.length <= TEXT_CHARS_MAX && text.isWellFormed()

const timeOf = (seconds: unknown): number | undefined =>
  typeof seconds === 'number' && Number.isFinite(seconds) ? Math.floor(seconds * 1_000) : undefined

/** What only our own authorization server says in this way: with others `cat` may mean anything. */
function ofOurs(
  { classes }: IssuerSettings,
  claims: JsonObject,
): Pick<Grant, 'grantId' | 'epoch' | 'isWorkload'> {
  if (classes !== 'claimed') return { grantId: undefined, epoch: undefined, isWorkload: false }
  const epoch = own(claims, 'cat')
  return {
    grantId: textIn(claims, 'gid'),
    epoch: typeof epoch === 'number' ? epoch : undefined,
    isWorkload: textIn(claims, 'sub_profile') === 'workload',
  }
}

function clientOf({ clientClaim }: IssuerSettings, claims: JsonObject): string | undefined {
  return textIn(claims, clientClaim)?.slice(0, TEXT_CHARS_MAX)
}

/** Words with blanks between them (RFC 9068 §2.2.3), or a list, as Okta writes them. */
function scopesOf(value: unknown, prefix = ''): readonly string[] {
  const said = typeof value === 'string' ? value.split(' ') : textsOf(value)
  const words = said.map((word) => (word.startsWith(prefix) ? word.slice(prefix.length) : word))
  const sound = words.filter((word) => SCOPE.test(word) && word.length <= SCOPE_CHARS_MAX)
  let left = SCOPES_CHARS_MAX
  return [...new Set(sound)].filter((scope) => {
    left -= scope.length
    return left >= 0
  })
}

function textsOf(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  return list.filter((one) => typeof one === 'string')
}

/** RFC 8693 §4.1: the outermost acts now, each one inside acted before it. */
function actorsOf(act: unknown): readonly Actor[] {
  const actors: Actor[] = []
  let at = act
  while (at !== undefined) {
    if (!isObject(at) || actors.length === ACTORS_MAX) {
      throw tokenFault('Its chain of actors is malformed, or longer than is taken.')
    }
    actors.push(actorOf(at))
    at = own(at, 'act')
  }
  return actors
}

function actorOf(act: JsonObject): Actor {
  const [subject, issuer, client] = ['sub', 'iss', 'client_id'].map((key) =>
    textIn(act, key)?.slice(0, TEXT_CHARS_MAX),
  )
  const named = subject ?? client
  if (named === undefined) throw tokenFault('Its chain of actors names nobody.')
  return {
    subject: named,
    ...(issuer === undefined ? {} : { issuer }),
    ...(client === undefined ? {} : { client }),
  }
}

/** A token bound to something that we cannot check is not one for us (RFC 7800 §3.1). */
function boundTo(cnf: unknown): string | undefined {
  if (cnf === undefined) return undefined
  const jkt = isObject(cnf) && Object.keys(cnf).length === 1 ? textIn(cnf, 'jkt') : undefined
  if (jkt === undefined) throw tokenFault('It is bound to a proof that is not understood here.')
  return jkt
}
