import {
  Fault,
  isObject,
  own,
  RPC,
  TASKS_EXTENSION,
  toFault,
  without,
  type ClientCapabilities,
  type JsonObject,
} from '@countersign/contract'
import { newId } from '#base'
import type { View } from '#registry'
import { Conversation } from '#tasks'
import type { Asked, CallMethod, Client, Outcome, Round } from './asked.ts'
import { call } from './call.ts'
import { labelOf, voice, type Voice } from './client.ts'
import { askClient, conclude } from './conclude-modern.ts'
import type { ModernRequest, ModernRooms, Served, Talk } from './modern.ts'
import { checkParamHeaders } from './param-check.ts'
import { failure, projectResult, success, toolError } from './project.ts'
import { digestOfParams } from './params-digest.ts'
import { ownParams, type Headers } from './read.ts'
import { answersIn, openState, stateIn, type Carried } from './request-state.ts'

/** One call of a modern client, from its request to its response. */
export async function callModern(
  rooms: ModernRooms,
  modern: ModernRequest,
  method: CallMethod,
): Promise<Served> {
  const { view, request, headers, who } = modern
  const params = request.params ?? {}
  if (method === 'tools/call' && headers) checkMirrored(view, params, headers)
  const scope = { who, view, method, params }
  const state = stateIn(params)
  const carried = state === undefined ? undefined : openState(rooms, scope, state)
  const answers = answersIn(params)
  if (carried?.kind === 'parked') return resume(rooms, modern, method, carried, answers ?? {})
  if (carried?.kind === 'redo' && !isAgreed(answers)) {
    return { response: success(request.id, projectResult(toolError(NOT_OPENED), '2026-07-28')) }
  }
  const asked = askedIn(rooms, modern, method, carried, answers)
  return state === undefined ? begin(rooms, modern, asked) : beginOnce(rooms, modern, asked, state)
}

/** A retry whose answer got lost comes again with the same state and answers: its effect does not (I-013). */
async function beginOnce(
  rooms: ModernRooms,
  modern: ModernRequest,
  asked: Asked,
  state: string,
): Promise<Served> {
  const key = `${state} ${digestOfParams(asked.round.inputResponses ?? {})}`
  const served = await rooms.replays.once(key, () => begin(rooms, modern, asked))
  return { ...served, response: { ...served.response, id: modern.request.id } }
}

function checkMirrored(view: View, params: JsonObject, headers: Headers): void {
  const name = own(params, 'name')
  const exposed = typeof name === 'string' ? view.find('tool', name)?.exposed : undefined
  if (exposed) checkParamHeaders(exposed, params, headers)
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
  if (!canBeAsked(modern)) {
    // The call ends with its request: no conversation has to outlive it.
    const { progress, log } = voiceOf(modern)
    const live = { ask: nobody, progress, log, signal: modern.signal }
    return conclude(rooms, modern, asked, await carryOut(rooms, modern, asked, live))
  }
  const abort = new AbortController()
  const conversation: Talk = new Conversation(rooms.world, (ask) =>
    carryOut(rooms, modern, asked, {
      ask,
      signal: abort.signal,
      // A later request of this conversation has its own token and level: it listens for itself.
      progress: (params) => conversation.listener?.progress(params),
      log: (params) => conversation.listener?.log(params),
    }),
  )
  const turn = await nextTurn(modern, conversation, abort)
  if (turn.kind === 'done') return conclude(rooms, modern, asked, turn.outcome)
  const { id } = rooms.parking.park(modern.who.id, conversation, abort)
  return askClient(rooms, modern, asked, turn.questions, {
    kind: 'parked',
    id,
    call: asked.call,
    round: 1,
  })
}

const canBeAsked = ({ request, envelope }: ModernRequest): boolean => {
  const { elicitation, sampling, roots } = envelope.capabilities
  // I-001: completion cannot come back with questions.
  return (
    request.method !== 'completion/complete' && (elicitation ?? sampling ?? roots) !== undefined
  )
}

const nobody: Client['ask'] = async () => ({
  kind: 'error',
  error: { code: RPC.invalidParams, message: 'This client cannot be asked.' },
})

async function carryOut(
  rooms: ModernRooms,
  modern: ModernRequest,
  asked: Asked,
  live: Pick<Client, 'ask' | 'signal' | 'progress' | 'log'>,
): Promise<Outcome> {
  let missing: ClientCapabilities | undefined
  const client: Client = {
    ...clientOf(modern),
    ...live,
    undeclared: (capability) => {
      missing ??= capability
    },
  }
  try {
    const outcome = await call(rooms, modern.who, asked, client)
    return missing ? forWantOf(missing, outcome) : outcome
  } catch (thrown) {
    return { kind: 'refused', fault: toFault(thrown) }
  }
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
  const asked = { ...askedIn(rooms, modern, method, undefined, undefined), call: carried.call }
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
  const { call: id, round } = carried
  const next = { kind: 'parked', id: parked.id, call: id, round: round + 1 } as const
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

type Still = Omit<Client, 'ask' | 'undeclared' | 'signal' | 'progress' | 'log'>

function clientOf({ envelope, who, request }: ModernRequest): Still {
  return {
    wantsProgress: envelope.progressToken !== undefined,
    logLevel: envelope.logLevel,
    label: labelOf(envelope.clientInfo),
    questions: 'rounds',
    // Programs of one person are told apart by name: a question of one is not put to the other.
    owner: `${who.id} ${labelOf(envelope.clientInfo)}`,
    // I-001: only these three may come back with questions.
    capabilities: request.method === 'completion/complete' ? {} : askable(envelope.capabilities),
    clientInfo: envelope.clientInfo,
    elicitationComplete: nothing, // I-047: not in this era; the retry finds out.
    paused: nothing, // H-048: streams of this era are not resumed.
    dispatched: nothing,
  }
}
const nothing = (): void => undefined

/** Tasks are between the client and us: an upstream is not invited to start one of its own. */
function askable({ extensions, ...capabilities }: ClientCapabilities): ClientCapabilities {
  if (!extensions) return capabilities
  return { ...capabilities, extensions: without(extensions, [TASKS_EXTENSION]) }
}

/** Whether the person agreed to open every page that was asked about. */
function isAgreed(answers: JsonObject | undefined): boolean {
  const given = Object.values(answers ?? {}).filter(isObject)
  return given.length > 0 && given.every((one) => own(one, 'action') === 'accept')
}

const NOT_OPENED =
  'Nothing was executed: the page that the server needs was not opened. Ask the user, then call again.'
