import { isObject, own, textAt, type JsonObject } from '@countersign/contract'
import { isOfServers, lookAtToken, refusalOf, type IssuerSettings, type SafeFetch } from '#auth'
import type { World } from '#base'
import type { Finding } from '../doctor.ts'
import { about, timeFromNow } from './finding.ts'

export interface TokenRooms {
  readonly world: World
  readonly safeFetch: SafeFetch
  readonly skewMs: number
  readonly issuers: readonly IssuerSettings[]
  /** The canonical URL of each view. */
  readonly resources: readonly string[]
  readonly servers: readonly string[]
}

/** Judges a token claim by claim, in words; the token itself is in none of them. */
export async function checkToken(rooms: TokenRooms, token: string): Promise<readonly Finding[]> {
  const seen = lookAtToken(token)
  if (!seen) return [opaque(rooms)]
  const { header, claims } = seen
  const settings = rooms.issuers.find(({ issuer }) => issuer === own(claims, 'iss'))
  if (!settings) {
    const known = rooms.issuers.map(({ issuer }) => issuer).join(', ')
    const what = `is ${quoted(own(claims, 'iss'))}; taken are ${known}`
    return [about('token iss').fail(what, 'add it to auth.issuers, exactly as the token writes it')]
  }
  const whole = await refusalOf({ ...rooms, settings }, token)
  return [
    about('token iss').pass(settings.issuer),
    typ(settings, header),
    alg(settings, header),
    audience(rooms, settings, claims),
    ...times(rooms, claims),
    ...names(settings, claims),
    scopes(rooms, settings, claims),
    ...binding(settings, claims),
    whole === undefined
      ? about('token').pass('its signature is right, and it says what it has to')
      : about('token').fail(`would be refused: ${whole}`, 'begin with the first line that failed'),
  ]
}

function opaque({ issuers }: TokenRooms): Finding {
  const at = about('token')
  const asks = issuers.find(({ introspection }) => introspection !== undefined)
  return asks
    ? at.pass(`is no JWT: ${asks.issuer} is asked about it`)
    : at.fail('is no JWT', 'let the issuer give JWTs, or set auth.issuers[].introspection')
}

function typ({ tokenType }: IssuerSettings, header: JsonObject): Finding {
  const at = about('token typ')
  const said = textAt(header, 'typ')
    .toLowerCase()
    .replace(/^application\//, '')
  if (said === 'at+jwt') return at.pass('at+jwt')
  if (tokenType === 'jwt' && (said === 'jwt' || said === '')) return at.pass(said || 'none')
  return at.fail(
    `expected at+jwt, got ${quoted(own(header, 'typ'))}`,
    said === 'jwt' || said === ''
      ? 'switch on access tokens of RFC 9068 at the issuer, or set tokenType: jwt for it'
      : 'this is no access token: show the one from "access_token" of the token response',
  )
}

function alg({ algorithms }: IssuerSettings, header: JsonObject): Finding {
  const said = textAt(header, 'alg')
  return algorithms.some((one) => one === said)
    ? about('token alg').pass(said)
    : about('token alg').fail(
        `expected one of ${algorithms.join(', ')}, got ${quoted(said)}`,
        'name it in auth.issuers[].algorithms, if it is an asymmetric one',
      )
}

function audience(
  { resources }: TokenRooms,
  settings: IssuerSettings,
  claims: JsonObject,
): Finding {
  const at = about('token aud')
  const said = own(claims, 'aud')
  const got = Array.isArray(said) ? said : [said]
  const expected = settings.audience === undefined ? resources : [settings.audience]
  const opened = expected.filter((one) => got.includes(one))
  if (opened.length > 0) return at.pass(`opens ${opened.join(' and ')}`)
  return at.fail(
    `expected one of ${expected.join(', ')}; got ${got.map(quoted).join(', ')}`,
    `have the issuer put the URL of the view into aud (clients ask with resource=…), or set audience for ${settings.issuer}`,
  )
}

function times({ world, skewMs }: TokenRooms, claims: JsonObject): readonly Finding[] {
  const until = (claim: string): number | undefined => {
    const seconds = own(claims, claim)
    return typeof seconds === 'number' ? seconds * 1_000 - world.now() : undefined
  }
  const [exp, nbf, iat] = ['exp', 'nbf', 'iat'].map(until)
  return [
    exp === undefined
      ? about('token exp').fail('it never expires', 'let the issuer give tokens that last minutes')
      : exp + skewMs < 0
        ? about('token exp').fail(`expired ${timeFromNow(exp)}`, 'get a new one')
        : about('token exp').pass(`expires ${timeFromNow(exp)}`),
    ...[['nbf', nbf] as const, ['iat', iat] as const].flatMap(([claim, ms]) =>
      ms !== undefined && ms > skewMs
        ? [about(`token ${claim}`).fail(`begins ${timeFromNow(ms)}`, 'set both clocks by NTP')]
        : [],
    ),
  ]
}

function names({ tokenType, clientClaim }: IssuerSettings, claims: JsonObject): readonly Finding[] {
  const sub = own(claims, 'sub')
  const client = own(claims, clientClaim)
  return [
    typeof sub === 'string' && sub !== ''
      ? about('token sub').pass(sub)
      : about('token sub').fail(
          `got ${quoted(sub)}`,
          'let the issuer put a subject into the token',
        ),
    ...(tokenType === 'at+jwt' && typeof own(claims, 'client_id') !== 'string'
      ? [
          about('token client_id').fail(
            'is not there, though RFC 9068 wants it',
            'set tokenType: jwt and clientClaim for this issuer (azp at Keycloak and Entra, cid at Okta)',
          ),
        ]
      : typeof client === 'string'
        ? [about(`token ${clientClaim}`).pass(client)]
        : []),
  ]
}

function scopes({ servers }: TokenRooms, settings: IssuerSettings, claims: JsonObject): Finding {
  const { scopesClaim, scopePrefix = '' } = settings
  const at = about(`token ${scopesClaim}`)
  const said = own(claims, scopesClaim)
  const words = Array.isArray(said) ? said.map(String) : textAt(claims, scopesClaim).split(' ')
  const bare = words.map((one) =>
    one.startsWith(scopePrefix) ? one.slice(scopePrefix.length) : one,
  )
  const ours = bare.filter((scope) => isOfServers(scope, servers))
  if (ours.length > 0) return at.pass(`of these mean something here: ${ours.join(' ')}`)
  const elsewhere = ['scope', 'scp', 'roles'].find((one) => Object.hasOwn(claims, one))
  return at.fail(
    `nothing in ${quoted(said)} means anything here`,
    elsewhere !== undefined && elsewhere !== scopesClaim
      ? `set scopesClaim: ${elsewhere} for this issuer`
      : 'define mcp:discover (and {server}:read …) at the issuer, and let the client ask for it',
  )
}

function binding({ dpop }: IssuerSettings, claims: JsonObject): readonly Finding[] {
  const at = about('token cnf')
  const cnf = own(claims, 'cnf')
  const isBound = isObject(cnf) && typeof own(cnf, 'jkt') === 'string'
  if (cnf !== undefined && !isBound) {
    return [
      at.fail('it is bound to something other than a DPoP key', 'ask for a token without that'),
    ]
  }
  if (isBound && dpop === 'off') return [at.fail('it is bound to a key', 'set dpop: accepted')]
  if (isBound) return [at.pass('bound to a key: it is shown as "DPoP …", with a proof each time')]
  return dpop === 'required' ? [at.fail('it is bound to no key', 'let the client use DPoP')] : []
}

const VALUE_CHARS = 120
const quoted = (value: unknown): string =>
  value === undefined
    ? 'nothing'
    : `"${(typeof value === 'string' ? value : JSON.stringify(value)).slice(0, VALUE_CHARS)}"`
