import {
  Fault,
  isObject,
  own,
  without,
  type Effect,
  type Json,
  type JsonObject,
  type Kind,
} from '@countersign/contract'
import type { Since } from '#auth'
import type { Judged } from '#policy'
import {
  effectUnder,
  type Exposed,
  type Found,
  type ParamHeader,
  type ToolRules,
  type View,
} from '#registry'
import type { Outgoing } from '#upstream'
import type { Asked, CallMethod } from './asked.ts'

/** What a call is about, in the server's own words: what policy judges and what is sent. */
export interface Target extends Judged {
  /** Since when the classes that cover a tool cover it (AS38). */
  readonly since?: Since | undefined
  readonly params: JsonObject
  readonly paramHeaders: Readonly<Record<string, string>>
  readonly taskSupport: 'required' | 'optional' | 'forbidden'
}

/** Finds what a call names among the definitions of its view, or faults. */
export function targetOf(
  asked: Pick<Asked, 'view' | 'method' | 'params'>,
  rules: ToolRules,
): Target {
  const { view, method, params } = asked
  switch (method) {
    case 'tools/call':
      return toolTarget(view, params, rules)
    case 'prompts/get': {
      const found = named(view, 'prompt', requiredText(params, 'name'))
      return readTarget(method, 'prompt', found, { ...params, name: found.name })
    }
    case 'resources/read': {
      const uri = requiredText(params, 'uri')
      const found = view.find('resource', uri)
      if (!found) throw unknownResource(uri)
      return readTarget(method, 'resource', found, { ...params, uri: found.name })
    }
    case 'completion/complete':
      return completionTarget(view, params)
  }
}

function toolTarget(view: View, params: JsonObject, rules: ToolRules): Target {
  const found = named(view, 'tool', requiredText(params, 'name'))
  const given = own(params, 'arguments')
  if (given !== undefined && !isObject(given)) {
    throw new Fault('rpc/bad-params', '"arguments" must be an object.')
  }
  const { exposed } = found
  const args = given && exposed ? withoutInjected(given, exposed) : given
  return {
    ...judged(
      'tools/call',
      'tool',
      found,
      exposed ? effectUnder(rules, exposed.definition) : 'destructive',
    ),
    since: exposed?.since,
    // F-013: absent arguments stay absent.
    params: { ...params, name: found.name, ...(args === undefined ? {} : { arguments: args }) },
    paramHeaders: paramHeaders(exposed?.paramHeaders ?? [], args ?? {}),
    taskSupport: taskSupportOf(exposed),
  }
}

/** What the server says of its own tool and tasks (TL-004). */
function taskSupportOf(exposed: Exposed | undefined): Target['taskSupport'] {
  const execution = exposed && own(exposed.definition.body, 'execution')
  const support = isObject(execution) ? own(execution, 'taskSupport') : undefined
  return support === 'required' || support === 'optional' ? support : 'forbidden'
}

/** Gemini CLI adds this argument to every tool and sends it on. */
const INJECTED = 'wait_for_previous'

function withoutInjected(args: JsonObject, { definition }: Exposed): JsonObject {
  if (!Object.hasOwn(args, INJECTED)) return args
  const schema = own(definition.body, 'inputSchema')
  const declared = isObject(schema) ? own(schema, 'properties') : undefined
  const isDeclared = isObject(declared) && Object.hasOwn(declared, INJECTED)
  return isDeclared ? args : without(args, [INJECTED])
}

function completionTarget(view: View, params: JsonObject): Target {
  const ref = own(params, 'ref')
  if (!isObject(ref)) throw new Fault('rpc/bad-params', '"ref" must be an object.')
  const type = own(ref, 'type')
  if (type === 'ref/prompt') {
    const found = named(view, 'prompt', requiredText(ref, 'name'))
    return readTarget('completion/complete', 'prompt', found, {
      ...params,
      ref: { ...ref, name: found.name },
    })
  }
  if (type !== 'ref/resource') {
    throw new Fault('rpc/bad-params', '"ref.type" must be "ref/prompt" or "ref/resource".')
  }
  // F-037: the reference carries the template's text; it is routed as it stands.
  const uri = requiredText(ref, 'uri')
  const found = view.find('template', uri)
  if (!found) throw new Fault('rpc/bad-params', 'There is no such resource template here.')
  return readTarget('completion/complete', 'template', found, {
    ...params,
    ref: { ...ref, uri: found.name },
  })
}

function named(view: View, kind: Kind, name: string): Found {
  const found = view.find(kind, name)
  if (found) return found
  throw new Fault(
    'call/unknown-name',
    `There is no ${kind} "${name.slice(0, 100)}" here. List the ${kind}s again: it may have been renamed or removed.`,
  )
}

const unknownResource = (uri: string): Fault =>
  new Fault('call/unknown-resource', `Resource not found: ${uri.slice(0, 200)}`, { data: { uri } })

const readTarget = (method: CallMethod, kind: Kind, found: Found, params: JsonObject): Target => ({
  ...judged(method, kind, found, 'read'),
  since: undefined,
  params,
  paramHeaders: {},
  taskSupport: 'forbidden',
})

const judged = (method: CallMethod, kind: Kind, found: Found, effect: Effect): Judged => ({
  server: found.server,
  method,
  kind,
  name: found.name,
  effect,
  digest: found.exposed?.definition.digest,
})

function requiredText(params: JsonObject, key: string): string {
  const value = own(params, key)
  if (typeof value === 'string') return value
  throw new Fault('rpc/bad-params', `"${key}" must be a string.`)
}

/** The mirrored arguments as headers; absent and null ones are omitted (F-022). */
function paramHeaders(
  headers: readonly ParamHeader[],
  args: JsonObject,
): Readonly<Record<string, string>> {
  const found = headers.flatMap(({ header, path }) => {
    const value = valueAt(args, path)
    return isScalar(value) ? [[header, String(value)] as const] : []
  })
  return Object.fromEntries(found)
}

export function valueAt(args: JsonObject, path: readonly string[]): Json | undefined {
  let at: Json | undefined = args
  for (const step of path) at = isObject(at) ? own(at, step) : undefined
  return at
}

export const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'

/** Every repetition of a call carries the same key, for a server that wants to know one when it sees it. */
function withKey(params: JsonObject, call: string): JsonObject {
  const meta = own(params, '_meta')
  return { ...params, _meta: { ...(isObject(meta) ? meta : {}), [IDEMPOTENCY_KEY]: call } }
}
const IDEMPOTENCY_KEY = 'dev.countersign/idempotency-key'

/** Longer than any call of ours: its result is fetched and kept by us. */
const UPSTREAM_TTL_MS = 7 * 24 * 3_600_000

/** What the upstream is sent for one round. */
export const outgoing = (target: Target, asked: Asked): Outgoing => ({
  method: asked.method,
  params: target.effect === 'idempotent' ? withKey(target.params, asked.call) : target.params,
  ...(target.taskSupport === 'required' || (target.taskSupport === 'optional' && asked.wantsTask)
    ? { task: { ttlMs: UPSTREAM_TTL_MS } }
    : {}),
  ...(Object.keys(target.paramHeaders).length > 0 ? { paramHeaders: target.paramHeaders } : {}),
  ...(asked.round.inputResponses ? { inputResponses: asked.round.inputResponses } : {}),
  ...(asked.round.requestState === undefined ? {} : { requestState: asked.round.requestState }),
})
