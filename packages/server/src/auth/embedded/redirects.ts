const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/** AS17: a code goes to https, or to a program on the person's own machine. */
export function mayRedirectTo(uri: unknown): boolean {
  if (typeof uri !== 'string' || !URL.canParse(uri)) return false
  const { protocol, hostname, username, password } = new URL(uri)
  if (uri.includes('#') || username !== '' || password !== '') return false
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.includes(hostname))
}

/** A program on the person's own machine, at whichever port is free. */
export const isLoopbackRedirect = (uri: string): boolean =>
  URL.canParse(uri) && LOOPBACK.includes(new URL(uri).hostname)
