import { errors, type Client, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider'
import { DISCOVER } from '../scopes.ts'
import type { MachineAccess } from './clients.ts'
import type { Protected, ProtectedResource } from './protected.ts'
import { SIGNING_ALGORITHM } from './signing-keys.ts'

/** Scopes that say something to the authorization server itself. */
export const OWN_SCOPES = ['openid', 'offline_access'] as const
const isOwn = (scope: string): boolean => OWN_SCOPES.some((one) => one === scope)

export interface Resources {
  readonly protectedOnes: Protected
  readonly accessTokenMs: number
  readonly kid: () => string
  readonly accessOf: (client: string) => Promise<MachineAccess | undefined>
}

/** RFC 8707: what a token of this resource may hold, and how it is made. */
export async function resourceFor(
  resources: Resources,
  ctx: KoaContextWithOIDC,
  url: string,
  client: Client,
): Promise<ResourceServer> {
  const resource = resources.protectedOnes.at(url)
  if (!resource)
    throw new errors.InvalidTarget('no such resource here; see protected resource metadata')
  const isMachine = ctx.oidc.params?.['grant_type'] === 'client_credentials'
  const scopes = isMachine ? await machineScopes(resources, resource, client) : resource.scopes()
  settleScope(ctx, scopes)
  return serverOf(resources, resource, scopes)
}

/** A resource as the provider signs tokens for it: RFC 9068, one audience. */
export function serverOf(
  { accessTokenMs, kid }: Resources,
  { url }: ProtectedResource,
  scopes: readonly string[],
): ResourceServer {
  return {
    scope: scopes.join(' '),
    audience: url,
    accessTokenTTL: Math.floor(accessTokenMs / 1_000),
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: SIGNING_ALGORITHM, kid: kid() } },
  }
}

/** Nobody consents for a program, so an administrator must have said what it may have. */
async function machineScopes(
  { accessOf }: Resources,
  resource: ProtectedResource,
  { clientId }: Client,
): Promise<readonly string[]> {
  const access = await accessOf(clientId)
  if (!access) {
    throw new errors.UnauthorizedClient('an administrator has to give this client scopes first')
  }
  if (!access.views.includes(resource.view)) {
    throw new errors.InvalidTarget('this client may not have tokens for this resource')
  }
  const known = new Set(resource.scopes())
  const given = access.scopes.filter((scope) => known.has(scope))
  // Every scope implies it: who asks for it alone, or for nothing, must not get a token of nothing.
  return given.length > 0 ? [...new Set([DISCOVER, ...given])] : []
}

/**
 * AS26: whoever names no scope gets the least there is. Unknown ones are passed over (RFC 6749 §3.3),
 * unless nothing is left of what was asked for: then it is said, and not at the end.
 */
function settleScope(ctx: KoaContextWithOIDC, available: readonly string[]): void {
  const { params, route } = ctx.oidc
  const isAsking =
    ['authorization', 'pushed_authorization_request'].includes(route) ||
    params?.['grant_type'] === 'client_credentials'
  if (!params || !isAsking) return
  const asked = typeof params['scope'] === 'string' ? params['scope'].split(' ') : []
  const meant = asked.filter((scope) => !isOwn(scope))
  if (meant.some((scope) => available.includes(scope))) return
  if (meant.length > 0) {
    throw new errors.InvalidScope('none of these scopes means anything there', meant.join(' '))
  }
  params['scope'] = [...asked, DISCOVER].filter((scope) => scope !== '').join(' ')
}
