import { randomUUID } from 'node:crypto'
import { Fault, isObject, own, type JsonObject } from '@countersign/contract'
import { Secret, type World } from '#base'
import { textIn } from '../discover.ts'
import { Unfetched, type SafeFetch } from '../safe-fetch.ts'
import { findIssuer, reachFrom, type FoundIssuer } from './find-issuer.ts'
import type { OwnKey } from './own-key.ts'

/** How a program proves who it is. */
export type Proof =
  | { readonly kind: 'assertion'; readonly jwt: Secret }
  | { readonly kind: 'secret'; readonly client: string; readonly secret: Secret }
  | { readonly kind: 'key'; readonly client: string; readonly key: OwnKey }

export interface TokenPlan {
  readonly resource: string
  /** Where the resource names several, or where it must be one and no other. */
  readonly issuer: string | undefined
  readonly scope: string | undefined
  /** Made for the issuer that was found: what it shows is good there and nowhere else. */
  readonly proofFor: (issuer: string) => Promise<Proof>
  /** The key that the token is to be bound to (RFC 9449). */
  readonly dpopKey: OwnKey | undefined
}

export interface Obtained {
  readonly token: Secret
  readonly issuer: string
  /** Everything else of the answer. */
  readonly rest: JsonObject
}

interface Rooms {
  readonly world: Pick<World, 'now'>
  readonly safeFetch: SafeFetch
}

/** Gets a token for a program that has no person behind it (RFC 7523, RFC 6749 §4.4). */
export async function obtainToken(rooms: Rooms, plan: TokenPlan): Promise<Obtained> {
  const found = await findIssuer(rooms.safeFetch, plan.resource, plan.issuer)
  const proof = await plan.proofFor(found.issuer)
  // What is shown may be good once, so a nonce that is asked for is answered with the same again.
  const first = await ask(rooms, plan, { found, proof, nonce: undefined })
  const nonce = [first.headers['dpop-nonce'] ?? ''].flat()[0]
  const wantsNonce = isObject(first.json) && own(first.json, 'error') === 'use_dpop_nonce'
  const { status, json } = wantsNonce ? await ask(rooms, plan, { found, proof, nonce }) : first
  const { access_token: token, ...rest } = isObject(json) ? json : {}
  if (status !== 200 || typeof token !== 'string' || token === '')
    throw refusal(found, status, json)
  if (plan.dpopKey && textIn(rest, 'token_type')?.toLowerCase() !== 'dpop') {
    throw new Fault('auth/token', `${found.issuer} did not bind the token to the key.`)
  }
  return { token: new Secret(token), issuer: found.issuer, rest }
}

interface Attempt {
  readonly found: FoundIssuer
  readonly proof: Proof
  readonly nonce: string | undefined
}

async function ask({ world, safeFetch }: Rooms, plan: TokenPlan, attempt: Attempt) {
  const { found, proof, nonce } = attempt
  const { resource, scope, dpopKey } = plan
  const now = Math.floor(world.now() / 1_000)
  const shown = await shownFor(found, proof, now)
  const body = new URLSearchParams({
    resource,
    ...(scope === undefined ? {} : { scope }),
    ...shown.params,
  })
  const dpop = dpopKey && (await dpopProof(dpopKey, found.tokenEndpoint, { now, nonce }))
  try {
    return await safeFetch.ask({
      url: found.tokenEndpoint,
      reach: reachFrom(resource, found.tokenEndpoint),
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...shown.headers,
        ...(dpop === undefined ? {} : { dpop }),
      },
      body: body.toString(),
    })
  } catch (thrown) {
    const why = thrown instanceof Unfetched ? thrown.message : 'it failed'
    throw new Fault('auth/unavailable', `No answer to the request for a token: ${why}.`, {
      cause: thrown,
    })
  }
}

interface InRequest {
  readonly params: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
}

const ASSERTION_S = 60

async function shownFor(found: FoundIssuer, proof: Proof, now: number): Promise<InRequest> {
  switch (proof.kind) {
    case 'assertion':
      return {
        params: {
          grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
          assertion: proof.jwt.reveal(),
        },
        headers: {},
      }
    case 'secret':
      return withSecret(found.metadata, proof.client, proof.secret)
    case 'key': {
      const { client, key } = proof
      const claims = { iss: client, sub: client, aud: found.issuer, jti: randomUUID() }
      const header = key.kid === undefined ? {} : { kid: key.kid }
      return {
        params: {
          grant_type: 'client_credentials',
          client_id: client,
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: await key.sign(header, { ...claims, iat: now, exp: now + ASSERTION_S }),
        },
        headers: {},
      }
    }
  }
}

function withSecret(metadata: JsonObject, client: string, secret: Secret): InRequest {
  const params = { grant_type: 'client_credentials' }
  const methods = own(metadata, 'token_endpoint_auth_methods_supported')
  // RFC 8414 §2: without a word about it, in the header.
  if (Array.isArray(methods) && !methods.includes('client_secret_basic')) {
    return { params: { ...params, client_id: client, client_secret: secret.reveal() }, headers: {} }
  }
  const pair = `${form(client)}:${form(secret.reveal())}`
  return { params, headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } }
}

/** RFC 6749 §2.3.1 */
const form = (text: string): string => new URLSearchParams({ x: text }).toString().slice(2)

const dpopProof = (
  key: OwnKey,
  url: string,
  { now, nonce }: { readonly now: number; readonly nonce: string | undefined },
): Promise<string> =>
  key.sign(
    { typ: 'dpop+jwt', jwk: key.publicJwk },
    {
      htm: 'POST',
      htu: url,
      iat: now,
      jti: randomUUID(),
      ...(nonce === undefined ? {} : { nonce }),
    },
  )

const ADVICE: Readonly<Record<string, string>> = {
  invalid_grant: 'Its operator finds the reason in the ledger (token.refused).',
  invalid_client: 'Check the id of the client and how it proves itself.',
  invalid_scope: 'Ask for less with --scope, or have its operator allow more.',
  invalid_target: 'Check --resource: it must be exactly the URL of a view that you may use.',
  unauthorized_client: 'Have its operator allow this client what it asks for.',
  unsupported_grant_type: 'Have its operator trust your platform: auth.embedded.workloads.',
  invalid_dpop_proof: 'Bind the token to a key with --dpop-key.',
  temporarily_unavailable: 'Try again soon.',
}

function refusal({ issuer }: FoundIssuer, status: number, json: unknown): Fault {
  const error = isObject(json) ? wordsIn(json, 'error') : undefined
  if (!isObject(json) || error === undefined) {
    return new Fault('auth/unavailable', `${issuer} answers ${String(status)}, and no token.`)
  }
  const why = wordsIn(json, 'error_description')
  const said = why === undefined ? error : `${error}: ${why.replace(/\.?$/, '.')}`
  return new Fault(
    'auth/token',
    [`${issuer} gives no token: ${said}`, ADVICE[error]].join(' ').trim(),
  )
}

const WORDS_MAX = 500
/** RFC 6749 §5.2: what stands there may hold no other characters, and nothing of it obeys a terminal. */
const wordsIn = (json: JsonObject, key: string): string | undefined =>
  textIn(json, key)
    ?.replaceAll(/[^\u0020-\u007E]/g, '?')
    .slice(0, WORDS_MAX)
