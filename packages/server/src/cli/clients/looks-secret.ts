/** A secret inside a text: what stands before and after it stays readable. */
export interface SecretPart {
  readonly before: string
  readonly secret: string
  readonly after: string
  /** What the text itself calls it, such as the name of a query parameter. */
  readonly called?: string
}

const NAMED =
  /(?:^|[^a-z])(?:token|secret|passw(?:or)?d|passphrase|pwd|pat|credentials?|authorization|auth|bearer|api[-_]?key|access[-_]?key|private[-_]?key|signing[-_]?key|encryption[-_]?key|session[-_]?key|cookie|dsn|key)(?:$|[^a-z])/i

/** How the big providers begin what must not be shown. */
const KNOWN =
  /^(?:sk-|sk_live_|sk_test_|rk_live_|gh[opsur]_|github_pat_|glpat-|xox[abeoprs]-|xapp-|AKIA|ASIA|AIza|ya29\.|hf_|npm_|pypi-|dop_v1_|shpat_|sq0|lin_api_|ntn_|secret_|figd_|pplx-|tvly-|fc-|eyJ[\w-]+\.|-----BEGIN)/

const SCHEME = /^((?:Bearer|Basic|Token|ApiKey|Digest)\s+)(\S[^]*)$/i
const URL_PASSWORD = /^([a-z][a-z0-9+.-]*:\/\/[^/?#\s:@]*:)([^/?#\s@]+)(@[^]*)$/i
const ADDRESS = /^[a-z][a-z0-9+.-]*:\/\//i
const QUERY = /([?&]([\w.-]+)=)([^&#\s]+)/g

/** Long, mixed and without words: nobody types this by heart. */
const isRandom = (text: string): boolean =>
  /^[\w+=.~-]{32,}$/.test(text) &&
  /\d/.test(text) &&
  /[a-z]/i.test(text) &&
  new Set(text).size >= 12 &&
  !/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)

const isNamed = (name: string): boolean =>
  NAMED.test(name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').replaceAll(/_/g, '-'))

/** Things called "key" or "auth" that are settings: yes and no, numbers, paths, addresses. */
const isSetting = (text: string): boolean =>
  text.length < 6 ||
  /^(?:true|false|none|null|default|enabled|disabled|basic|bearer|oauth2?|[\d.]{1,7})$/i.test(
    text,
  ) ||
  /^(?:~|\.{0,2}\/|[A-Za-z]:[\\/])/.test(text)

/** Where the secret is in a value called `name`, or undefined when there is none to be seen. */
export function secretIn(name: string, text: string): SecretPart | undefined {
  const [, before, secret, after = ''] = SCHEME.exec(text) ?? URL_PASSWORD.exec(text) ?? []
  if (before !== undefined && secret !== undefined) return { before, secret, after }
  if (ADDRESS.test(text)) return secretInQuery(text)
  const shown = !KNOWN.test(text) && !isRandom(text) && (!isNamed(name) || isSetting(text))
  return shown ? undefined : { before: '', secret: text, after: '' }
}

function secretInQuery(text: string): SecretPart | undefined {
  for (const [whole, start = '', called = '', secret = ''] of text.matchAll(QUERY)) {
    if (!isNamed(called) && !KNOWN.test(secret) && !isRandom(secret)) continue
    const at = text.indexOf(whole) + start.length
    const after = text.slice(at + secret.length)
    return { before: text.slice(0, at), secret, after, called }
  }
  return undefined
}

/** The arguments that hold a secret: `--token=…`, `--token …`, `KEY=…` and what is known by its start. */
export function secretsInArgs(args: readonly string[]): ReadonlyMap<number, SecretPart> {
  const found = new Map<number, SecretPart>()
  args.forEach((arg, index) => {
    const part = secretInArg(arg, args[index - 1] ?? '')
    if (part) found.set(index, part)
  })
  return found
}

function secretInArg(arg: string, before: string): SecretPart | undefined {
  const assigned = ADDRESS.test(arg) ? null : /^(-{0,2}([\w.-]+)[=:] ?)([^]+)$/.exec(arg)
  if (assigned) {
    const [, start = '', called = '', value = ''] = assigned
    const part = secretIn(called, value)
    return part && { ...part, before: start + part.before, called }
  }
  if (arg.startsWith('-')) return undefined
  const flag = /^-{1,2}([\w.-]+)$/.exec(before)?.[1]
  const part = secretIn(flag ?? '', arg)
  return part && flag !== undefined ? { called: flag, ...part } : part
}
