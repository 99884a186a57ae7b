import type { ProtectedResource } from '../embedded/protected.ts'
import type { GrantAsk, GrantRooms } from './grant-rooms.ts'
import { Refused } from './refused.ts'
import { isWithin, meansThere, wordsOf } from './scopes-within.ts'

/** A parameter that is there once, or not at all (RFC 6749 §3.2). */
export function param(ask: GrantAsk, name: string): string | undefined {
  const value = ask.params[name]
  if (value === undefined || value === '') return undefined
  const [only, ...more]: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (typeof only === 'string' && more.length === 0) return only
  throw new Refused('invalid_request', `"${name}" must be there once.`)
}

export function requiredParam(ask: GrantAsk, name: string): string {
  const value = param(ask, name)
  if (value !== undefined) return value
  throw new Refused('invalid_request', `"${name}" is missing.`)
}

/** The view that a token is for: always one, and always said (RFC 8707 §2, CO2). */
export function resourceAt(rooms: GrantRooms, url: string | undefined): ProtectedResource {
  if (url === undefined) {
    const why = '"resource" is missing: the URL of the view that the token is for.'
    throw new Refused('invalid_target', why)
  }
  const found = rooms.protected.at(url)
  if (!found) throw new Refused('invalid_target', 'There is no such resource here.')
  return found
}

/** What somebody may have at most. */
interface Allowance {
  readonly views: readonly string[]
  readonly scopes: readonly string[]
}

export function checkView(resource: ProtectedResource, { views }: Allowance): void {
  if (views.includes(resource.view)) return
  throw new Refused('invalid_target', 'This resource is not one that may be asked for.')
}

/**
 * What is asked for, when all of it is allowed; without any `scope`, all that is allowed there. Fewer
 * than asked for would be found out call by call, so a scope too many is refused (WI9).
 */
export function scopesAsked(
  ask: GrantAsk,
  resource: ProtectedResource,
  allowed: readonly string[],
  how: { readonly tools: boolean },
): readonly string[] {
  const asked = wordsOf(param(ask, 'scope'))
  if (asked.length === 0) {
    const usable = allowed.filter((scope) => meansThere(resource, scope))
    if (usable.length > 0) return usable
    throw new Refused('invalid_scope', 'None of the scopes that may be given mean anything there.')
  }
  const refused = asked.filter(
    (scope) => !meansThere(resource, scope) || !isWithin(scope, allowed, resource, how),
  )
  if (refused.length === 0) return asked
  throw new Refused('invalid_scope', 'More is asked for than may be given.')
}
