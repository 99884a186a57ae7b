import { isObject, own, textAt, type JsonObject } from '@countersign/contract'
import type { Provider } from 'oidc-provider'
import type { AuthorizationRooms } from './rooms.ts'

/**
 * RFC 7009 for access tokens. The provider keeps no list of those that it signed and says so; by then
 * it knows the client, so what is that client's own is revoked here, on every node (AS39).
 */
export function revokeTokens(
  provider: Provider,
  { revocations }: Pick<AuthorizationRooms, 'revocations'>,
  ownToken: (token: string) => Promise<JsonObject | undefined>,
): void {
  provider.use(async (ctx, next) => {
    await next()
    const { oidc, body } = ctx
    const isSigned = isObject(body) && own(body, 'error') === 'unsupported_token_type'
    if (!revocations || !isSigned || oidc?.route !== 'revocation') return
    const token = oidc.params?.['token']
    const claims = typeof token === 'string' ? await ownToken(token) : undefined
    const isTheirs = claims?.['client_id'] === oidc.client?.clientId
    if (claims && isTheirs) await revocations.revoke({ kind: 'token', id: textAt(claims, 'jti') })
    // RFC 7009 §2.2: what is not known is as good as revoked.
    ctx.status = 200
    ctx.body = ''
    ctx.type = 'text'
  })
}
