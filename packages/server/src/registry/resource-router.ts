import type { Definition } from '@countersign/contract'

/** How resource URIs of several servers stay apart in one view. */
export interface ResourceRouter {
  /** The URI as this view shows it: the server's own, unless another server could mean it too. */
  readonly outward: (server: string, uri: string) => string
  /** The server and the URI it knows, or undefined when nobody here has it. */
  readonly inward: (uri: string) => { readonly server: string; readonly uri: string } | undefined
  /** True when some URI of this server has to be shown otherwise than it is. */
  readonly rewrites: (server: string) => boolean
}

const SCHEME = 'countersign://'

/**
 * URIs and templates are locators and pass verbatim (F-007). Only where two servers claim one, each
 * is shown as `countersign://{server}/{uri}`, and that form is understood for every resource.
 */
export function routeResources(
  servers: readonly string[],
  claims: readonly Definition[],
): ResourceRouter {
  const owners = new Map<string, string[]>()
  for (const { name, server } of claims) owners.set(name, [...(owners.get(name) ?? []), server])
  const templates = claims
    .filter(({ kind }) => kind === 'template')
    .map(({ name, server }) => ({ server, matches: matcher(name) }))

  const claimants = (uri: string): readonly string[] => {
    const byTemplate = templates.filter(({ matches }) => matches(uri)).map(({ server }) => server)
    return [...new Set([...(owners.get(uri) ?? []), ...byTemplate])].toSorted()
  }
  const shared = new Set(
    [...owners].filter(([uri]) => claimants(uri).length > 1).flatMap(([, these]) => these),
  )
  const outward = (server: string, uri: string): string =>
    claimants(uri).some((other) => other !== server) ? `${SCHEME}${server}/${uri}` : uri

  return {
    outward: servers.length > 1 ? outward : (_server, uri) => uri,
    rewrites: (server) => servers.length > 1 && shared.has(server),
    inward: (uri) => {
      const named = unwrap(uri, servers)
      if (named) return named
      // Several may claim it: a client that kept the bare URI gets the first server by name, always.
      const [first] = claimants(uri)
      const server = first ?? (servers.length === 1 ? servers[0] : undefined)
      return server === undefined ? undefined : { server, uri }
    },
  }
}

function unwrap(
  uri: string,
  servers: readonly string[],
): { readonly server: string; readonly uri: string } | undefined {
  if (!uri.startsWith(SCHEME)) return undefined
  const slash = uri.indexOf('/', SCHEME.length)
  const server = uri.slice(SCHEME.length, slash)
  return slash > 0 && servers.includes(server) ? { server, uri: uri.slice(slash + 1) } : undefined
}

/** Whether a URI could be an expansion of a template (RFC 6570, seen from the outside). */
function matcher(template: string): (uri: string) => boolean {
  const literals = template.split(/\{[^{}]*\}/)
  return (uri) => {
    const [head = '', ...rest] = literals
    if (rest.length === 0) return uri === head
    const tail = rest.pop() ?? ''
    if (!uri.startsWith(head) || !uri.endsWith(tail)) return false
    if (uri.length < head.length + tail.length) return false
    // Each literal in order: enough to route by, and linear however hostile the template is.
    let at = head.length
    for (const literal of rest) {
      const found = uri.indexOf(literal, at)
      if (found < 0) return false
      at = found + literal.length
    }
    return at <= uri.length - tail.length
  }
}
