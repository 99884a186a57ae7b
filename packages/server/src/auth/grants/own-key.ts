import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { Fault, isObject } from '@countersign/contract'
import { calculateJwkThumbprint, exportJWK, SignJWT, type JWK } from 'jose'

/** A key of whoever asks for a token, and what it signs. */
export interface OwnKey {
  readonly alg: string
  readonly kid: string | undefined
  readonly publicJwk: JWK
  readonly thumbprint: string
  readonly sign: (
    header: Readonly<Record<string, unknown>>,
    claims: Readonly<Record<string, unknown>>,
  ) => Promise<string>
}

/** Reads a private key as PEM (PKCS #8) or JWK; what it signs with follows from what it is. */
export async function ownKey(text: string): Promise<OwnKey> {
  const { key, jwk } = privateKeyIn(text)
  const alg = algorithmOf(key)
  const { kty, crv, x, y, n, e } = await exportJWK(createPublicKey(key))
  const publicJwk = JSON.parse(JSON.stringify({ kty, crv, x, y, n, e }))
  const kid = typeof jwk?.['kid'] === 'string' ? jwk['kid'] : undefined
  return {
    alg,
    kid,
    publicJwk,
    thumbprint: await calculateJwkThumbprint(publicJwk),
    sign: (header, claims) => new SignJWT(claims).setProtectedHeader({ ...header, alg }).sign(key),
  }
}

function privateKeyIn(text: string): {
  readonly key: KeyObject
  readonly jwk?: Readonly<Record<string, unknown>>
} {
  try {
    if (!text.trimStart().startsWith('{')) return { key: createPrivateKey(text) }
    const jwk: unknown = JSON.parse(text)
    if (!isObject(jwk)) throw new TypeError('no JWK')
    return { key: createPrivateKey({ key: { ...jwk }, format: 'jwk' }), jwk }
  } catch (cause) {
    const why = 'The key is no private key. It must be PEM (PKCS #8, not encrypted) or a JWK.'
    throw new Fault('rpc/bad-params', why, { cause })
  }
}

const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
}

function algorithmOf({ asymmetricKeyType: type, asymmetricKeyDetails }: KeyObject): string {
  const curve = CURVES[asymmetricKeyDetails?.namedCurve ?? '']
  if (type === 'ec' && curve !== undefined) return curve
  if (type === 'ed25519') return 'EdDSA'
  if (type === 'rsa') return 'RS256'
  throw new Fault('rpc/bad-params', 'The key must be one for P-256, P-384, P-521, Ed25519 or RSA.')
}
