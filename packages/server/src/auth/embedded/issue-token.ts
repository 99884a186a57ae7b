import type { Provider, Client, KoaContextWithOIDC } from 'oidc-provider'
import type { JsonObject } from '@countersign/contract'
import type { ProtectedResource } from './protected.ts'
import { serverOf, type Resources } from './resources.ts'

/** An access token to be made, for a grant that is no part of the provider. */
export interface Issue {
  readonly client: Client
  readonly subject: string
  readonly resource: ProtectedResource
  readonly scopes: readonly string[]
  /** Default: that of every access token. Never longer than that. */
  readonly lifetimeMs?: number
  /** Beside those of every token: `act`, for example. */
  readonly claims?: JsonObject
  /** The thumbprint of the key that it is bound to. */
  readonly jkt?: string | undefined
}

/** The body of a token response (RFC 6749 §5.1). */
export interface Issued {
  readonly access_token: string
  readonly token_type: string
  readonly expires_in: number
  readonly scope: string
}

/** Claims of tokens that are being made, until they are signed. */
export type ClaimsToCome = WeakMap<object, JsonObject>

export async function issueToken(
  provider: Provider,
  ctx: KoaContextWithOIDC,
  { client, subject, resource, scopes, lifetimeMs, claims, jkt }: Issue,
  { resources, toCome }: { readonly resources: Resources; readonly toCome: ClaimsToCome },
): Promise<Issued> {
  const server = serverOf(resources, resource, resource.scopes())
  const longest = server.accessTokenTTL ?? 1
  const seconds = Math.max(1, Math.min(longest, Math.floor((lifetimeMs ?? Infinity) / 1_000)))
  const gty = grantTypeOf(ctx)
  // Nobody consented to it, so no grant stands behind it.
  const token = new provider.AccessToken({ client, accountId: subject, gty, grantId: '' })
  token.resourceServer = new provider.ResourceServer(resource.url, {
    ...server,
    accessTokenTTL: seconds,
  })
  token.scope = scopes.join(' ')
  if (jkt !== undefined) token.setThumbprint('jkt', jkt)
  if (claims) toCome.set(token, claims)
  ctx.oidc.entity('AccessToken', token)
  return {
    access_token: await token.save(),
    token_type: token.tokenType,
    expires_in: seconds,
    scope: token.scope,
  }
}

function grantTypeOf(ctx: KoaContextWithOIDC): string {
  const type = ctx.oidc.params?.['grant_type']
  return typeof type === 'string' ? type : ''
}
