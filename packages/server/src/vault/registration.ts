import { Fault, type JsonObject } from '@countersign/contract'
import { importJWK, importPKCS8, SignJWT, type CryptoKey } from 'jose'
import { newId, type World } from '#base'
import type { Cabinet } from './cabinet.ts'
import type { Found } from './discovery.ts'
import { OWN_KEY_ALGORITHM, ownMetadata, type OwnKey } from './own-client.ts'
import {
  oauth,
  type FetchLike,
  type OAuthClientInformationMixed,
  type OAuthClientProvider,
} from './sdk.ts'
import type { OwnClient, ProtectedServer, RegisteredClient } from './settings.ts'
import { textAt } from './fields.ts'

/** Who we are at one authorization server, and how we prove it. */
export interface ClientThere {
  readonly information: OAuthClientInformationMixed
  readonly addClientAuthentication: OAuthClientProvider['addClientAuthentication']
  /** It came by registering ourselves, and can be had anew when it is known no longer. */
  readonly isRegistered: boolean
}

export interface Registrar {
  /** Pre-registered, else by our document, else by registering ourselves, else a clear error (OC6). */
  readonly clientAt: (
    server: ProtectedServer & { readonly id: string },
    found: Pick<Found, 'issuer' | 'metadata'>,
    fetchFn: FetchLike,
  ) => Promise<ClientThere>
  /** The issuer does not know us any longer. */
  readonly forget: (issuer: string) => Promise<void>
}

interface Rooms {
  readonly world: World
  readonly cabinet: Cabinet
  readonly ownKey: OwnKey
  readonly own: () => OwnClient
}

export function makeRegistrar({ world, cabinet, ownKey, own }: Rooms): Registrar {
  const keyOf = (issuer: string): string => JSON.stringify([issuer, own().redirectUrl])
  const register = async (
    { id }: { readonly id: string },
    { issuer, metadata }: Pick<Found, 'issuer' | 'metadata'>,
    fetchFn: FetchLike,
  ): Promise<ClientThere> => {
    const known = await cabinet.secrets.get('UpstreamClient', keyOf(issuer))
    if (known && !isOver(world, known)) return registered(known)
    const { registerClient } = await oauth()
    const { redirect_uris: uris, grant_types: grants, ...said } = ownMetadata(own())
    const clientMetadata = {
      ...said,
      redirect_uris: [...uris],
      grant_types: [...grants],
      response_types: ['code'],
    }
    const made = await registerClient(issuer, { metadata, clientMetadata, fetchFn }).catch(
      (cause: unknown) => {
        const why = `The authorization server of ${id} does not register us.`
        throw new Fault('upstream/unavailable', why, { cause })
      },
    )
    const value: JsonObject = {
      client_id: made.client_id,
      client_secret: made.client_secret ?? null,
      client_secret_expires_at: made.client_secret_expires_at ?? 0,
      token_endpoint_auth_method: made.token_endpoint_auth_method ?? null,
    }
    await cabinet.secrets.put('UpstreamClient', keyOf(issuer), value)
    return registered(value)
  }

  return {
    clientAt: async (server, found, fetchFn) => {
      const { auth, id } = server
      if (auth.client) {
        await pin(cabinet, server, found.issuer)
        return preRegistered(world, auth.client)
      }
      const document = documentFor(own(), found)
      if (document?.isPublic === true) return asPublic(document.url)
      if (document) {
        const privateJwk = await ownKey.privateJwk()
        const key = await importJWK(privateJwk, OWN_KEY_ALGORITHM)
        const signing = { key, algorithm: OWN_KEY_ALGORITHM, kid: textAt(privateJwk, 'kid') }
        return byKey(world, document.url, signing)
      }
      const canRegister = found.metadata.registration_endpoint !== undefined
      if (canRegister && auth.registration !== false) return register(server, found, fetchFn)
      throw new Fault(
        'upstream/unavailable',
        `The authorization server of ${id} knows no client of ours. Register one there and set auth.clientId${
          own().documentUrl === undefined ? ', or set listen.publicUrl to an https URL' : ''
        }.`,
      )
    },
    forget: (issuer) => cabinet.secrets.remove('UpstreamClient', keyOf(issuer)),
  }
}

/**
 * A client that an administrator registered belongs to one issuer. Where none is set, that is the
 * first one that the server named: a server cannot send it to another one later (OC5).
 */
async function pin(
  { secrets }: Cabinet,
  { id, auth }: ProtectedServer & { readonly id: string },
  issuer: string,
): Promise<void> {
  if (auth.issuer !== undefined || !auth.client) return
  const at = JSON.stringify(['issuer of', id, auth.client.id])
  const { issuer: first } = await secrets.first('UpstreamClient', at, { issuer })
  if (first === issuer) return
  throw new Fault(
    'upstream/unavailable',
    `The server ${id} names another authorization server than before: ${issuer}. If that is right, set auth.issuer.`,
  )
}

function preRegistered(world: World, client: RegisteredClient): Promise<ClientThere> | ClientThere {
  if (client.key) {
    const { pem, algorithm } = client.key
    return importPKCS8(pem.reveal(), algorithm).then((key) =>
      byKey(world, client.id, { key, algorithm, kid: undefined }),
    )
  }
  if (!client.secret) return asPublic(client.id)
  return {
    information: { client_id: client.id, client_secret: client.secret.reveal() },
    addClientAuthentication: undefined,
    isRegistered: false,
  }
}

/** A document says one method only, so there are two of them. */
function documentFor(own: OwnClient, { metadata }: Pick<Found, 'metadata'>) {
  if (metadata.client_id_metadata_document_supported !== true) return undefined
  const methods = metadata.token_endpoint_auth_methods_supported ?? []
  if (methods.includes('private_key_jwt') && own.documentUrl !== undefined) {
    return { url: own.documentUrl, isPublic: false }
  }
  const url = own.publicDocumentUrl
  return url === undefined ? undefined : { url, isPublic: true }
}

const asPublic = (id: string): ClientThere => ({
  information: { client_id: id },
  addClientAuthentication: (_headers, params) => {
    params.set('client_id', id)
  },
  isRegistered: false,
})

interface Signing {
  readonly key: CryptoKey | Uint8Array
  readonly algorithm: string
  readonly kid: string | undefined
}

const ASSERTION_S = 60

/** `private_key_jwt`: for this issuer, once, for a minute (RFC 7523 §3, WI10). */
function byKey(world: World, id: string, { key, algorithm, kid }: Signing): ClientThere {
  return {
    information: { client_id: id },
    isRegistered: false,
    addClientAuthentication: async (_headers, params, url, metadata) => {
      const now = Math.floor(world.now() / 1_000)
      const assertion = await new SignJWT({ jti: newId(world, 'assertion') })
        .setProtectedHeader({ alg: algorithm, typ: 'JWT', ...(kid === undefined ? {} : { kid }) })
        .setIssuer(id)
        .setSubject(id)
        .setAudience(metadata?.issuer ?? String(url))
        .setIssuedAt(now)
        .setExpirationTime(now + ASSERTION_S)
        .sign(key)
      params.set('client_id', id)
      params.set('client_assertion', assertion)
      params.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    },
  }
}

function registered(value: JsonObject): ClientThere {
  const [secret, method] = [textAt(value, 'client_secret'), textAt(value, METHOD)]
  return {
    information: {
      client_id: textAt(value, 'client_id'),
      redirect_uris: [],
      ...(secret === '' ? {} : { client_secret: secret }),
      ...(method === '' ? {} : { [METHOD]: method }),
    },
    addClientAuthentication: undefined,
    isRegistered: true,
  }
}

const METHOD = 'token_endpoint_auth_method'

/** RFC 7591 §3.2.1: 0 is never. */
function isOver(world: World, value: JsonObject): boolean {
  const until = value['client_secret_expires_at']
  return typeof until === 'number' && until !== 0 && until * 1_000 <= world.now()
}
