import { z } from 'zod'
import { ALGORITHMS, type AuthSettings, type IssuerSettings } from '#auth'
import { Secret } from '#base'
import { embeddedOf, embeddedSchema } from './embedded.ts'
import { expand, type Variable } from './expand.ts'
import { checkUrl, isLocalUrl } from './issuer-url.ts'
import { duration, durationText } from './limits.ts'
import type { Complain, Path } from './mistake.ts'
import { signInOf, signInSchema } from './sign-in.ts'

const URL_CHARS_MAX = 2_048
/** Part of the id of each principal, which has to stay short. */
const ISSUER_CHARS_MAX = 200
const NAME_CHARS_MAX = 256
const SECRET_CHARS_MAX = 4_096
const ISSUERS_MAX = 20
const SKEW_MS = 30_000
const SKEW = { min: 0, max: 5 * 60_000 }

const url = z.string().min(1).max(URL_CHARS_MAX)
const claim = z.string().min(1).max(NAME_CHARS_MAX)

const introspectionSchema = z
  .strictObject({
    url: url.optional().describe('Where it is asked. Default: what its metadata says.'),
    clientId: z.string().min(1).max(NAME_CHARS_MAX).describe('How we are known to it.'),
    clientSecret: z
      .string()
      .min(1)
      .max(SECRET_CHARS_MAX)
      .describe('Our secret with it, as `${NAME}`: it does not belong into a file.'),
    always: z
      .boolean()
      .default(false)
      .describe(
        'Asks about JWTs too, so that a revoked one is refused within 30 s instead of when it expires.',
      ),
  })
  .describe(
    'Asks the issuer about tokens (RFC 7662): those that are no JWT, or all. For one issuer at most.',
  )

const issuerSchema = z.strictObject({
  issuer: z
    .string()
    .min(1)
    .max(ISSUER_CHARS_MAX)
    .describe('The issuer, exactly as it stands in `iss` and in its metadata.'),
  audience: z
    .string()
    .min(1)
    .max(URL_CHARS_MAX)
    .optional()
    .describe(
      'What must stand in `aud`. Default: the URL of the view that is asked for, so a token for one view opens no other.',
    ),
  jwksUri: url.optional().describe('Where its keys are. Default: what its metadata says.'),
  algorithms: z
    .array(z.enum(ALGORITHMS))
    .min(1)
    .max(ALGORITHMS.length)
    .default([...ALGORITHMS])
    .describe('The signatures that are accepted. Name the one it uses, and no other is.'),
  tokenType: z
    .enum(['at+jwt', 'jwt'])
    .default('at+jwt')
    .describe(
      '`at+jwt` takes access tokens of RFC 9068 and nothing else; `jwt` also those of issuers that write JWT, or nothing, as their type.',
    ),
  introspection: introspectionSchema.optional(),
  scopesClaim: claim
    .default('scope')
    .describe('The claim with the scopes: words, or a list. Entra and Okta write `scp`.'),
  clientClaim: claim
    .default('client_id')
    .describe('The claim with the client. Keycloak and Entra write `azp`, Okta `cid`.'),
  dpop: z
    .enum(['off', 'accepted', 'required'])
    .default('accepted')
    .describe(
      'Whether tokens may, or must, be bound to a key of their client (RFC 9449). A bound token is never taken without its proof.',
    ),
  stepUp: z
    .enum(['tool', 'class', 'off'])
    .default('tool')
    .describe(
      'What a client is told to ask for when its token does not reach: the one `tool`, its `class`, or nothing: with `off` tools out of reach are not listed.',
    ),
  scopePrefix: z
    .string()
    .min(1)
    .max(NAME_CHARS_MAX)
    .regex(/^[\u0021\u0023-\u005B\u005D-\u007E]+$/)
    .optional()
    .describe(
      'What its scopes are asked for with: Entra wants `api://{id}/`. Tokens are read with it or without.',
    ),
  classes: z
    .enum(['frozen', 'growing'])
    .default('frozen')
    .describe(
      '`frozen`: a class scope covers the tools that were there when it was first used through a client; what is added or made riskier later is asked for by name. `growing`: always the tools of now.',
    ),
  network: z
    .enum(['public', 'private'])
    .default('public')
    .describe(
      'Where its addresses may be. `private` also allows 10/8, 172.16/12, 192.168/16 and fc00::/7. An issuer on this machine is for development, and may be reached there alone.',
    ),
})

export const authSchema = z
  .strictObject({
    issuers: z
      .array(issuerSchema)
      .max(ISSUERS_MAX)
      .default([])
      .describe('The authorization servers whose tokens are taken; of others, none.'),
    embedded: embeddedSchema.optional(),
    signIn: signInSchema.optional(),
    skew: duration(SKEW)
      .default(SKEW_MS)
      .describe(
        `How far the clock of an issuer may differ from ours: a time up to ${durationText(SKEW.max)}.`,
      ),
    dpopNonces: z
      .boolean()
      .default(false)
      .describe(
        'Whether proofs must repeat a nonce of ours, so that none can be made in advance; costs each client one more request now and then.',
      ),
  })
  .optional()
  .describe('Who may use us. Without it everybody on this machine may, and nobody else can.')

type Written = NonNullable<z.output<typeof authSchema>>

/** What the section means, with its variables filled in; complains about what cannot be meant. */
export function authOf(written: Written, variable: Variable, complain: Complain): AuthSettings {
  const at: Path = ['auth', 'issuers']
  const issuers = written.issuers.flatMap((one, index) => {
    const read = issuerOf(one, { at: [...at, index], variable, complain })
    return read ? [read] : []
  })
  const names = written.issuers.map(({ issuer }) => issuer)
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) !== index) complain([...at, index], 'named twice', 'remove one')
  }
  if (issuers.length === 0 && written.issuers.length === 0 && !written.embedded) {
    complain(at, 'missing', 'name an authorization server, or use ours with `embedded: {}`')
  }
  const introspecting = written.issuers.filter((one) => one.introspection !== undefined)
  if (introspecting.length > 1) {
    const remedy = 'keep one: a token must not be shown to an issuer that did not make it'
    complain(at, 'several issuers with introspection', remedy)
  }
  const embedded = written.embedded && embeddedOf(written.embedded, ['auth', 'embedded'], complain)
  const signIn = written.signIn && signInOf(written.signIn, variable, complain)
  return { issuers, skewMs: written.skew, dpopNonces: written.dpopNonces, embedded, signIn }
}

interface Reading {
  readonly at: Path
  readonly variable: Variable
  readonly complain: Complain
}

function issuerOf(one: Written['issuers'][number], reading: Reading): IssuerSettings | undefined {
  const { issuer, audience, jwksUri, introspection, scopePrefix, network, ...rest } = one
  const isLocal = isLocalUrl(issuer)
  checkUrl(issuer, 'issuer', isLocal, reading)
  if (jwksUri !== undefined) checkUrl(jwksUri, 'jwksUri', isLocal, reading)
  const asking = introspection && introspectionOf(introspection, isLocal, reading)
  return {
    ...rest,
    issuer,
    reach: isLocal ? 'loopback' : network,
    ...(audience === undefined ? {} : { audience }),
    ...(jwksUri === undefined ? {} : { jwksUri }),
    ...(scopePrefix === undefined ? {} : { scopePrefix }),
    ...(asking === undefined ? {} : { introspection: asking }),
  }
}

function introspectionOf(
  { url: where, clientId, clientSecret, always }: z.output<typeof introspectionSchema>,
  isLocal: boolean,
  reading: Reading,
): IssuerSettings['introspection'] {
  const at = [...reading.at, 'introspection']
  if (where !== undefined) checkUrl(where, 'url', isLocal, { ...reading, at })
  const secret = expand(clientSecret, reading.variable)
  if (!secret.ok) {
    reading.complain([...at, 'clientSecret'], secret.problem, secret.remedy)
    return undefined
  }
  return {
    ...(where === undefined ? {} : { url: where }),
    clientId,
    clientSecret: new Secret(secret.text),
    always,
  }
}
