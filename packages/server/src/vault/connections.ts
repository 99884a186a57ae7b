import type { Log } from '#telemetry'
import type { Cabinet, Credential, CredentialLine } from './cabinet.ts'
import type { Ears } from './heard.ts'
import type { Note } from './notes.ts'
import type { Known, Rounds } from './round.ts'
import { oauth, type AuthorizationServerMetadata } from './sdk.ts'
import type { ClientThere } from './registration.ts'

/** What there is, for whoever runs the house. */
export interface Connections {
  readonly connections: () => Promise<readonly CredentialLine[]>
  /** Removes it here at once, and tells its issuer, which may not answer (RFC 7009). */
  readonly disconnect: (server: string, owner: string) => Promise<Disconnected | undefined>
  /** Wraps every key with the first master key; says how many were not. */
  readonly rekey: () => Promise<number>
}

/** Whether the issuer knows it too. */
type Disconnected = 'revoked' | 'forgotten'

interface Rooms {
  readonly log: Log
  readonly cabinet: Cabinet
  readonly rounds: Rounds
  readonly ears: Ears
  readonly note: Note
  readonly known: (server: string) => Known
  readonly has: (server: string) => boolean
}

export function makeConnections(rooms: Rooms): Connections {
  const { log, cabinet, ears, note, known, has } = rooms
  return {
    connections: cabinet.list,
    disconnect: async (server, owner) => {
      const removed = await cabinet.remove(server, owner)
      await ears.forget(server, owner)
      if (!removed) return undefined
      const { credential } = removed
      if (!credential) return 'forgotten'
      note('credential.removed', credential)
      // A server that is not configured any longer leads nowhere that we know.
      if (!has(server)) return 'forgotten'
      try {
        return (await revoke(rooms, known(server), credential)) ? 'revoked' : 'forgotten'
      } catch (cause) {
        log.warn({ server, cause: String(cause) }, 'an upstream credential was not revoked')
        return 'forgotten'
      }
    },
    rekey: cabinet.rekey,
  }
}

/** The refresh token first: with it an issuer ends what came of it too (RFC 7009 §2.1). */
async function revoke(
  { rounds }: Rooms,
  server: Known,
  { issuer, tokens }: Credential,
): Promise<boolean> {
  const { client, metadata, fetchFn } = await rounds.follow(server, issuer)
  const url: unknown = Reflect.get(metadata, 'revocation_endpoint')
  if (typeof url !== 'string' || client.information.client_id !== tokens.clientId) return false
  const endpoint = (await oauth()).assertSecureTokenEndpoint(url)
  const { refreshToken, accessToken } = tokens
  const all = [
    ...(refreshToken === undefined ? [] : [{ token: refreshToken, hint: 'refresh_token' }]),
    { token: accessToken, hint: 'access_token' },
  ]
  // An access token that ends by itself may be one that an issuer cannot end: the first one counts.
  let isFirst = true
  for (const { token, hint } of all) {
    const body = new URLSearchParams({ token, token_type_hint: hint })
    const headers = new Headers({ 'content-type': 'application/x-www-form-urlencoded' })
    await prove(client, { headers, body, endpoint, metadata })
    const { ok } = await fetchFn(endpoint, { method: 'POST', headers, body })
    if (!ok && isFirst) return false
    isFirst = false
  }
  return true
}

interface Proving {
  readonly headers: Headers
  readonly body: URLSearchParams
  readonly endpoint: URL
  readonly metadata: AuthorizationServerMetadata
}

/** As at the token endpoint (RFC 7009 §2.1). */
async function prove(
  { information, addClientAuthentication }: ClientThere,
  { headers, body, endpoint, metadata }: Proving,
): Promise<void> {
  if (addClientAuthentication) {
    await addClientAuthentication(headers, body, endpoint, metadata)
    return
  }
  const { client_id: id, client_secret: secret } = information
  const { selectClientAuthMethod } = await oauth()
  const methods = metadata.token_endpoint_auth_methods_supported ?? []
  const method = selectClientAuthMethod(information, methods)
  if (method === 'client_secret_basic') {
    headers.set('authorization', `Basic ${btoa(`${id}:${secret ?? ''}`)}`)
    return
  }
  body.set('client_id', id)
  if (method === 'client_secret_post') body.set('client_secret', secret ?? '')
}
