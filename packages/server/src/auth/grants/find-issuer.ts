import { Fault, isObject, own, type JsonObject } from '@countersign/contract'
import { discover, textIn } from '../discover.ts'
import { METADATA_PATH } from '../metadata.ts'
import { Unfetched, type SafeFetch } from '../safe-fetch.ts'
import type { Reach } from '../settings.ts'

/** Where tokens for a resource come from. */
export interface FoundIssuer {
  readonly issuer: string
  readonly tokenEndpoint: string
  readonly metadata: JsonObject
}

/**
 * Finds out as a stranger would who gives tokens for a resource: from its challenge or its well-known
 * description, then from what that issuer says of itself (RFC 9728 §3, RFC 8414 §3).
 */
export async function findIssuer(
  safeFetch: SafeFetch,
  resource: string,
  wanted: string | undefined,
): Promise<FoundIssuer> {
  const issuer = chosen(await issuersOf(safeFetch, resource), wanted, resource)
  try {
    const { json: metadata } = await discover(safeFetch, {
      issuer,
      reach: reachFrom(resource, issuer),
    })
    const tokenEndpoint = textIn(metadata, 'token_endpoint')
    if (tokenEndpoint !== undefined) return { issuer, tokenEndpoint, metadata }
    throw new Unfetched('it names no token endpoint')
  } catch (thrown) {
    throw failed(`The metadata of ${issuer} cannot be used`, thrown)
  }
}

/** A resource elsewhere must not lead to this machine; one on this machine may lead anywhere. */
export const reachFrom = (resource: string, url: string): Reach =>
  isLocal(resource) && isLocal(url) ? 'loopback' : 'private'
const isLocal = (url: string): boolean => URL.canParse(url) && LOCAL.test(new URL(url).hostname)
const LOCAL = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

async function issuersOf(safeFetch: SafeFetch, resource: string): Promise<readonly string[]> {
  const problems: string[] = []
  for (const url of await descriptionsOf(safeFetch, resource)) {
    try {
      const { status, json } = await safeFetch.ask({ url, reach: reachFrom(resource, resource) })
      if (status !== 200 || !isObject(json)) problems.push(`${url} answers ${String(status)}`)
      // RFC 9728 §3.3: what describes another resource may be somebody's who wants our identity.
      else if (own(json, 'resource') !== resource) problems.push(`${url} is for another resource`)
      else return textsIn(own(json, 'authorization_servers'))
    } catch (thrown) {
      problems.push(thrown instanceof Unfetched ? thrown.message : String(thrown))
    }
  }
  const why = `${resource} does not say who gives tokens for it: ${problems.join('; ')}.`
  throw new Fault('auth/unavailable', `${why} Is it exactly the URL of a view?`)
}

/** What the challenge names first, if it is of the same origin; then where it has to be. */
async function descriptionsOf(safeFetch: SafeFetch, resource: string): Promise<readonly string[]> {
  const { origin, pathname } = new URL(resource)
  const known = [`${origin}${METADATA_PATH}${pathname}`, `${origin}${METADATA_PATH}`]
  try {
    const { headers } = await safeFetch.ask({ url: resource, reach: reachFrom(resource, resource) })
    const said = [headers['www-authenticate'] ?? ''].flat().join(', ')
    const named = /resource_metadata="([^"]*)"/.exec(said)?.[1] ?? ''
    const isSame = URL.canParse(named) && new URL(named).origin === origin
    return isSame ? [...new Set([named, ...known])] : known
  } catch (thrown) {
    throw failed(`${resource} cannot be reached`, thrown)
  }
}

function chosen(issuers: readonly string[], wanted: string | undefined, resource: string): string {
  const [first, ...more] = issuers
  if (wanted !== undefined) {
    if (issuers.includes(wanted)) return wanted
    throw new Fault('auth/token', `${resource} takes no tokens of ${wanted}.`)
  }
  if (first === undefined) throw new Fault('auth/token', `${resource} names no issuer of tokens.`)
  if (more.length === 0) return first
  const all = issuers.join(', ')
  throw new Fault(
    'rpc/bad-params',
    `Several issuers give tokens for it. Choose one with --issuer: ${all}`,
  )
}

const textsIn = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []

const failed = (what: string, thrown: unknown): Fault => {
  const why = thrown instanceof Unfetched ? thrown.message : 'it failed'
  return new Fault('auth/unavailable', `${what}: ${why}.`, { cause: thrown })
}
