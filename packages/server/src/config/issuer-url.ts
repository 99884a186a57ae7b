import { isLoopback } from './listen.ts'
import type { Complain, Path } from './mistake.ts'

/** An issuer on this machine is for development: it may be http, and is reached there alone. */
export const isLocalUrl = (text: string): boolean =>
  URL.canParse(text) && isLoopback(new URL(text).hostname)

/** RFC 8414 §2: an issuer has neither query nor fragment, and nothing here has a fragment. */
export function checkUrl(
  text: string,
  field: string,
  isLocal: boolean,
  reading: { readonly at: Path; readonly complain: Complain },
): void {
  const at = [...reading.at, field]
  if (!URL.canParse(text)) {
    reading.complain(at, 'not a URL', 'for example https://login.example/realms/work')
    return
  }
  const { protocol, username, password, search, hash } = new URL(text)
  if (protocol !== 'https:' && !(isLocal && protocol === 'http:')) {
    reading.complain(at, 'not https', 'http is for an issuer on this machine alone')
  } else if (username !== '' || password !== '' || hash !== '' || text.includes('#')) {
    reading.complain(at, 'a password or a # part in the URL', 'remove it')
  } else if (field === 'issuer' && (search !== '' || text.includes('?'))) {
    reading.complain(at, 'a query in an issuer', 'write it as it stands in `iss`')
  }
}
