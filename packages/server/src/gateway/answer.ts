import {
  Fault,
  isModern,
  isObject,
  META,
  own,
  RPC,
  textAt,
  type ClientCapabilities,
  type Json,
  type JsonObject,
  type Revision,
  type RpcError,
} from '@countersign/contract'
import type { ResourceRouter } from '#registry'
import type { Asked } from './asked.ts'
import { askToConnect, pageIn, type NeededPage } from './connect-pages.ts'
import type { Ended, Errand, Outcome, Receipt } from '#tasks'
import {
  faultError,
  linkInWords,
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
export type Settled = Exclude<Outcome, { readonly kind: 'input' | 'task' | 'asks' }>

/** Says the outcome of a call in the words of one revision, to a client that can do so much. */
export function answer(
  asked: Asked,
  outcome: Settled,
  revision: Revision,
  client: ClientCapabilities,
): Answer {
  switch (outcome.kind) {
    case 'answered':
      return answered(asked, outcome, revision)
    case 'errored':
      return errored(asked, outcome.error, revision, client)
    case 'refused':
      return refused(asked, outcome, revision, client)
  }
}

/** AU-011: what has no entry in the ledger has no receipt. */
export const receiptOf = (receipt: Receipt | undefined): JsonObject =>
  receipt ? { [META.receipt]: receipt } : {}

/** The end of a task: its call has entries, whoever said what came of it. */
export const withReceipt = (ended: Ended, { call }: Pick<Errand, 'call'>): Ended =>
  ended.kind === 'errored' || ended.receipt ? ended : { ...ended, receipt: { call } }

function answered(
  asked: Asked,
  { result, server, receipt }: Extract<Outcome, { kind: 'answered' }>,
  revision: Revision,
): Answer {
  const router = asked.view.resources()
  const routed = router.rewrites(server) ? rewriteUris(result, server, router, asked) : result
  const stamp = receiptOf(receipt)
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
          { ...routed, ttlMs: ttlOf(asked, routed), cacheScope: 'private' },
          revision,
          stamp,
        ),
      }
    case 'prompts/get': {
      const shaped = revision === '2025-03-26' ? mapMessages(routed, linkInWords) : routed
      return { kind: 'result', result: projectResult(shaped, revision, stamp) }
    }
    case 'completion/complete':
      return { kind: 'result', result: projectResult(boundedCompletion(routed), revision, stamp) }
  }
}

/** Nothing that took part in a conversation may be cached (F-051). */
function ttlOf({ round }: Asked, result: JsonObject): number {
  if (round.number > 1 || round.inputResponses) return 0
  const ttl = own(result, 'ttlMs')
  return typeof ttl === 'number' && Number.isInteger(ttl) && ttl > 0 ? ttl : 0
}

function errored(
  asked: Asked,
  error: RpcError,
  revision: Revision,
  client: ClientCapabilities,
): Answer {
  const uri = asked.method === 'resources/read' ? textAt(asked.params, 'uri') : undefined
  if (error.code === RPC.urlElicitationRequired) {
    // I-046: the error exists in 2025-11-25 only, and only for a client that can open pages.
    const canRead = revision === '2025-11-25' && client.elicitation?.url !== undefined
    if (!canRead && asked.method === 'tools/call') return urlInWords(error, revision)
    if (!canRead) return { kind: 'error', error: { code: RPC.internal, message: error.message } }
  }
  if (error.code === RPC.missingCapability) return lacking(error, revision)
  return { kind: 'error', error: projectError(error, revision, uri) }
}

/** Rule 11: the upstream was told exactly what this client can do, so this is true of our hop too. */
function lacking({ message, data }: RpcError, revision: Revision): Answer {
  const isNamed = isObject(data) && isObject(own(data, 'requiredCapabilities'))
  if (!isModern(revision) || !isNamed) {
    return { kind: 'error', error: { code: RPC.internal, message } }
  }
  const fault = new Fault('rpc/missing-capability', message, { data })
  return { kind: 'error', error: faultError(fault), fault }
}

/** F-036: a client is owed at most a hundred values, and told when there are more. */
function boundedCompletion(result: JsonObject): JsonObject {
  const completion = own(result, 'completion')
  const values = isObject(completion) ? own(completion, 'values') : undefined
  if (!isObject(completion) || !Array.isArray(values) || values.length <= VALUES_MAX) return result
  const first = values.slice(0, VALUES_MAX)
  return { ...result, completion: { ...completion, values: first, hasMore: true } }
}
const VALUES_MAX = 100

/** Clients of these revisions know no URL elicitation: they get the address in words. */
function urlInWords(error: RpcError, revision: Revision): Answer {
  const list = isObject(error.data) ? own(error.data, 'elicitations') : undefined
  const urls = (Array.isArray(list) ? list : [])
    .filter(isObject)
    .map((one) => `${textAt(one, 'message')} ${textAt(one, 'url')}`.trim())
  const text = `Nothing was executed yet: the server needs you to open a page first. ${urls.join(' ')} Then call the tool again.`
  return { kind: 'result', result: projectResult(toolError(text), revision) }
}

/** Refusals and unknown outcomes of a tool are results, so that the model reads them. */
const IN_WORDS: readonly string[] = [
  'policy/denied',
  'quota/exhausted',
  'upstream/unconnected',
  'call/unknown-outcome',
  'task/failed',
  'task/illegal',
  'task/too-large',
]

function refused(
  asked: Asked,
  { fault, receipt }: Extract<Outcome, { kind: 'refused' }>,
  revision: Revision,
  client: ClientCapabilities,
): Answer {
  const page = pageIn(fault)
  if (page && revision === '2025-11-25' && client.elicitation?.url !== undefined) {
    return { kind: 'error', error: pageError(page, fault) }
  }
  if (asked.method === 'tools/call' && IN_WORDS.includes(fault.code)) {
    const result = projectResult(toolError(fault.message), revision, stampOf(fault, receipt))
    return { kind: 'result', result }
  }
  return { kind: 'error', error: faultError(fault, revision), fault }
}

/** When to come back stands beside the words, for programs. */
const stampOf = ({ code, data }: Fault, receipt: Receipt | undefined): JsonObject =>
  code === 'quota/exhausted' && data !== undefined
    ? { ...receiptOf(receipt), [META.quota]: data }
    : receiptOf(receipt)

/** I-046, OC23: in this revision a page that is needed is an error of its own. */
const pageError = ({ id, url, server }: NeededPage, { message }: Fault): RpcError => ({
  code: RPC.urlElicitationRequired,
  message,
  data: {
    elicitations: [{ mode: 'url', elicitationId: id, url, message: askToConnect(server) }],
  },
})

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
  if (asked.method === 'prompts/get') return mapMessages(result, block)
  return { ...result, ...blocks('content'), ...blocks('contents') }
}

/** A prompt with the content of each message changed. */
function mapMessages(result: JsonObject, change: (content: Json) => Json): JsonObject {
  const messages = own(result, 'messages')
  if (!Array.isArray(messages)) return result
  return {
    ...result,
    messages: messages.map((message) =>
      isObject(message)
        ? { ...message, content: change(own(message, 'content') ?? null) }
        : message,
    ),
  }
}
