import { z } from 'zod'
import {
  ALGORITHMS,
  type AuthSettings,
  type Delegation,
  type IdentityProvider,
  type WorkloadIssuer,
} from '#auth'
import { checkUrl, isLocalUrl } from './issuer-url.ts'
import { duration, durationText } from './limits.ts'
import { keyName, type Complain, type Path } from './mistake.ts'
import { nearest } from '#base'
import { SERVER_ID_CHARS_MAX } from './server-id.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const URL_CHARS_MAX = 2_048
/** Part of the subjects of its people, which have to stay short. */
const ISSUER_CHARS_MAX = 200
const TEXT_CHARS_MAX = 256
const ISSUERS_MAX = 50
const RULES_MAX = 500
const LIST_MAX = 500
/** Stands in subjects before a colon, so it has none (`workload:{name}:{sub}`). */
const NAME = /^[a-z][a-z0-9-]{0,31}$/
const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/
/** RFC 6749 §3.3 */
const SCOPE = /^[\u0021\u0023-\u005B\u005D-\u007E]+$/
/** JWT-SVID §3.1 knows no others. */
const SPIFFE_ALGORITHMS = ALGORITHMS.filter((name) => /^(?:RS|ES|PS)\d/.test(name))

const LIFETIME = { min: 10 * SECOND_MS, max: 24 * 60 * MINUTE_MS }
const LIFETIME_MS = 60 * MINUTE_MS
/** Whoever finds an identity that is good more than once may use it for as long. */
const WINDOW_MS_MAX = 10 * MINUTE_MS
const STATEMENT_MS = 10 * MINUTE_MS
const DELEGATED = { min: 5 * SECOND_MS, max: 60 * MINUTE_MS }
const DELEGATED_MS = 2 * MINUTE_MS

const text = z.string().min(1).max(TEXT_CHARS_MAX)
const url = z.string().min(1).max(URL_CHARS_MAX)
const views = z
  .array(z.string().max(SERVER_ID_CHARS_MAX))
  .min(1)
  .max(LIST_MAX)
  .default([''])
  .describe("The views it may have tokens for, by name; '' is the one of all servers.")
const scopes = z
  .array(text.regex(SCOPE))
  .min(1)
  .max(LIST_MAX)
  .describe('The most its tokens may hold, such as `github:read` or `tool:github.create_issue`.')
const network = z
  .enum(['public', 'private'])
  .default('public')
  .describe('Where its keys may be. `private` also allows addresses inside your network.')
const algorithms = z.array(z.enum(ALGORITHMS)).min(1).max(ALGORITHMS.length)

const ruleSchema = z.strictObject({
  claims: z
    .record(text, text)
    .describe(
      'What its identity must say, by claim; dots lead into objects, `*` is any run of characters. All must match.',
    ),
  views,
  scopes,
})

const workloadSchema = z
  .strictObject({
    issuer: z
      .string()
      .min(1)
      .max(ISSUER_CHARS_MAX)
      .optional()
      .describe('The issuer, exactly as it stands in `iss`. Not for SPIFFE.'),
    trustDomain: z
      .string()
      .regex(TRUST_DOMAIN)
      .optional()
      .describe('SPIFFE: the trust domain, such as `prod.example`, in place of `issuer`.'),
    jwksUri: url
      .optional()
      .describe('Where its keys are: for SPIFFE its bundle. Default: what its metadata says.'),
    audiences: z
      .array(text)
      .max(20)
      .default([])
      .describe('What may stand in `aud` beside our issuer and our token endpoint.'),
    algorithms: algorithms.optional().describe('The signatures that are accepted.'),
    replay: z
      .enum(['once', 'window'])
      .default('once')
      .describe(
        'Whether an identity is good for one token, or until it expires, as platforms need that hand out the same one again (SPIRE, Kubernetes volumes).',
      ),
    lifetime: duration(LIFETIME)
      .optional()
      .describe('The longest that an identity may be good for. Default 1 h; 10 min with `window`.'),
    dpop: z
      .enum(['accepted', 'required'])
      .optional()
      .describe('Whether its tokens must be bound to a key. They must with `window`.'),
    network,
    rules: z
      .array(ruleSchema)
      .min(1)
      .max(RULES_MAX)
      .describe('Which of its programs are let in; the first rule that matches decides.'),
  })
  .describe('A platform whose programs get tokens for the identity that it gives them (RFC 7523).')

export const workloadsSchema = z
  .record(z.string().regex(NAME), workloadSchema)
  .refine((all) => Object.keys(all).length <= ISSUERS_MAX)
  .prefault({})
  .describe('Platforms whose programs need no person and no secret, by a name of yours.')

const enterpriseSchema = z.strictObject({
  issuer: z
    .string()
    .min(1)
    .max(ISSUER_CHARS_MAX)
    .describe('The identity provider, exactly as it stands in `iss`.'),
  jwksUri: url.optional().describe('Where its keys are. Default: what its metadata says.'),
  algorithms: algorithms.default([...ALGORITHMS]).describe('The signatures that are accepted.'),
  clients: z
    .record(text, text)
    .prefault({})
    .describe(
      'Which clients of ours it may speak for: for the id of each here, what it calls it. Default: all, by the same id.',
    ),
  views,
  scopes,
  replay: z
    .enum(['once', 'window'])
    .default('once')
    .describe('Whether a statement is good for one token, or until it expires.'),
  lifetime: duration({ min: LIFETIME.min, max: 60 * MINUTE_MS })
    .default(STATEMENT_MS)
    .describe('The longest that a statement may be good for.'),
  tenantClaim: text
    .optional()
    .describe('The claim with the tenant, for a provider of many; needs `tenants`.'),
  tenants: z.array(text).max(LIST_MAX).default([]).describe('The tenants whose people are let in.'),
  network,
})

export const enterprisesSchema = z
  .array(enterpriseSchema)
  .max(ISSUERS_MAX)
  .default([])
  .describe(
    'Identity providers that decide for their people (enterprise-managed authorization, ID-JAG).',
  )

export const delegationSchema = z
  .strictObject({
    clients: z
      .array(text)
      .max(LIST_MAX)
      .default([])
      .describe(
        'Who may act for those whose tokens they hold (RFC 8693): ids of clients, or `workload:{name}:{sub}`; `*` is any run of characters.',
      ),
    lifetime: duration(DELEGATED)
      .default(DELEGATED_MS)
      .describe(`How long such a token is good for: up to ${durationText(DELEGATED.max)}.`),
  })
  .prefault({})
  .describe('Tokens for those who act for somebody else: never for more than that one may.')

interface Written {
  readonly workloads: z.output<typeof workloadsSchema>
  readonly enterprises: z.output<typeof enterprisesSchema>
  readonly delegation: z.output<typeof delegationSchema>
}

interface Reading {
  readonly at: Path
  readonly complain: Complain
}

/** The programs and enterprises that are trusted; complains about what cannot be meant. */
export function programsOf(
  { workloads, enterprises, delegation }: Written,
  { at, complain }: Reading,
): {
  readonly workloads: readonly WorkloadIssuer[]
  readonly enterprises: readonly IdentityProvider[]
  readonly delegation: Delegation
} {
  const platforms = Object.entries(workloads).map(([name, one]) =>
    workloadOf(name, one, { at: [...at, 'workloads', name], complain }),
  )
  // Whoever could be one or the other would be judged by chance.
  const known = new Set<string>()
  for (const { name, issuer, trustDomain } of platforms) {
    const who = issuer ?? trustDomain ?? ''
    if (who !== '' && known.has(who)) {
      complain([...at, 'workloads', name], 'named twice', 'put its rules into one')
    }
    known.add(who)
  }
  const providers = enterprises.map((one, index) =>
    enterpriseOf(one, { at: [...at, 'enterprises', index], complain }),
  )
  for (const [index, { issuer }] of providers.entries()) {
    const isAgain = providers.findIndex((one) => one.issuer === issuer) !== index
    if (isAgain) complain([...at, 'enterprises', index], 'named twice', 'remove one')
  }
  for (const [index, pattern] of delegation.clients.entries()) {
    if (!isAnybody(pattern)) continue
    complain([...at, 'delegation', 'clients', index], 'means everybody', 'name who may act')
  }
  return {
    workloads: platforms,
    enterprises: providers,
    delegation: { clients: delegation.clients, lifetimeMs: delegation.lifetime },
  }
}

function workloadOf(
  name: string,
  one: Written['workloads'][string],
  reading: Reading,
): WorkloadIssuer {
  const { issuer, trustDomain, jwksUri, network: reaching, lifetime, ...rest } = one
  const isWindow = one.replay === 'window'
  const isLocal = isLocalUrl(issuer ?? jwksUri ?? '')
  checkWho(one, isLocal, reading)
  checkWindow(one, reading)
  for (const [index, { claims }] of one.rules.entries()) checkClaims(claims, index, reading)
  return {
    ...rest,
    name,
    issuer,
    trustDomain,
    jwksUri,
    algorithms: one.algorithms ?? (trustDomain === undefined ? ALGORITHMS : SPIFFE_ALGORITHMS),
    lifetimeMs: lifetime ?? (isWindow ? WINDOW_MS_MAX : LIFETIME_MS),
    dpop: one.dpop ?? (isWindow ? 'required' : 'accepted'),
    reach: isLocal ? 'loopback' : reaching,
  }
}

function checkWho(
  { issuer, trustDomain, jwksUri }: Written['workloads'][string],
  isLocal: boolean,
  reading: Reading,
): void {
  if ((issuer === undefined) === (trustDomain === undefined)) {
    reading.complain(reading.at, 'issuer or trustDomain: one of them', 'trustDomain is for SPIFFE')
  }
  if (trustDomain !== undefined && jwksUri === undefined) {
    const remedy = 'the URL of the bundle: a trust domain has no metadata'
    reading.complain([...reading.at, 'jwksUri'], 'missing', remedy)
  }
  if (issuer !== undefined) checkUrl(issuer, 'issuer', isLocal, reading)
  if (jwksUri !== undefined) checkUrl(jwksUri, 'jwksUri', isLocal, reading)
}

function checkWindow(
  { replay, lifetime = 0, dpop }: Written['workloads'][string],
  { at, complain }: Reading,
): void {
  if (replay !== 'window') return
  if (lifetime > WINDOW_MS_MAX) {
    const remedy = `at most ${durationText(WINDOW_MS_MAX)} where an identity is good more than once`
    complain([...at, 'lifetime'], 'too long', remedy)
  }
  if (dpop === 'accepted') {
    const remedy = 'an identity that is good more than once needs tokens bound to a key'
    complain([...at, 'dpop'], 'must be required with replay: window', remedy)
  }
}

const isAnybody = (pattern: string): boolean => /^\**$/.test(pattern)

/** WI6: on a platform that everybody uses, a rule without a claim lets everybody in. */
function checkClaims(
  claims: Readonly<Record<string, string>>,
  index: number,
  { at, complain }: Reading,
): void {
  if (!Object.values(claims).every(isAnybody)) return
  const remedy = 'name at least one claim, such as sub, and what it must be'
  complain([...at, 'rules', index, 'claims'], 'lets in every program of this platform', remedy)
}

function enterpriseOf(one: Written['enterprises'][number], reading: Reading): IdentityProvider {
  const { issuer, jwksUri, network: reaching, lifetime, tenantClaim, ...rest } = one
  const isLocal = isLocalUrl(issuer)
  checkUrl(issuer, 'issuer', isLocal, reading)
  if (jwksUri !== undefined) checkUrl(jwksUri, 'jwksUri', isLocal, reading)
  if ((tenantClaim === undefined) !== (one.tenants.length === 0)) {
    const remedy = 'which claim says the tenant, and whose people are let in'
    reading.complain(reading.at, 'tenantClaim and tenants need each other', remedy)
  }
  return {
    ...rest,
    issuer,
    jwksUri,
    tenantClaim,
    lifetimeMs: lifetime,
    reach: isLocal ? 'loopback' : reaching,
  }
}

/** Complains about views that are named and are none; `known` are those of servers and of `views`. */
export function checkViewNames(
  auth: AuthSettings | undefined,
  known: readonly string[],
  complain: Complain,
): void {
  const { workloads = [], enterprises = [] } = auth?.embedded ?? {}
  const at = ['auth', 'embedded']
  const check = (names: readonly string[], where: Path): void => {
    for (const [index, name] of names.entries()) {
      if (name === '' || known.includes(name)) continue
      const meant = nearest(name, known)
      const remedy = meant === undefined ? "'' is the one of all servers" : `did you mean ${meant}?`
      complain([...where, 'views', index], `no view is called ${keyName(name)}`, remedy)
    }
  }
  for (const { name, rules } of workloads) {
    for (const [index, { views: names }] of rules.entries()) {
      check(names, [...at, 'workloads', name, 'rules', index])
    }
  }
  for (const [index, { views: names }] of enterprises.entries()) {
    check(names, [...at, 'enterprises', index])
  }
}
