import type { Effect } from '@countersign/contract'
import type { Principal, StepUp } from './principal.ts'

/** Connecting and looking at lists; every other scope of ours implies it. */
export const DISCOVER = 'mcp:discover'

/** From narrow to broad: each implies those before it. */
const CLASSES = ['read', 'write', 'admin'] as const
type ScopeClass = (typeof CLASSES)[number]

/** Since when scopes of classes mean a tool as it is now. */
export interface Since {
  /** For each class that covers it, the epoch of the catalogue since which it is no more than now. */
  readonly classes: Readonly<Partial<Record<ScopeClass, number>>>
  /** It was not there between these epochs: who was given a scope then was not given it. */
  readonly gone?: { readonly from: number; readonly until: number }
}

/**
 * The epoch that the class scopes of a token are of: one for all, or one for each. Undefined: they
 * grow with what their servers offer.
 */
export type ScopeEpochs = number | Readonly<Record<string, number>>

/** What somebody wants to do, as far as scopes are concerned. */
export interface Wanted {
  readonly server: string
  /** The server's own name of the tool; undefined for its resources, prompts and completions. */
  readonly tool: string | undefined
  readonly effect: Effect
  /** Undefined for what no class scope could come to cover later. */
  readonly since?: Since | undefined
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

/** The classes whose scopes cover a tool of this effect, from narrow to broad. */
export const classesOf = (effect: Effect): readonly ScopeClass[] =>
  CLASSES.slice(CLASSES.indexOf(CLASS_OF[effect]))

/** Whether a scope is that of a class of tools, which may come to have more of them. */
export const isClassScope = (scope: string): boolean => /^[^:]+:(?:read|write|admin)$/.test(scope)

/** What somebody holds. */
interface Held {
  readonly scopes: readonly string[]
  readonly epochs?: ScopeEpochs | undefined
}

/**
 * Whether these scopes reach so far: the tool itself, or its class or a broader one. AS38: a class is
 * what it was when it was given; what a server added or made riskier since is asked for by name.
 */
export function covers(
  scopes: readonly string[],
  { server, tool, effect, since }: Wanted,
  epochs?: ScopeEpochs,
): boolean {
  if (tool !== undefined && scopes.includes(toolScope(server, tool))) return true
  return classesOf(effect).some((one) => {
    const scope = `${server}:${one}`
    if (!scopes.includes(scope)) return false
    if (epochs === undefined || since === undefined) return true
    return wasMeant(since, one, epochOf(epochs, scope))
  })
}

function wasMeant({ classes, gone }: Since, one: ScopeClass, epoch: number): boolean {
  const wasGone = gone !== undefined && gone.from <= epoch && epoch < gone.until
  return !wasGone && (classes[one] ?? Number.POSITIVE_INFINITY) <= epoch
}

const epochOf = (epochs: ScopeEpochs, scope: string): number =>
  typeof epochs === 'number' ? epochs : (epochs[scope] ?? Number.NEGATIVE_INFINITY)

/** Exactly what this needs and nothing beside it, as a client of this issuer can come by it. */
export function requiredScopes(wanted: Wanted, stepUp: StepUp, held?: Held): string[] {
  const { server, tool, effect } = wanted
  if (tool === undefined) return [classScope(server, effect)]
  // Whoever holds the class already would come back with just what they have.
  const isOutgrown = held !== undefined && covers(held.scopes, { server, tool, effect })
  return [stepUp === 'class' && !isOutgrown ? classScope(server, effect) : toolScope(server, tool)]
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
  if (who.proof === 'local' || covers(who.scopes, wanted, who.epochs)) return 'held'
  return who.stepUp === 'off' ? 'out' : 'ask'
}
