import {
  Fault,
  META,
  RPC,
  toFault,
  isObject,
  own,
  TASKS_EXTENSION,
  without,
  type ClientCapabilities,
  type InputRequest,
  type JsonObject,
  type RpcRequest,
  type RpcResponse,
} from '@countersign/contract'
import type { Principal } from '#auth'
import { newId } from '#base'
import type { View } from '#registry'
import { Conversation, type Parking } from '#tasks'
import { answer } from './answer.ts'
import type { Asked, CallMethod, Client, Outcome, Round } from './asked.ts'
import { call, type CallRooms } from './call.ts'
import { ownQuestion } from './elicitation.ts'
import { labelOf, voice, type Channel, type Voice } from './client.ts'
import { discoverResult, ensureListed, isListMethod, listPage, type ListRooms } from './lists.ts'
import { checkParamHeaders } from './param-check.ts'
import { failure, faultError, projectResult, SERVER_INFO, success, toolError } from './project.ts'
import { ownParams, type Envelope, type Headers } from './read.ts'
import { answersIn, openState, sealState, stateIn, type Carried } from './request-state.ts'

export interface ModernRooms extends CallRooms, ListRooms {
  readonly parking: Parking<Outcome, Voice>
}

type Talk = Conversation<Outcome, Voice>

/** One request of the modern era: everything it needs is in here. */
export interface ModernRequest {
  readonly who: Principal
  readonly view: View
  readonly request: RpcRequest
  readonly envelope: Envelope
  /** Undefined over stdio, where nothing is mirrored (S-006). */
  readonly headers: Headers | undefined
  readonly channel: Channel
  /** Aborted when the client closes the stream: in this era that is a cancellation (H-050). */
  readonly signal: AbortSignal
}

/** A response, and the fault behind it when there is one: it decides the HTTP status. */
export interface Served {
  readonly response: RpcResponse
  readonly fault?: Fault
}

const CALL_METHODS: readonly string[] = [
  'tools/call',
  'resources/read',
  'prompts/get',
  'completion/complete',
]
export const isCallMethod = (method: string): method is CallMethod => CALL_METHODS.includes(method)

/** Answers one modern request. Never rejects: what fails is answered as a fault. */
export async function serveModern(rooms: ModernRooms, modern: ModernRequest): Promise<Served> {
  const { request } = modern
  try {
    return await dispatch(rooms, modern)
  } catch (thrown) {
    const fault = toFault(thrown)
    if (fault.code === 'server/bug') rooms.log.error({ cause: String(fault.cause) }, 'a bug')
    return { response: failure(request.id, faultError(fault)), fault }
  }
}

async function dispatch(rooms: ModernRooms, modern: ModernRequest): Promise<Served> {
  const { request, view, envelope } = modern
  const { method, id } = request
  if (isCallMethod(method)) {
    await ensureListed(rooms, view)
    return callModern(rooms, modern, method)
  }
  if (isListMethod(method)) {
    await ensureListed(rooms, view)
    return {
      response: success(id, listPage(rooms, view, method, request.params ?? {}, envelope.revision)),
    }
  }
  if (method === 'server/discover') {
    await ensureListed(rooms, view)
    return { response: success(id, discoverResult(rooms, view)) }
  }
  throw new Fault(
    'rpc/unknown-method',
    `There is no method "${method.slice(0, 100)}" in 2026-07-28.`,
  )
}

async function callModern(
  rooms: ModernRooms,
  modern: ModernRequest,
  method: CallMethod,
): Promise<Served> {
  const { view, request, headers, who } = modern
  const params = request.params ?? {}
  const exposed = method === 'tools/call' ? toolIn(view, params) : undefined
  if (exposed && headers) checkParamHeaders(exposed, params, headers)
  const scope = { who, view, method, params }
  const state = stateIn(params)
  const carried = state === undefined ? undefined : openState(rooms, scope, state)
  const answers = answersIn(params)
  if (carried?.kind === 'parked') return resume(rooms, modern, method, carried, answers ?? {})
  const declined = carried?.kind === 'redo' ? refusedUrl(answers) : undefined
  if (declined !== undefined) {
    return { response: success(request.id, projectResult(toolError(declined), '2026-07-28')) }
  }
  return begin(rooms, modern, askedIn(rooms, modern, method, carried, answers))
}

function toolIn(view: View, params: JsonObject): ReturnType<View['list']>[number] | undefined {
  const name = own(params, 'name')
  return typeof name === 'string' ? view.find('tool', name)?.exposed : undefined
}

function askedIn(
  rooms: ModernRooms,
  { view, request }: ModernRequest,
  method: CallMethod,
  carried: Carried | undefined,
  answers: JsonObject | undefined,
): Asked {
  const isLater = carried !== undefined && carried.kind !== 'parked'
  const inner = carried?.kind === 'relay' ? carried.inner : undefined
  const round: Round = {
    number: isLater ? carried.round : 1,
    // A redo starts the call over: the answers were for us, not for the server.
    ...(answers && carried?.kind !== 'redo' ? { inputResponses: answers } : {}),
    ...(inner === undefined ? {} : { requestState: inner }),
  }
  return {
    call: isLater ? carried.call : newId(rooms.world, 'call'),
    view,
    method,
    params: ownParams(request.params),
    round,
  }
}

/** Starts a call, which may end, ask the client to come back, or be parked with questions of its own. */
async function begin(rooms: ModernRooms, modern: ModernRequest, asked: Asked): Promise<Served> {
  const abort = new AbortController()
  const conversation: Talk = new Conversation(rooms.world, (ask) => {
    let missing: ClientCapabilities | undefined
    const client: Client = {
      ...clientOf(modern, abort.signal),
      ask,
      // A later request of this conversation has its own token and level: it listens for itself.
      progress: (params) => conversation.listener?.progress(params),
      log: (params) => conversation.listener?.log(params),
      undeclared: (capability) => {
        missing ??= capability
      },
    }
    return call(rooms, modern.who, asked, client).then(
      (outcome) => (missing ? forWantOf(missing, outcome) : outcome),
      (thrown: unknown): Outcome => ({ kind: 'refused', fault: toFault(thrown) }),
    )
  })
  const turn = await nextTurn(modern, conversation, abort)
  if (turn.kind === 'done') return conclude(rooms, modern, asked, turn.outcome)
  const { id } = rooms.parking.park(modern.who.id, conversation, abort)
  return askClient(rooms, modern, asked, turn.questions, { kind: 'parked', id, round: 1 })
}

/**
 * A call that failed after its server asked for what the client had not declared failed for want of
 * it, and says so (V-049). One that did without stands as it is.
 */
function forWantOf(missing: ClientCapabilities, outcome: Outcome): Outcome {
  const hasFailed =
    outcome.kind === 'errored' ||
    (outcome.kind === 'answered' && own(outcome.result, 'isError') === true)
  if (!hasFailed) return outcome
  const names = Object.keys(missing).join(', ')
  const fault = new Fault('rpc/missing-capability', `The server needs a client with ${names}.`, {
    data: { requiredCapabilities: { ...missing } },
  })
  return { kind: 'refused', fault }
}

async function resume(
  rooms: ModernRooms,
  modern: ModernRequest,
  method: CallMethod,
  carried: Extract<Carried, { kind: 'parked' }>,
  answers: JsonObject,
): Promise<Served> {
  const asked = askedIn(rooms, modern, method, undefined, undefined)
  const parked = rooms.parking.find(modern.who.id, carried.id)
  if (!parked) {
    // BR-038: a live call died with its process. It may have had effects; it is never re-run silently.
    const text =
      'This call was interrupted while it waited for your answer, and cannot be continued. It may have had effects. Check before calling again.'
    return asked.method === 'tools/call'
      ? { response: success(modern.request.id, projectResult(toolError(text), '2026-07-28')) }
      : { response: failure(modern.request.id, { code: RPC.internal, message: text }) }
  }
  parked.conversation.answer(answers)
  const turn = await nextTurn(modern, parked.conversation, parked.abort)
  if (turn.kind === 'done') return conclude(rooms, modern, asked, turn.outcome)
  const next = { kind: 'parked', id: parked.id, round: carried.round + 1 } as const
  return askClient(rooms, modern, asked, turn.questions, next)
}

/** While a request is open its stream is the client's way to cancel; a parked call has none. */
async function nextTurn(
  modern: ModernRequest,
  conversation: Talk,
  abort: AbortController,
): ReturnType<Talk['next']> {
  const cancel = (): void => {
    abort.abort()
  }
  if (modern.signal.aborted) cancel()
  modern.signal.addEventListener('abort', cancel, { once: true })
  conversation.listener = voiceOf(modern)
  try {
    return await conversation.next()
  } finally {
    conversation.listener = undefined
    modern.signal.removeEventListener('abort', cancel)
  }
}

const voiceOf = ({ channel, envelope }: ModernRequest): Voice =>
  voice(channel, envelope.progressToken, () => envelope.logLevel)

function clientOf(modern: ModernRequest, signal: AbortSignal): Omit<Client, 'ask' | 'undeclared'> {
  const { envelope, who, request } = modern
  return {
    ...voiceOf(modern),
    label: labelOf(envelope.clientInfo),
    questions: 'rounds',
    owner: who.id,
    // I-001: only these three may come back with questions.
    capabilities: request.method === 'completion/complete' ? {} : askable(envelope.capabilities),
    clientInfo: envelope.clientInfo,
    signal,
    elicitationComplete: () => undefined, // I-047: not in this era; the retry finds out.
    paused: () => undefined, // H-048: streams of this era are not resumed.
    dispatched: () => undefined,
  }
}

/** Tasks are between the client and us: an upstream is not invited to start one of its own (rule 11). */
function askable({ extensions, ...capabilities }: ClientCapabilities): ClientCapabilities {
  if (!extensions) return capabilities
  return { ...capabilities, extensions: without(extensions, [TASKS_EXTENSION]) }
}

function conclude(
  rooms: ModernRooms,
  modern: ModernRequest,
  asked: Asked,
  outcome: Outcome,
): Served {
  const { id } = modern.request
  if (outcome.kind === 'input') {
    const { inputRequests, requestState, server } = outcome
    const inner = requestState === undefined ? {} : { inner: requestState }
    const round = asked.round.number + 1
    return askClient(rooms, modern, asked, inputRequests, {
      kind: 'relay',
      call: asked.call,
      server,
      round,
      ...inner,
    })
  }
  // I-001, I-004: only a call that may come back, and only to a client that can open pages.
  const canOpen =
    asked.method !== 'completion/complete' &&
    modern.envelope.capabilities.elicitation?.url !== undefined
  const urls =
    outcome.kind === 'errored' && canOpen
      ? urlQuestions(outcome.error.code, outcome.error.data)
      : undefined
  if (urls && asked.round.number < REDO_ROUNDS_MAX) {
    const round = asked.round.number + 1
    return askClient(rooms, modern, asked, urls, { kind: 'redo', call: asked.call, round })
  }
  const { revision, capabilities } = modern.envelope
  const said = answer(asked, outcome, revision, capabilities)
  if (said.kind === 'result') return { response: success(id, said.result) }
  return { response: failure(id, said.error), ...(said.fault ? { fault: said.fault } : {}) }
}

/** `input_required` with our own sealed state (2026-07-28 MRTR). */
function askClient(
  rooms: ModernRooms,
  { who, view, request }: ModernRequest,
  asked: Asked,
  inputRequests: Readonly<Record<string, InputRequest>>,
  carried: Carried,
): Served {
  const scope = { who, view, method: asked.method, params: request.params ?? {} }
  const result = {
    resultType: 'input_required',
    ...(Object.keys(inputRequests).length > 0
      ? { inputRequests: Object.fromEntries(Object.entries(inputRequests).map(bare)) }
      : {}),
    requestState: sealState(rooms, scope, carried),
    _meta: { [META.serverInfo]: SERVER_INFO },
  }
  return { response: success(request.id, result) }
}

/** A question as the wire has it: method and parameters, nothing else (I-003). */
const bare = ([key, { method, params }]: readonly [string, InputRequest]): [string, JsonObject] => [
  key,
  { method, ...(params ? { params: ownQuestion(params) } : {}) },
]

const REDO_ROUNDS_MAX = 10

/** A legacy server's -32042 as questions: the same URLs, without the ids of its era (I-047). */
function urlQuestions(
  code: number,
  data: unknown,
): Readonly<Record<string, InputRequest>> | undefined {
  if (code !== RPC.urlElicitationRequired || !isObject(data)) return undefined
  const list = own(data, 'elicitations')
  const urls = (Array.isArray(list) ? list : []).filter(isObject)
  if (urls.length === 0) return undefined
  return Object.fromEntries(
    urls.map((one, at) => {
      const { elicitationId: _id, ...params } = one
      return [
        `url${String(at + 1)}`,
        { method: 'elicitation/create', params: { ...params, mode: 'url' } },
      ]
    }),
  )
}

/** What to say when the person did not agree to open a page; undefined when they did. */
function refusedUrl(answers: JsonObject | undefined): string | undefined {
  const given = Object.values(answers ?? {}).filter(isObject)
  const isAgreed = given.length > 0 && given.every((one) => own(one, 'action') === 'accept')
  return isAgreed
    ? undefined
    : 'Nothing was executed: the page that the server needs was not opened. Ask the user, then call again.'
}
