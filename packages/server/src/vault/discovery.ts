import { Fault } from '@countersign/contract'
import { Unfetched } from '#auth'
import type { Heard } from './heard.ts'
import { oauth, type AuthorizationServerMetadata, type FetchLike } from './sdk.ts'
import type { ProtectedServer } from './settings.ts'

/** Where a server's tokens come from, and what they are for. */
export interface Found {
  /** Exactly as the server calls itself: what `resource` is asked with (OC10). */
  readonly resource: string
  readonly issuer: string
  readonly metadata: AuthorizationServerMetadata
  /** What the server says it needs for basic function; undefined when it says nothing. */
  readonly scopes: readonly string[] | undefined
  readonly asksForProof: boolean
}

/**
 * Which authorization server speaks for this server (RFC 9728, RFC 8414). Asked again in each round of
 * authorization, so that a server that moves to another one is followed (OC5).
 */
export async function discover(
  { id, url, auth }: ProtectedServer & { readonly id: string },
  heard: Pick<Heard, 'metadataUrl' | 'asksForProof'>,
  fetchFn: FetchLike,
): Promise<Found> {
  const described = await describe(url, heard.metadataUrl, fetchFn)
  if (!described && auth.issuer === undefined && auth.originIssues !== true) {
    throw unusable(id, 'it names no authorization server. Set auth.issuer for it.')
  }
  const resource = resourceOf(id, { url, auth }, described)
  const named = described?.authorization_servers ?? []
  const issuer = await choose(id, { url, auth }, named, fetchFn)
  const proofAlgorithms = described?.dpop_signing_alg_values_supported ?? []
  return {
    resource,
    ...issuer,
    scopes: described?.scopes_supported,
    asksForProof:
      heard.asksForProof ||
      described?.dpop_bound_access_tokens_required === true ||
      proofAlgorithms.includes('ES256'),
  }
}

type Described = Awaited<ReturnType<typeof describe>>

const ROOT_METADATA = '/.well-known/oauth-protected-resource'

async function describe(url: string, metadataUrl: string | undefined, fetchFn: FetchLike) {
  const { discoverOAuthProtectedResourceMetadata } = await oauth()
  // OC1: where the challenge says, else at the path, else at the root.
  const from = metadataUrl === undefined ? {} : { resourceMetadataUrl: metadataUrl }
  let foundAt = ''
  const watched: FetchLike = async (asked, init) => {
    const answer = await fetchFn(asked, init)
    foundAt = String(asked)
    return answer
  }
  try {
    const said = await discoverOAuthProtectedResourceMetadata(url, from, watched)
    const isOfRoot = metadataUrl === undefined && new URL(foundAt).pathname === ROOT_METADATA
    return { ...said, isOfRoot }
  } catch (cause) {
    // Only "there is none" leads on: an unreachable server must not make another one its issuer.
    if (cause instanceof Error && /does not implement OAuth 2\.0 Protected/.test(cause.message)) {
      return undefined
    }
    throw cause
  }
}

/**
 * OC2: what calls itself otherwise than we call it is another server. Metadata that was found at the
 * root, after there was none at the path, describes the origin (RFC 9728 §3.1, §3.3).
 */
function resourceOf(id: string, { url, auth }: ProtectedServer, described: Described): string {
  const expected = auth.resource ?? canonical(url)
  if (!described) return expected
  const { resource, isOfRoot } = described
  const isUnset = auth.resource === undefined
  const isRight = resource === expected || (isUnset && resource === url)
  if (isRight || (isUnset && isOfRoot && resource === new URL(url).origin)) return resource
  const why = `it calls itself ${brief(resource)}, not ${expected}: see auth.resource.`
  throw unusable(id, why)
}

/** Without a slash at the end of a bare origin, which `URL` adds (MCP Canonical Server URI). */
function canonical(url: string): string {
  const { origin, pathname, search } = new URL(url)
  return pathname === '/' && search === '' ? origin : `${origin}${pathname}${search}`
}

/** Each may take its time to answer: of a list without end nobody waits for the last. */
const ISSUERS_MAX = 5

/** Of several, the first that can be used; with one that was set, that one or none (OC5). */
async function choose(
  id: string,
  { url, auth }: ProtectedServer,
  named: readonly string[],
  fetchFn: FetchLike,
): Promise<Pick<Found, 'issuer' | 'metadata'>> {
  const problems: string[] = []
  const causes: unknown[] = []
  for (const issuer of candidatesFor(id, { url, auth }, named).slice(0, ISSUERS_MAX)) {
    const metadata = await metadataOf(issuer, fetchFn).catch((cause: unknown) => {
      causes.push(cause)
      problems.push(`${brief(issuer)} ${whyNot(cause)}`)
    })
    if (metadata && (auth.grant !== 'authorization_code' || hasPkce(metadata))) {
      return { issuer: metadata.issuer, metadata }
    }
    if (metadata) problems.push(`${brief(issuer)} does not support PKCE with S256`)
  }
  throw unusable(id, problems.join('; '), causes.length > 0 ? causes.map(String) : undefined)
}

function candidatesFor(
  id: string,
  { url, auth }: ProtectedServer,
  named: readonly string[],
): readonly string[] {
  if (auth.issuer === undefined) return named.length > 0 ? named : [new URL(url).origin]
  if (named.length === 0 || named.includes(auth.issuer)) return [auth.issuer]
  throw unusable(id, `it names ${named.map(brief).join(' and ')}, not auth.issuer.`)
}

/** What an issuer says of itself; never what another one says of it (OC4, RFC 8414 §3.3). */
export async function metadataOf(
  issuer: string,
  fetchFn: FetchLike,
): Promise<AuthorizationServerMetadata> {
  const { discoverAuthorizationServerMetadata } = await oauth()
  const metadata = await discoverAuthorizationServerMetadata(issuer, { fetchFn })
  if (!metadata) throw new Undescribed('does not describe itself')
  if (metadata.issuer !== issuer) throw new Undescribed('speaks of another issuer')
  return metadata
}

/** OC9: one that says nothing of it may ignore it, and is refused too. */
const hasPkce = ({ code_challenge_methods_supported: methods }: AuthorizationServerMetadata) =>
  methods?.includes('S256') === true

/** SS8: what went wrong inside a request is for the log. */
const whyNot = (cause: unknown): string =>
  cause instanceof Unfetched
    ? 'cannot be reached'
    : cause instanceof Undescribed
      ? cause.message
      : 'does not describe itself as it should'

class Undescribed extends Error {
  override readonly name = 'Undescribed'
}

const BRIEF_CHARS = 200

/** What others call themselves, as far as it is a name. */
const brief = (url: string): string =>
  URL.canParse(url) && /^https?:/.test(url)
    ? `${new URL(url).origin}${new URL(url).pathname}`.slice(0, BRIEF_CHARS)
    : 'something that is no address'

const unusable = (id: string, why: string, cause?: unknown): Fault =>
  new Fault('upstream/unavailable', `The server ${id} cannot be connected to: ${why}`, { cause })
