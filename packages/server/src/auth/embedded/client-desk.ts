import { Fault } from '@countersign/contract'
import type { AdapterPayload, JWKS } from 'oidc-provider'
import type { Ledger } from '#audit'
import { newId, type Seal, type World } from '#base'
import type { Records } from '#store'
import type { Revocations } from '../revocations.ts'
import { DISCOVER, isClassScope } from '../scopes.ts'
import { keptClients, type MachineAccess, type RegisteredClient } from './clients.ts'
import { isClientUrl } from './metadata-clients.ts'
import { isLoopbackRedirect, mayRedirectTo } from './redirects.ts'
import { openSigningKeys, type SigningKeys } from './signing-keys.ts'

export interface ClientDeskRooms {
  readonly world: World
  readonly records: Records
  readonly seal: Seal
  readonly ledger: Pick<Ledger, 'note'>
  readonly revocations: Pick<Revocations, 'revoke'>
  /** How long a token lives, and with it the key that signed it; undefined where we sign none. */
  readonly accessTokenMs: number | undefined
  readonly views: () => readonly string[]
  /** The server whose keys they are, while it is open here. */
  readonly running: () => { readonly rotateKeys: SigningKeys['rotate'] } | undefined
}

interface NewClient extends MachineAccess {
  readonly name: string
  /** Default: one is made. A URL is a client that describes itself there. */
  readonly id?: string | undefined
  readonly redirectUris: readonly string[]
  readonly method: 'none' | 'client_secret_basic' | 'private_key_jwt'
  readonly jwks?: JWKS | undefined
  readonly jwksUri?: string | undefined
}

/** What an administrator does about clients and keys, whether or not anything listens. */
export interface ClientDesk {
  readonly list: () => Promise<readonly RegisteredClient[]>
  readonly add: (
    wanted: NewClient,
  ) => Promise<{ readonly client: RegisteredClient; readonly secret: string | undefined }>
  readonly remove: (id: string) => Promise<RegisteredClient>
  readonly rotateKeys: SigningKeys['rotate']
}

const SECRET_BYTES = 32

export function makeClientDesk(rooms: ClientDeskRooms): ClientDesk {
  const { world, records, seal, ledger, revocations, accessTokenMs } = rooms
  const clients = keptClients(records, seal)
  const find = async (id: string): Promise<RegisteredClient> => {
    const found = (await clients.list()).find((one) => one.id === id)
    if (found) return found
    throw new Fault('client/unknown', `There is no client "${id}".`)
  }
  return {
    list: clients.list,
    add: async (wanted) => {
      checkServer(accessTokenMs)
      checkClient(wanted, rooms.views())
      const id = wanted.id ?? newId(world, 'client')
      const secret =
        wanted.method === 'client_secret_basic'
          ? world.random(SECRET_BYTES).toString('base64url')
          : undefined
      if (!isClientUrl(id) && !(await clients.add(metadataOf(id, wanted, secret), 'admin'))) {
        throw new Fault('client/taken', `There is a client "${id}" already. Remove it first.`)
      }
      const { views, scopes } = wanted
      if (scopes.length > 0) await clients.allow(id, { views, scopes })
      const client = await find(id)
      await ledger.note('client.added', { ...factsOf(client), by: 'admin' })
      return { client, secret }
    },
    remove: async (id) => {
      const client = await find(id)
      await clients.remove(id)
      // What it was given ends with it.
      await revocations.revoke({ kind: 'client', id })
      await ledger.note('client.removed', factsOf(client))
      return client
    },
    rotateKeys: async () => {
      checkServer(accessTokenMs)
      const running = rooms.running()
      const rotated = running
        ? await running.rotateKeys()
        : await (await openSigningKeys(rooms, accessTokenMs ?? 0)).rotate()
      await ledger.note('keys.rotated', rotated)
      return rotated
    },
  }
}

const factsOf = ({ id, name, method, redirectUris, access }: RegisteredClient) => ({
  client: id,
  name,
  method,
  redirectUris: [...redirectUris],
  ...(access ? { views: [...access.views], scopes: [...access.scopes] } : {}),
})

function checkServer(accessTokenMs: number | undefined): void {
  if (accessTokenMs !== undefined) return
  throw new Fault(
    'rpc/bad-params',
    'Clients and keys belong to the embedded authorization server. Configure auth.embedded first.',
  )
}

const isScope = (scope: string): boolean =>
  scope === DISCOVER || isClassScope(scope) || /^tool:[^.:]+\.\S+$/.test(scope)

const bad = (why: string): Fault => new Fault('rpc/bad-params', why)

function checkClient(wanted: NewClient, known: readonly string[]): void {
  const { id, redirectUris } = wanted
  const isDescribed = id !== undefined && isClientUrl(id)
  if (id !== undefined && !isDescribed && !/^[\w.~:-]{1,128}$/.test(id)) {
    throw bad('An id has letters, digits and . _ ~ : -, or is the https URL of its description.')
  }
  const odd = wanted.scopes.find((scope) => !isScope(scope))
  if (odd !== undefined) {
    throw bad(`"${odd}" is no scope, such as mcp:discover, files:read or tool:files.read_file.`)
  }
  if (!redirectUris.every(mayRedirectTo)) {
    throw bad('Redirect URIs are https, or http on localhost, 127.0.0.1 or [::1].')
  }
  if (redirectUris.length === 0 && wanted.scopes.length === 0) {
    throw bad('Name a redirect URI, for people; or scopes, for a program of its own.')
  }
  checkMeans(wanted, isDescribed)
  checkAccess(wanted, known)
}

/** By which means it proves who it is. */
function checkMeans(
  { redirectUris, method, jwks, jwksUri, scopes }: NewClient,
  isDescribed: boolean,
): void {
  if (isDescribed && (redirectUris.length > 0 || method !== 'none')) {
    throw bad(
      'A client that describes itself at a URL says there where it is and how it proves it.',
    )
  }
  if (scopes.length > 0 && method === 'none' && !isDescribed) {
    throw bad('A program that has scopes of its own proves who it is: with a secret, or with keys.')
  }
  if ((method === 'private_key_jwt') !== (jwks !== undefined || jwksUri !== undefined)) {
    throw bad('Keys go with private_key_jwt, and it needs them: as a set, or as its URL.')
  }
}

function checkAccess({ views, scopes }: NewClient, known: readonly string[]): void {
  if (scopes.length > 0 !== views.length > 0) {
    throw bad("Scopes are for views: name both. '' is the view of all servers.")
  }
  const unknown = views.find((view) => !known.includes(view))
  if (unknown !== undefined) throw bad(`There is no view "${unknown}".`)
}

function metadataOf(
  id: string,
  { name, redirectUris, method, jwks, jwksUri, scopes }: NewClient,
  secret: string | undefined,
): AdapterPayload & { readonly client_id: string } {
  const isForPeople = redirectUris.length > 0
  return {
    client_id: id,
    client_name: name,
    token_endpoint_auth_method: method,
    redirect_uris: [...redirectUris],
    response_types: isForPeople ? ['code'] : [],
    grant_types: [
      ...(isForPeople ? ['authorization_code', 'refresh_token'] : []),
      ...(scopes.length > 0 ? ['client_credentials'] : []),
    ],
    // Any port is its own on the machine of a person, and on no other (RFC 8252 §7.3, CO5).
    application_type: isForPeople && redirectUris.every(isLoopbackRedirect) ? 'native' : 'web',
    ...(secret === undefined ? {} : { client_secret: secret }),
    ...(jwks === undefined ? {} : { jwks }),
    ...(jwksUri === undefined ? {} : { jwks_uri: jwksUri }),
  }
}
