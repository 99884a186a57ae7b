import { Fault } from '@countersign/contract'
import type { Knock } from './authenticate.ts'

/** What was shown to prove who asks. */
export interface Credentials {
  readonly scheme: 'bearer' | 'dpop'
  readonly token: string
}

/** RFC 9110 §11.2 `token68` */
const CREDENTIALS = /^(bearer|dpop) +([A-Za-z0-9\-._~+/]+=*) *$/i
const OUR_SCHEMES = /^(?:bearer|dpop)(?: |$)/i

/**
 * Reads the credentials of a request. A token in the URL is refused even beside a good header: URLs
 * are written down along the way (OAuth 2.1 §5.1).
 */
export function credentialsOf({ url, authorization }: Knock): Credentials {
  if (url.includes('?') && new URL(url).searchParams.has('access_token')) {
    throw new Fault('auth/malformed', 'A token belongs into the Authorization header, not the URL.')
  }
  const [header] = authorization
  if (authorization.length > 1) {
    throw new Fault('auth/malformed', 'More than one Authorization header.')
  }
  // Another scheme is as good as none (RFC 6750 §3.1).
  if (header === undefined || !OUR_SCHEMES.test(header)) {
    throw new Fault('auth/required', 'Authorization is needed. See WWW-Authenticate.')
  }
  const [, scheme, token] = CREDENTIALS.exec(header) ?? []
  if (scheme === undefined || token === undefined) {
    throw new Fault('auth/malformed', 'The Authorization header is malformed.')
  }
  return { scheme: scheme.toLowerCase() === 'dpop' ? 'dpop' : 'bearer', token }
}
