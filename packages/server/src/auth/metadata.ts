import type { JsonObject } from '@countersign/contract'
import { DISCOVER } from './scopes.ts'
import { ALGORITHMS, type AuthSettings } from './settings.ts'

/** Where the metadata of a resource is; the root form is that of the view of all servers. */
export const METADATA_PATH = '/.well-known/oauth-protected-resource'

/**
 * RFC 9728 §2. Scopes are those with which something can be done without any risk; what more is
 * needed is said when it is needed, never all that there is.
 */
export function resourceMetadata(
  { issuers }: AuthSettings,
  resource: string,
  view: { readonly id: string; readonly servers: readonly string[] },
): JsonObject {
  const takesProofs = issuers.some(({ dpop }) => dpop !== 'off')
  return {
    resource,
    authorization_servers: issuers.map(({ issuer }) => issuer),
    scopes_supported: [DISCOVER, ...view.servers.map((server) => `${server}:read`)],
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
