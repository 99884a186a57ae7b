import {
  Fault,
  isModern,
  own,
  textAt,
  type JsonObject,
  type Revision,
  type RpcRequest,
} from '@countersign/contract'
import {
  covers,
  DISCOVER,
  isOfServers,
  mayDiscover,
  requiredScopes,
  type Principal,
  type TokenPrincipal,
  type Wanted,
} from '#auth'
import type { Ledger } from '#audit'
import type { View } from '#registry'
import { isCallMethod } from './asked.ts'
import { labelOf } from './client.ts'
import { isConnectTool } from './connect-tool.ts'
import { ensureListed, ensureNamed, type ListRooms } from './lists.ts'
import type { Served } from './modern.ts'
import { isOwnTool } from './own-tools.ts'
import { failure, faultError, projectResult, success, toolError } from './project.ts'
import { targetOf, type Target } from './target.ts'

/** What the client says of itself: decides how a refusal is worded, never whether there is one. */
export interface AskedBy {
  readonly revision: Revision
  readonly clientInfo: JsonObject | undefined
}

export interface Admission extends AskedBy {
  readonly who: TokenPrincipal
  readonly view: View
  readonly request: RpcRequest
}

export interface AdmitRooms extends ListRooms {
  readonly ledger: Pick<Ledger, 'note'>
}

/** What a call wants, in the words of scopes. */
const wantedBy = ({ server, method, name, effect, since }: Target): Wanted => ({
  server,
  tool: method === 'tools/call' ? name : undefined,
  effect,
  since,
})

/**
 * What has to be said instead of serving a request whose token does not reach so far; undefined when
 * it does. Asked before anything of an answer is sent, because only a status starts a step-up.
 */
export async function admit(rooms: AdmitRooms, asking: Admission): Promise<Served | undefined> {
  const { who, view, request } = asking
  const wanted = await wantedIn(rooms, view, who, request)
  const missing = wanted.filter((one) => !covers(who.scopes, one, who.epochs))
  const needed = missing.flatMap((one) => requiredScopes(one, who.stepUp, who))
  if (!mayDiscover([...who.scopes, ...needed], view.servers)) needed.push(DISCOVER)
  if (needed.length === 0) return undefined
  await noteStepUp(rooms, asking, needed)
  if (request.method === 'tools/call' && readsOnlyWords(asking.clientInfo)) {
    const result = projectResult(toolError(inWords(needed)), asking.revision)
    return { response: success(request.id, result) }
  }
  const fault = scopeFault(challenged(asking, needed))
  return { response: failure(request.id, faultError(fault, asking.revision)), fault }
}

/** The fault of a call whose principal lacks the scope for it; undefined when nothing is lacking. */
export function shortfall(who: Principal, target: Target): Fault | undefined {
  if (who.proof === 'local') return undefined
  const wanted = wantedBy(target)
  if (covers(who.scopes, wanted, who.epochs)) return undefined
  return scopeFault(requiredScopes(wanted, who.stepUp, who))
}

const scopeFault = (scopes: readonly string[]): Fault =>
  new Fault(
    'auth/scope',
    `Nothing was executed: this needs the scope ${scopes.join(' ')}. Ask for it, then try again.`,
    { data: { scopes } },
  )

/**
 * Clients of 2026-07-28 add what is asked for to what they have; older ones ask for exactly what they
 * are told, so what they have of ours is told too (MCP, Runtime Insufficient Scope Errors).
 */
function challenged({ who, view, revision }: Admission, needed: readonly string[]): string[] {
  if (isModern(revision)) return [...new Set(needed)]
  const held = who.scopes.filter((scope) => isOfServers(scope, view.servers))
  return [...new Set([...held, ...needed])]
}

async function wantedIn(
  rooms: AdmitRooms,
  view: View,
  who: Principal,
  { method, params = {} }: RpcRequest,
): Promise<readonly Wanted[]> {
  if (method === 'resources/subscribe') {
    await ensureListed(rooms, view, who)
    const found = view.resources().inward(textAt(params, 'uri'))
    return found ? [{ server: found.server, tool: undefined, effect: 'read' }] : []
  }
  if (!isCallMethod(method) || isOwnTool({ method, params })) return []
  if (isConnectTool({ method, params })) return []
  try {
    await ensureNamed(rooms, view, who, { method, params })
    return [wantedBy(targetOf({ view, method, params }, rooms.rules))]
  } catch (thrown) {
    // What is not there, or is malformed, is said by whoever serves it.
    if (thrown instanceof Fault) return []
    throw thrown
  }
}

/** Each time somebody is asked for more than they have is one to be able to look at afterwards. */
function noteStepUp(
  { ledger }: AdmitRooms,
  { who, view, request, clientInfo }: Admission,
  scopes: readonly string[],
): Promise<void> {
  return ledger.note('scope.missing', {
    principal: who.id,
    client: who.client ?? labelOf(clientInfo),
    token: who.tokenId,
    view: view.id,
    method: request.method,
    scopes,
  })
}

/** Clients that turn a 403 into something their model cannot read, and ask nobody. */
const WORDS_ONLY = new Set([
  'codex-mcp-client',
  'opencode',
  'gemini-cli-mcp-client',
  'ai-sdk-mcp-client',
])

function readsOnlyWords(clientInfo: JsonObject | undefined): boolean {
  const name = clientInfo && own(clientInfo, 'name')
  return typeof name === 'string' && WORDS_ONLY.has(name)
}

const inWords = (scopes: readonly string[]): string =>
  `More permission is needed: ${scopes.join(' ')}. Nothing was executed. Ask the user to sign in to this server again with that scope (in Codex: codex mcp login), then call the tool again once.`
