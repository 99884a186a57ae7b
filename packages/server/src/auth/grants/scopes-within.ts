import type { ProtectedResource } from '../embedded/protected.ts'
import { covers, DISCOVER, isOfServers } from '../scopes.ts'

/**
 * Whether a scope asks for nothing beyond these: one of them, looking around, a narrower class. With
 * `tools` also one tool of a class: that is narrower only for whoever is given the class as it is now.
 */
export function isWithin(
  scope: string,
  held: readonly string[],
  resource: ProtectedResource,
  { tools }: { readonly tools: boolean },
): boolean {
  if (held.includes(scope)) return true
  if (scope === DISCOVER) return held.length > 0
  const [, server, asked] = CLASS.exec(scope) ?? []
  if (asked !== undefined) {
    const broader = CLASSES.slice(CLASSES.indexOf(asked) + 1)
    return broader.some((one) => held.includes(`${String(server)}:${one}`))
  }
  const opened = tools ? resource.opens(scope) : []
  return opened.length > 0 && opened.every((tool) => covers(held, tool))
}

const CLASSES = ['read', 'write', 'admin']
const CLASS = /^([^:]+):(read|write|admin)$/

/**
 * Whether a scope can mean something there: one of now, or a tool of a server whose tools are not known
 * yet. Whoever wrote a rule named it on purpose, and a house that has just started must not forget it.
 */
export function meansThere(resource: ProtectedResource, scope: string): boolean {
  const known = resource.scopes()
  const servers = known.flatMap((one) => /^([^:]+):admin$/.exec(one)?.[1] ?? [])
  return known.includes(scope) || isOfServers(scope, servers)
}

/** The words of a `scope` parameter or claim, each once. */
export const wordsOf = (scope: string | undefined): readonly string[] => [
  ...new Set((scope ?? '').split(' ').filter((word) => word !== '')),
]
