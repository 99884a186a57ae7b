// The authorization server of the bench: one key, one token that outlives every run, and proofs.

import { createHash, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import { listen } from '../listen.ts'

/** What stands in `aud`, whatever port the gateway listens on. */
export const AUDIENCE = 'urn:countersign:bench'
const SCOPE = 'bench:admin'
const LIFE_S = 6 * 3_600

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const seconds = (): number => Math.floor(Date.now() / 1_000)

function jwt(header: object, claims: object, key: KeyObject): string {
  const text = `${part({ alg: 'ES256', ...header })}.${part(claims)}`
  const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

const makePair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** How a call shows its token: with every call alike, or with a proof made for this one. */
export interface Shown {
  readonly token: string
  /** The key that the token is bound to, in PEM; undefined where it is bound to none. */
  readonly boundTo?: string
}

export interface Issuer {
  readonly url: string
  readonly bearer: Shown
  readonly bound: Shown
  readonly close: () => void
}

/** It answers what a resource server asks: its metadata, and its keys. */
export async function startIssuer(): Promise<Issuer> {
  const pair = makePair()
  const jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid: 'bench', alg: 'ES256' }
  let url = ''
  const server = createServer((request, response) => {
    const metadata = { issuer: url, jwks_uri: `${url}/jwks` }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(request.url === '/jwks' ? { keys: [jwk] } : metadata))
  })
  url = `http://127.0.0.1:${String(await listen(server))}`
  server.unref()
  const mint = (more: object = {}): string => {
    const iat = seconds()
    const times = { iat, exp: iat + LIFE_S }
    const whom = { iss: url, sub: 'bench', client_id: 'bench', aud: AUDIENCE, scope: SCOPE }
    const header = { typ: 'at+jwt', kid: 'bench' }
    return jwt(header, { ...whom, ...times, jti: randomUUID(), ...more }, pair.privateKey)
  }
  const key = makePair()
  const boundTo = String(key.privateKey.export({ format: 'pem', type: 'pkcs8' }))
  return {
    url,
    bearer: { token: mint() },
    bound: { token: mint({ cnf: { jkt: thumbprint(publicJwk(key.publicKey)) } }), boundTo },
    close: () => void server.close(),
  }
}

export interface PublicJwk {
  readonly crv: string | undefined
  readonly kty: string | undefined
  readonly x: string | undefined
  readonly y: string | undefined
}

/** In the order of RFC 7638, so that its text is what is digested. */
export function publicJwk(key: KeyObject): PublicJwk {
  const { crv, kty, x, y } = key.export({ format: 'jwk' })
  return { crv, kty, x, y }
}

const thumbprint = (jwk: PublicJwk): string =>
  createHash('sha256').update(JSON.stringify(jwk)).digest('base64url')

/** Proofs for calls of one URL with one token, each good for one call (RFC 9449). */
export function proofMaker(key: KeyObject, jwk: PublicJwk, token: string, htu: string) {
  const ath = createHash('sha256').update(token).digest('base64url')
  const header = { typ: 'dpop+jwt', jwk }
  return (): string =>
    jwt(header, { htm: 'POST', htu, ath, jti: randomUUID(), iat: seconds() }, key)
}
