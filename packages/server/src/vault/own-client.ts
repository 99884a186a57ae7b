import type { JsonObject } from '@countersign/contract'
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'
import type { Cabinet } from './cabinet.ts'
import type { OwnClient } from './settings.ts'

/** The key with which we prove to authorization servers who we are; the same on every node. */
export interface OwnKey {
  readonly privateJwk: () => Promise<JsonObject>
  /** What is published: `/.well-known/oauth-client-jwks.json`. */
  readonly published: () => Promise<JsonObject>
}

export const OWN_KEY_ALGORITHM = 'ES256'

export function makeOwnKey({ secrets }: Cabinet): OwnKey {
  let kept: Promise<JsonObject> | undefined
  const read = async (): Promise<JsonObject> => {
    const known = await secrets.get('UpstreamKey', 'own')
    if (known) return known
    // Of two nodes that start at once, one makes it and both read that one.
    return secrets.first('UpstreamKey', 'own', await makeJwk())
  }
  const privateJwk = (): Promise<JsonObject> => {
    kept ??= read().catch((thrown: unknown) => {
      kept = undefined
      throw thrown
    })
    return kept
  }
  return {
    privateJwk,
    published: async () => {
      const { d: _d, ...jwk } = await privateJwk()
      return { keys: [{ ...jwk, use: 'sig', alg: OWN_KEY_ALGORITHM }] }
    },
  }
}

/** A fresh key, with the id that its thumbprint gives it. */
export async function makeJwk(): Promise<JsonObject> {
  const { privateKey } = await generateKeyPair(OWN_KEY_ALGORITHM, { extractable: true })
  const jwk = await exportJWK(privateKey)
  return { ...jwk, kid: await calculateJwkThumbprint(jwk) }
}

/** What we say of ourselves when we register; the document says the same (OC7, OC8, OC17). */
export function ownMetadata({ redirectUrl }: OwnClient) {
  return {
    client_name: 'Countersign',
    redirect_uris: [redirectUrl],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    application_type: new URL(redirectUrl).protocol === 'https:' ? 'web' : 'native',
  } as const
}

/** The documents that describe us (Client ID Metadata Document), and where they are served. */
export const CLIENT_PATH = '/.well-known/oauth-client.json'
export const PUBLIC_CLIENT_PATH = '/.well-known/oauth-client-public.json'
export const CLIENT_JWKS_PATH = '/.well-known/oauth-client-jwks.json'
export const CALLBACK_PATH = '/connect/callback'

/** Who we are when the world knows us by this origin. A document must be at an https URL (OC7). */
export function ownClientAt(origin: string): OwnClient {
  const isPublic = origin.startsWith('https:')
  return {
    redirectUrl: `${origin}${CALLBACK_PATH}`,
    documentUrl: isPublic ? `${origin}${CLIENT_PATH}` : undefined,
    publicDocumentUrl: isPublic ? `${origin}${PUBLIC_CLIENT_PATH}` : undefined,
  }
}

/** The document at `path`; undefined where there is none. */
export function ownDocument(origin: string, path: string): JsonObject | undefined {
  const own = ownClientAt(origin)
  const common = {
    client_uri: origin,
    ...ownMetadata(own),
    redirect_uris: [own.redirectUrl],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types: ['code'],
  }
  if (path === PUBLIC_CLIENT_PATH) {
    const grants = ['authorization_code', 'refresh_token']
    const id = `${origin}${path}`
    return { client_id: id, ...common, grant_types: grants, token_endpoint_auth_method: 'none' }
  }
  if (path !== CLIENT_PATH) return undefined
  return {
    client_id: `${origin}${path}`,
    ...common,
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: OWN_KEY_ALGORITHM,
    jwks_uri: `${origin}${CLIENT_JWKS_PATH}`,
  }
}
