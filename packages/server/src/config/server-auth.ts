import { z } from 'zod'
import { Secret } from '#base'
import type { ServerAuth } from '#vault'
import { expand } from './expand.ts'
import { checkUrl, isLocalUrl } from './issuer-url.ts'
import type { Path } from './mistake.ts'
import type { Reading } from './server-spec.ts'
import { sourceFrom, sourceSchema } from './vault.ts'

const URL_CHARS_MAX = 2_048
const NAME_CHARS_MAX = 256
const SECRET_CHARS_MAX = 16_384
const SCOPES_MAX = 100
/** RFC 6749 §3.3. */
const SCOPE = /^[\u0021\u0023-\u005B\u005D-\u007E]{1,256}$/

const url = z.string().min(1).max(URL_CHARS_MAX)
const name = z.string().min(1).max(NAME_CHARS_MAX)
const secret = z.string().min(1).max(SECRET_CHARS_MAX)

const identityProviderSchema = z
  .strictObject({
    issuer: url.optional().describe('The identity provider; its metadata says where to ask.'),
    tokenUrl: url.optional().describe('Where to ask, when its metadata does not say.'),
    clientId: name.describe('How we are known to it.'),
    clientSecret: secret.optional().describe('Our secret with it, as `${NAME}`.'),
  })
  .describe('With `id_jag`: who states who somebody is.')

/** How we prove to one server who calls. */
export const serverAuthSchema = z
  .strictObject({
    grant: z
      .enum(['authorization_code', 'client_credentials', 'token_exchange', 'id_jag', 'workload'])
      .default('authorization_code')
      .describe(
        'How we come by tokens: each person connects in a browser; we alone; an exchange at its authorization server (RFC 8693); a statement of the company (ID-JAG), or of the platform we run on (RFC 7523).',
      ),
    per: z
      .enum(['principal', 'service'])
      .optional()
      .describe(
        '`principal`: each caller has a connection and a token of their own. `service`: all calls go out under one. Default: as fits the grant.',
      ),
    clientId: name
      .optional()
      .describe('How its administrator registered us. Default: we introduce ourselves.'),
    clientSecret: secret.optional().describe('Our secret there, as `${NAME}`.'),
    clientKey: secret
      .optional()
      .describe('Our private key there (PKCS #8, PEM), as `${NAME}`, for `private_key_jwt`.'),
    clientKeyAlgorithm: z
      .enum(['ES256', 'ES384', 'RS256', 'PS256', 'EdDSA'])
      .default('ES256')
      .describe('What that key signs with.'),
    issuer: url
      .optional()
      .describe('The only authorization server that is believed. Default: the one it names.'),
    resource: url
      .optional()
      .describe('What it calls itself, where that is not its `url` (RFC 9728 §3.3).'),
    scopes: z
      .array(z.string().regex(SCOPE))
      .max(SCOPES_MAX)
      .optional()
      .describe('What is asked for at first. Default: what it says it needs.'),
    registration: z
      .boolean()
      .default(true)
      .describe('Whether we may register ourselves (RFC 7591) where nothing better works.'),
    network: z
      .enum(['public', 'private'])
      .default('public')
      .describe(
        'Where the addresses it names may be. `private` also allows 10/8, 172.16/12, 192.168/16 and fc00::/7. A server on this machine may name this machine.',
      ),
    originIssues: z
      .boolean()
      .default(false)
      .describe(
        'Whether its own origin is its authorization server when it names none (2025-03-26).',
      ),
    dpop: z
      .enum(['off', 'auto', 'required'])
      .default('auto')
      .describe(
        'Whether tokens are bound to a key of ours (RFC 9449); `auto` where it asks for it.',
      ),
    statement: sourceSchema
      .optional()
      .describe('With `workload`: where the platform puts its statement about us; read each time.'),
    identityProvider: identityProviderSchema.optional(),
  })
  .describe('How we prove to it who calls (OAuth 2.1), beside or instead of `headers`.')

type Written = z.output<typeof serverAuthSchema>

/** Grants that say who somebody is; the others say only that it is us. */
const OF_SOMEBODY: readonly string[] = ['authorization_code', 'token_exchange', 'id_jag']

/** What `auth` of a server at `address` means; complains about what cannot be meant. */
export function serverAuthOf(written: Written, address: string, given: Reading): ServerAuth {
  const reading = { ...given, at: [...given.at, 'auth'] }
  const { grant, issuer, resource, scopes, registration, originIssues, dpop } = written
  const isLocal = isLocalUrl(address)
  if (!isLocal && new URL(address).protocol !== 'https:') {
    given.complain([...given.at, 'url'], 'not https', 'tokens would travel unencrypted')
  }
  checkUrls({ issuer, resource }, reading)
  const per = written.per ?? (OF_SOMEBODY.includes(grant) ? 'principal' : 'service')
  complainPer(written, per, reading)
  complainIssuer(written, reading)
  const client = clientOf(written, reading)
  const identityProvider = identityProviderOf(written, reading)
  const statement = statementOf(written, reading)
  return {
    per,
    grant,
    registration,
    originIssues,
    dpop,
    reach: isLocal ? 'loopback' : written.network,
    ...(client ? { client } : {}),
    ...(issuer === undefined ? {} : { issuer }),
    ...(resource === undefined ? {} : { resource }),
    ...(scopes === undefined ? {} : { scopes }),
    ...(identityProvider ? { identityProvider } : {}),
    ...(statement ? { statement } : {}),
  }
}

function checkUrls(
  urls: Readonly<Record<string, string | undefined>>,
  reading: Pick<Reading, 'at' | 'complain'>,
): void {
  for (const [field, text] of Object.entries(urls)) {
    if (text !== undefined) checkUrl(text, field, isLocalUrl(text), reading)
  }
}

function complainPer({ grant }: Written, per: ServerAuth['per'], { at, complain }: Reading): void {
  const isOfUs = grant === 'client_credentials' || grant === 'workload'
  if (per === 'principal' && isOfUs) {
    complain([...at, 'per'], `${grant} says nothing about who calls`, 'write service')
  }
  if (per === 'service' && (grant === 'token_exchange' || grant === 'id_jag')) {
    complain([...at, 'per'], `${grant} is about one person`, 'write principal')
  }
}

/**
 * What states who somebody is goes to an issuer that somebody here chose: the server may name anybody.
 * With a client of ours that is at least the first one that it named.
 */
function complainIssuer({ grant, issuer, clientId }: Written, { at, complain }: Reading): void {
  const isOpen = grant === 'token_exchange' || (grant === 'workload' && clientId === undefined)
  if (!isOpen || issuer !== undefined) return
  complain([...at, 'issuer'], 'missing', `say who is handed statements with ${grant}`)
}

function clientOf(written: Written, reading: Reading): ServerAuth['client'] {
  const { clientId, clientSecret, clientKey, clientKeyAlgorithm } = written
  const { at, complain } = reading
  if (clientId === undefined) {
    const field = clientSecret === undefined ? 'clientKey' : 'clientSecret'
    if (clientSecret !== undefined || clientKey !== undefined) {
      complain([...at, field], `${field} without clientId`, 'say whose it is, or remove it')
    }
    return undefined
  }
  if (clientSecret !== undefined && clientKey !== undefined) {
    complain([...at, 'clientKey'], 'a secret and a key', 'keep one: the key, if both work')
  }
  const shared = secretOf(clientSecret, [...at, 'clientSecret'], reading)
  const pem = secretOf(clientKey, [...at, 'clientKey'], reading)
  return {
    id: clientId,
    ...(shared ? { secret: shared } : {}),
    ...(pem ? { key: { pem, algorithm: clientKeyAlgorithm } } : {}),
  }
}

function statementOf({ grant, statement }: Written, reading: Reading): ServerAuth['statement'] {
  const at = [...reading.at, 'statement']
  if (statement === undefined) {
    if (grant === 'workload') reading.complain(at, 'missing', 'say where the platform puts it')
    return undefined
  }
  if (grant !== 'workload') {
    reading.complain(at, `means nothing with ${grant}`, 'remove it, or write grant: workload')
  }
  return sourceFrom(reading.folder, statement)
}

function identityProviderOf(written: Written, reading: Reading): ServerAuth['identityProvider'] {
  const { grant, identityProvider } = written
  const at = [...reading.at, 'identityProvider']
  if (identityProvider === undefined) {
    if (grant === 'id_jag') reading.complain(at, 'missing', 'say who states who somebody is')
    return undefined
  }
  if (grant !== 'id_jag') {
    reading.complain(at, `means nothing with ${grant}`, 'remove it, or write grant: id_jag')
  }
  const { issuer, tokenUrl, clientId, clientSecret } = identityProvider
  if (issuer === undefined && tokenUrl === undefined) {
    reading.complain(at, 'neither issuer nor tokenUrl', 'say where it is asked')
  }
  checkUrls({ issuer, tokenUrl }, { ...reading, at })
  const shared = secretOf(clientSecret, [...at, 'clientSecret'], reading)
  return {
    clientId,
    ...(issuer === undefined ? {} : { issuer }),
    ...(tokenUrl === undefined ? {} : { tokenUrl }),
    ...(shared ? { clientSecret: shared } : {}),
  }
}

function secretOf(written: string | undefined, at: Path, reading: Reading): Secret | undefined {
  if (written === undefined) return undefined
  const read = expand(written, reading.variable)
  if (read.ok) return new Secret(read.text)
  reading.complain(at, read.problem, read.remedy)
  return undefined
}
