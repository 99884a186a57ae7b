import type { JsonObject } from '@countersign/contract'
import { DISCOVER } from './scopes.ts'
import type { Principal } from './principal.ts'
import { ALGORITHMS, type AuthSettings } from './settings.ts'

/** Where the metadata of a resource is; the root form is that of the view of all servers. */
export const METADATA_PATH = '/.well-known/oauth-protected-resource'

/**
 * A scope as it is asked for at the issuer of somebody's token; of whoever has none yet, at the first
 * one, where clients go.
 */
export const asAskedOf = (
  { issuers }: AuthSettings,
  who?: Principal,
): ((scope: string) => string) => {
  const named = issuers.find(({ issuer }) => who?.proof !== 'local' && issuer === who?.issuer)
  const { scopePrefix = '' } = named ?? issuers[0] ?? {}
  return (scope) => `${scopePrefix}${scope}`
}

/**
 * RFC 9728 §2. Scopes are those with which something can be done without any risk; what more is
 * needed is said when it is needed, never all that there is.
 */
export function resourceMetadata(
  settings: AuthSettings,
  resource: string,
  view: { readonly id: string; readonly servers: readonly string[] },
): JsonObject {
  const { issuers } = settings
  const scopes = [DISCOVER, ...view.servers.map((server) => `${server}:read`)]
  const takesProofs = issuers.some(({ dpop }) => dpop !== 'off')
  return {
    resource,
    authorization_servers: issuers.map(({ issuer }) => issuer),
    scopes_supported: scopes.map(asAskedOf(settings)),
    bearer_methods_supported: ['header'],
    resource_name: view.id === '' ? 'Countersign' : `Countersign: ${view.id}`,
    ...(takesProofs
      ? {
          dpop_signing_alg_values_supported: [...ALGORITHMS],
          dpop_bound_access_tokens_required: issuers.every(({ dpop }) => dpop === 'required'),
        }
      : {}),
  }
}
