import {
  Fault,
  isModern,
  isObject,
  META,
  own,
  RPC,
  textAt,
  type Json,
  type JsonObject,
  type Revision,
  type RpcError,
} from '@countersign/contract'
import type { ResourceRouter } from '#registry'
import type { Asked, Outcome } from './asked.ts'
import {
  faultError,
  needsWrap,
  projectError,
  projectResult,
  projectToolResult,
  toolError,
} from './project.ts'

/** What goes back to the client: a result or an error, already in its revision's words. */
export type Answer =
  | { readonly kind: 'result'; readonly result: JsonObject }
  | { readonly kind: 'error'; readonly error: RpcError; readonly fault?: Fault }

/** Everything but a question: those are carried differently in each era. */
export type Settled = Exclude<Outcome, { readonly kind: 'input' }>

/** Says the outcome of a call in the words of one revision. */
export function answer(asked: Asked, outcome: Settled, revision: Revision): Answer {
  switch (outcome.kind) {
    case 'answered':
      return answered(asked, outcome, revision)
    case 'errored':
      return errored(asked, outcome.error, revision)
    case 'refused':
      return refused(asked, outcome.fault, revision)
  }
}

const receipt = (asked: Asked): JsonObject => ({ [META.receipt]: { call: asked.call } })

function answered(
  asked: Asked,
  { result, server }: Extract<Outcome, { kind: 'answered' }>,
  revision: Revision,
): Answer {
  const router = asked.view.resources()
  const routed = router.rewrites(server) ? rewriteUris(result, server, router, asked) : result
  const stamp = receipt(asked)
  switch (asked.method) {
    case 'tools/call': {
      const tool = asked.view.find('tool', textAt(asked.params, 'name'))?.exposed?.definition.body
      const isWrapped = tool !== undefined && needsWrap(tool)
      const shaped = projectToolResult(routed, revision, isWrapped)
      return { kind: 'result', result: projectResult(shaped, revision, stamp) }
    }
    case 'resources/read':
      // F-050: freshness is the upstream's to give; a legacy server gives none. Never public (F-054).
      return {
        kind: 'result',
        result: projectResult(
          { ...routed, ttlMs: ttlOf(routed), cacheScope: 'private' },
          revision,
          stamp,
        ),
      }
    case 'prompts/get':
    case 'completion/complete':
      return { kind: 'result', result: projectResult(routed, revision, stamp) }
  }
}

/** Nothing that took part in a conversation may be cached (F-051). */
function ttlOf(result: JsonObject): number {
  const ttl = own(result, 'ttlMs')
  return typeof ttl === 'number' && Number.isInteger(ttl) && ttl > 0 ? ttl : 0
}

function errored(asked: Asked, error: RpcError, revision: Revision): Answer {
  const uri = asked.method === 'resources/read' ? textAt(asked.params, 'uri') : undefined
  if (error.code === RPC.urlElicitationRequired && asked.method === 'tools/call') {
    // Only 2025-11-25 has the error; a modern client that gets here declared no URL elicitation.
    if (revision !== '2025-11-25') return urlInWords(error, revision)
  }
  if (error.code === RPC.missingCapability) {
    // Rule 11: the upstream was told exactly what this client can do, so this is true of our hop too.
    const fault = new Fault('rpc/missing-capability', error.message, { data: error.data ?? {} })
    return isModern(revision)
      ? { kind: 'error', error: faultError(fault), fault }
      : { kind: 'error', error: { code: RPC.internal, message: error.message } }
  }
  return { kind: 'error', error: projectError(error, revision, uri) }
}

/** Clients of these revisions know no URL elicitation: they get the address in words. */
function urlInWords(error: RpcError, revision: Revision): Answer {
  const list = isObject(error.data) ? own(error.data, 'elicitations') : undefined
  const urls = (Array.isArray(list) ? list : [])
    .filter(isObject)
    .map((one) => `${textAt(one, 'message')} ${textAt(one, 'url')}`.trim())
  const text = `Nothing was executed yet: the server needs you to open a page first. ${urls.join(' ')} Then call the tool again.`
  return { kind: 'result', result: projectResult(toolError(text), revision) }
}

/** Refusals and unknown outcomes of a tool are results, so that the model reads them (design.md §4). */
const IN_WORDS: readonly string[] = ['policy/denied', 'call/unknown-outcome']

function refused(asked: Asked, fault: Fault, revision: Revision): Answer {
  if (asked.method === 'tools/call' && IN_WORDS.includes(fault.code)) {
    const result = projectResult(toolError(fault.message), revision, receipt(asked))
    return { kind: 'result', result }
  }
  return { kind: 'error', error: faultError(fault, revision), fault }
}

/** Where two servers claim one URI, what a result refers to must lead back to the server it came from. */
function rewriteUris(
  result: JsonObject,
  server: string,
  router: ResourceRouter,
  asked: Asked,
): JsonObject {
  const block = (value: Json): Json => {
    if (!isObject(value)) return value
    const uri = own(value, 'uri')
    const here = typeof uri === 'string' ? { uri: router.outward(server, uri) } : {}
    const resource = own(value, 'resource')
    return { ...value, ...here, ...(isObject(resource) ? { resource: block(resource) } : {}) }
  }
  const blocks = (key: 'content' | 'contents'): JsonObject => {
    const list = own(result, key)
    return Array.isArray(list) ? { [key]: list.map(block) } : {}
  }
  if (asked.method === 'prompts/get') {
    const messages = own(result, 'messages')
    if (!Array.isArray(messages)) return result
    return {
      ...result,
      messages: messages.map((message) =>
        isObject(message)
          ? { ...message, content: block(own(message, 'content') ?? null) }
          : message,
      ),
    }
  }
  return { ...result, ...blocks('content'), ...blocks('contents') }
}
