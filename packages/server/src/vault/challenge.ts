import type { Refusal } from './vault.ts'

/** What the challenges of a refusal ask for (RFC 6750 §3, RFC 9449 §7.1, RFC 9728 §5.1). */
export interface Challenge {
  readonly error: string | undefined
  readonly scopes: readonly string[]
  readonly metadataUrl: string | undefined
  /** One of them is of the DPoP scheme. */
  readonly asksForProof: boolean
}

const SCHEME = /(?:^|,)\s*(bearer|dpop)(?=\s|,|$)/gi
/** A parameter, from the beginning of its name: looked for at each letter, a long one would cost its square. */
const PARAMETER = /(?<![a-z_])([a-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi
/** What a server may make us read and remember. */
const CHARS_MAX = 8_192

/** Challenges of other schemes are not for us; of two of ours, both are heard, the first one first. */
export function challengeOf({ challenges }: Pick<Refusal, 'challenges'>): Challenge {
  const text = challenges.join(', ').slice(0, CHARS_MAX)
  const schemes = [...text.matchAll(SCHEME)].map(([, scheme]) => scheme?.toLowerCase())
  const found = new Map<string, string>()
  if (schemes.length > 0) {
    for (const [, name = '', quoted, plain = ''] of text.matchAll(PARAMETER)) {
      const key = name.toLowerCase()
      if (!found.has(key)) found.set(key, quoted?.replaceAll(/\\(.)/g, '$1') ?? plain)
    }
  }
  return {
    error: found.get('error'),
    scopes: scopesIn(found.get('scope')),
    metadataUrl: found.get('resource_metadata'),
    asksForProof: schemes.includes('dpop'),
  }
}

export const scopesIn = (text: string | undefined): readonly string[] =>
  (text ?? '').split(' ').filter((scope) => scope !== '')

/** Each once, in the order in which they were first heard (OC14). */
export const unionOf = (...lists: readonly (readonly string[])[]): readonly string[] => [
  ...new Set(lists.flat()),
]
