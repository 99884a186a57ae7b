import {
  isInputMethod,
  isObject,
  missingCapability,
  own,
  type ClientCapabilities,
  type InputRequest,
  type JsonObject,
} from '@countersign/contract'
import { withoutHopMeta } from './hop-meta.ts'
import type { Outgoing, Reply } from './upstream.ts'

const MAY_ASK: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read'])
/** Questions in one round; a person answers them all before the call goes on. */
const QUESTIONS_MAX = 32

type Round =
  | Extract<Reply, { kind: 'input' }>
  | { readonly kind: 'violation'; readonly why: string }

/** Reads an `input_required` result, which a server may only give within bounds (BR-044). */
export function readRound(
  method: Outgoing['method'],
  result: JsonObject,
  capabilities: ClientCapabilities,
): Round {
  if (!MAY_ASK.has(method)) return violation(`asked for input in ${method}`) // I-001
  const requestState = own(result, 'requestState')
  if (requestState !== undefined && typeof requestState !== 'string') {
    return violation('sent a request state that is not text')
  }
  const asked = own(result, 'inputRequests')
  if (asked !== undefined && !isObject(asked)) return violation('sent malformed input requests')
  if (requestState === undefined && Object.keys(asked ?? {}).length === 0) {
    return violation('asked for input without saying for what') // I-002
  }
  const inputRequests = readRequests(asked ?? {}, capabilities)
  if (typeof inputRequests === 'string') return violation(inputRequests)
  return { kind: 'input', inputRequests, requestState }
}

/** The requests of one round, or of one look at a task, by key; or what is wrong with them. */
export function readRequests(
  asked: JsonObject,
  capabilities: ClientCapabilities,
): Readonly<Record<string, InputRequest>> | string {
  const entries = Object.entries(asked)
  if (entries.length > QUESTIONS_MAX) return 'asked too much at once'
  const requests: [string, InputRequest][] = []
  for (const [key, value] of entries) {
    const request = readRequest(value)
    if (!request) return 'sent a malformed input request' // I-003
    if (missingCapability(request, capabilities)) {
      return 'asked for something the client did not declare' // I-004
    }
    requests.push([key, request])
  }
  return Object.fromEntries(requests)
}

function readRequest(value: unknown): InputRequest | undefined {
  if (!isObject(value)) return undefined
  const method = own(value, 'method')
  const params = own(value, 'params')
  if (!isInputMethod(method) || (params !== undefined && !isObject(params))) return undefined
  return params ? { method, params: withoutHopMeta(params) } : { method }
}

const violation = (why: string): Round => ({ kind: 'violation', why })
