import type { Effect } from '@countersign/contract'
import type { Principal, StepUp } from './principal.ts'

/** Connecting and looking at lists; every other scope of ours implies it. */
export const DISCOVER = 'mcp:discover'

/** From narrow to broad: each implies those before it. */
const CLASSES = ['read', 'write', 'admin'] as const
type ScopeClass = (typeof CLASSES)[number]

/** What somebody wants to do, as far as scopes are concerned. */
export interface Wanted {
  readonly server: string
  /** The server's own name of the tool; undefined for its resources, prompts and completions. */
  readonly tool: string | undefined
  readonly effect: Effect
}

/** Whoever cannot be trusted to know what a repeat would do needs the broadest class. */
const CLASS_OF: Readonly<Record<Effect, ScopeClass>> = {
  read: 'read',
  idempotent: 'write',
  write: 'write',
  destructive: 'admin',
}

export const classScope = (server: string, effect: Effect): string =>
  `${server}:${CLASS_OF[effect]}`

/** Names of tools may hold what no scope may (RFC 6749 §3.3): that is percent-encoded. */
export const toolScope = (server: string, tool: string): string => `tool:${server}.${encoded(tool)}`

const encoded = (name: string): string =>
  encodeURIComponent(name.toWellFormed()).replaceAll(
    /[!'()*~]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** Whether these scopes reach so far: the tool itself, or its class or a broader one. */
export function covers(scopes: readonly string[], { server, tool, effect }: Wanted): boolean {
  if (tool !== undefined && scopes.includes(toolScope(server, tool))) return true
  const from = CLASSES.indexOf(CLASS_OF[effect])
  return CLASSES.slice(from).some((one) => scopes.includes(`${server}:${one}`))
}

/** Exactly what this needs and nothing beside it, as a client of this issuer can come by it. */
export function requiredScopes({ server, tool, effect }: Wanted, stepUp: StepUp): string[] {
  if (tool === undefined || stepUp === 'class') return [classScope(server, effect)]
  return [toolScope(server, tool)]
}

/** Whether a scope says anything about these servers. */
export function isOfServers(scope: string, servers: readonly string[]): boolean {
  if (scope === DISCOVER) return true
  const [, server] =
    /^tool:([^.]+)\../.exec(scope) ?? /^([^:]+):(?:read|write|admin)$/.exec(scope) ?? []
  return server !== undefined && servers.includes(server)
}

/** Any scope about one of the servers lets its holder connect and look. */
export const mayDiscover = (scopes: readonly string[], servers: readonly string[]): boolean =>
  scopes.some((scope) => isOfServers(scope, servers))

/** `ask`: not with this token, but a client may come back with more. */
export type Reached = 'held' | 'ask' | 'out'

/** The one judgement behind calls and lists: what is shown may be called or asked for. */
export function reach(who: Principal, wanted: Wanted): Reached {
  if (who.proof === 'local' || covers(who.scopes, wanted)) return 'held'
  return who.stepUp === 'off' ? 'out' : 'ask'
}
