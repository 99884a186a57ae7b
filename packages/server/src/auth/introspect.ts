import { isObject, own } from '@countersign/contract'
import { grantOf, tokenFault, type Grant } from './grant.ts'
import { unreachable, type Issuer, type IssuerRooms } from './issuer.ts'
import { Unfetched } from './safe-fetch.ts'
import type { IntrospectionSettings } from './settings.ts'

/** What an issuer knows of a token that says nothing by itself (RFC 7662). */
export async function introspect(
  { safeFetch, log, world }: IssuerRooms,
  issuer: Issuer,
  token: string,
  digest: string,
): Promise<Grant> {
  const { settings } = issuer
  const { introspection, reach } = settings
  if (!introspection) throw tokenFault('It is no JWT, and no issuer of ours is asked about others.')
  try {
    const url = introspection.url ?? (await issuer.metadata.get()).introspectionUrl
    if (url === undefined) throw new Unfetched(`${settings.issuer} names no introspection endpoint`)
    const { status, json } = await safeFetch.ask({
      url,
      reach,
      method: 'POST',
      headers: {
        authorization: `Basic ${credentials(introspection)}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
    })
    if (status !== 200 || !isObject(json)) throw new Unfetched(`${url} answers ${String(status)}`)
    if (own(json, 'active') !== true) throw tokenFault('It is not active.')
    if (Object.hasOwn(json, 'iss') && own(json, 'iss') !== settings.issuer) {
      throw tokenFault('It is from another issuer.')
    }
    const grant = grantOf(settings, json, digest)
    if (grant.expiresAt <= world.now()) throw tokenFault('It has expired.')
    return grant
  } catch (thrown) {
    if (!(thrown instanceof Unfetched)) throw thrown
    log.warn({ issuer: settings.issuer, cause: thrown.message }, 'an issuer cannot be reached')
    throw unreachable(thrown)
  }
}

/** RFC 6749 §2.3.1: both parts are form-encoded before they are joined. */
function credentials({ clientId, clientSecret }: IntrospectionSettings): string {
  return Buffer.from(`${form(clientId)}:${form(clientSecret.reveal())}`).toString('base64')
}

const form = (text: string): string => new URLSearchParams({ x: text }).toString().slice(2)
