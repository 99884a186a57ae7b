import { errors } from 'oidc-provider'
import { mayRedirectTo } from './redirects.ts'

/** Whoever registered it: a document, an administrator or the client itself (AS16). */
export function checkRedirects(value: unknown): void {
  const uris: readonly unknown[] = Array.isArray(value) ? value : []
  if (uris.every(mayRedirectTo)) return
  throw new errors.InvalidClientMetadata(
    'redirect_uris must be https, or http on localhost, 127.0.0.1 or [::1]',
  )
}
