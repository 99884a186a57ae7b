import {
  Fault,
  isLogLevel,
  isObject,
  own,
  RPC,
  toFault,
  type InputRequest,
  type JsonObject,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from '@countersign/contract'
import type { Principal } from '#auth'
import { newId } from '#base'
import type { View } from '#registry'
import type { InputAnswer } from '#upstream'
import { answer } from './answer.ts'
import { isCallMethod, type Client } from './asked.ts'
import { call, type CallRooms } from './call.ts'
import { labelOf, notification, voice, type Channel } from './client.ts'
import { forRevision } from './elicitation.ts'
import type { Hub } from './hub.ts'
import { ensureListed, ensureNamed, isListMethod, listPage, type ListRooms } from './lists.ts'
import { failure, faultError, success } from './project.ts'
import { ownParams, tokenIn } from './read.ts'
import type { Served } from './modern.ts'
import type { Session } from './session.ts'

export interface LegacyRooms extends CallRooms, ListRooms {
  readonly hub: Hub
}

export interface LegacyRequest {
  readonly who: Principal
  readonly view: View
  readonly session: Session
  readonly request: RpcRequest
  readonly channel: Channel
}

/** A response; none when the client cancelled the request, which is then not answered (P-010). */
export interface LegacyServed {
  readonly response?: RpcResponse
  readonly fault?: Fault
}

/** How long a person may take to answer a question on the open stream. */
const ASK_MS = 30 * 60_000

/** Answers one legacy request. Never rejects. */
export async function serveLegacy(
  rooms: LegacyRooms,
  legacy: LegacyRequest,
): Promise<LegacyServed> {
  const { request, session } = legacy
  if (session.inFlight.has(request.id)) {
    const fault = new Fault('rpc/invalid', 'A request with this id is still being answered.')
    return { response: failure(request.id, faultError(fault)), fault }
  }
  const abort = new AbortController()
  session.inFlight.set(request.id, abort)
  try {
    const served = await dispatch(rooms, legacy, abort.signal)
    return abort.signal.aborted ? {} : served
  } catch (thrown) {
    if (abort.signal.aborted) return {}
    const fault = toFault(thrown)
    if (fault.code === 'server/bug') rooms.log.error({ cause: String(fault.cause) }, 'a bug')
    return { response: failure(request.id, faultError(fault, session.facts.revision)), fault }
  } finally {
    session.inFlight.delete(request.id)
  }
}

async function dispatch(
  rooms: LegacyRooms,
  legacy: LegacyRequest,
  signal: AbortSignal,
): Promise<Served> {
  const { request, session, view } = legacy
  const { method, id } = request
  const params = request.params ?? {}
  const { revision } = session.facts
  if (isCallMethod(method)) {
    await ensureNamed(rooms, view, method, params)
    return callLegacy(rooms, legacy, signal)
  }
  if (isListMethod(method)) {
    await ensureListed(rooms, view)
    return { response: success(id, listPage(rooms, view, method, params, revision)) }
  }
  switch (method) {
    case 'ping': // V-009: answered per hop.
      return { response: success(id, {}) }
    case 'logging/setLevel':
      setLevel(rooms, session, params)
      return { response: success(id, {}) }
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      await ensureListed(rooms, view)
      subscribe(rooms, legacy, params)
      return { response: success(id, {}) }
    case 'initialize':
      throw new Fault('rpc/invalid', 'This session is initialized already.')
    default:
      throw new Fault('rpc/unknown-method', `There is no method "${method.slice(0, 100)}" here.`)
  }
}

function setLevel(rooms: LegacyRooms, session: Session, params: JsonObject): void {
  const level = own(params, 'level')
  if (!isLogLevel(level)) throw new Fault('rpc/bad-params', 'Unknown log level.')
  session.logLevel = level
  rooms.hub.changed()
}

function subscribe(
  rooms: LegacyRooms,
  { session, view, request }: LegacyRequest,
  params: JsonObject,
): void {
  const uri = own(params, 'uri')
  if (typeof uri !== 'string') throw new Fault('rpc/bad-params', '"uri" must be a string.')
  if (request.method === 'resources/unsubscribe') session.subscriptions.delete(uri)
  else {
    if (!view.resources().inward(uri)) {
      throw new Fault('call/unknown-resource', 'Resource not found.', { data: { uri } })
    }
    if (session.subscriptions.size >= SUBSCRIPTIONS_MAX) {
      throw new Fault(
        'http/busy',
        `At most ${String(SUBSCRIPTIONS_MAX)} subscriptions in a session.`,
      )
    }
    session.subscriptions.add(uri)
  }
  rooms.hub.changed()
}
const SUBSCRIPTIONS_MAX = 1_000

async function callLegacy(
  rooms: LegacyRooms,
  legacy: LegacyRequest,
  signal: AbortSignal,
): Promise<Served> {
  const { request, session, view, who } = legacy
  const { method } = request
  if (!isCallMethod(method)) throw new Fault('rpc/unknown-method', method)
  const asked = {
    call: newId(rooms.world, 'call'),
    view,
    method,
    params: ownParams(request.params),
    round: { number: 1 },
  }
  const outcome = await call(rooms, who, asked, liveClient(rooms, legacy, signal))
  if (outcome.kind === 'input') throw new Error('a live conversation ended with a question')
  const said = answer(asked, outcome, session.facts.revision, session.facts.capabilities)
  if (said.kind === 'result') return { response: success(request.id, said.result) }
  return {
    response: failure(request.id, said.error),
    ...(said.fault ? { fault: said.fault } : {}),
  }
}

/** A legacy client is asked by real requests on the stream of its own call (H-069). */
function liveClient(
  rooms: LegacyRooms,
  { session, request, channel }: LegacyRequest,
  signal: AbortSignal,
): Client {
  const meta = own(request.params ?? {}, '_meta')
  const token = tokenIn(isObject(meta) ? meta : undefined)
  const { capabilities, clientInfo, revision } = session.facts
  const elicitations = new Map<string, string>()
  return {
    ...voice(channel, token, () => session.logLevel),
    // Until a level is set the server decides (P-020): what it says of a call is passed on.
    logLevel: session.logLevel ?? 'debug',
    log: (params) => {
      voice(channel, undefined, () => session.logLevel ?? 'debug').log(params)
    },
    label: labelOf(clientInfo),
    questions: 'live',
    owner: session.id,
    capabilities,
    clientInfo,
    signal,
    ask: async (asked, withdrawn) => {
      const { request: shaped, restore } = forRevision(asked, revision, () => {
        const id = newId(rooms.world, 'elicitation')
        const theirs = asked.params && own(asked.params, 'elicitationId')
        if (typeof theirs === 'string') elicitations.set(theirs, id)
        return id
      })
      return restore(await askLive(rooms, session, channel, shaped, withdrawn))
    },
    elicitationComplete: (theirs) => {
      // What was demanded by an error (-32042) was passed on under the server's own id.
      const elicitationId = elicitations.get(theirs) ?? theirs
      const over = notification('notifications/elicitation/complete', { elicitationId })
      // It often comes when the call is long over, and with it the stream of the call (I-045).
      if (session.listening) session.listening.send(over)
      else channel.send(over)
    },
    undeclared: () => undefined, // The server was told; what it makes of that is its answer.
    paused: (retryMs) => {
      channel.pause?.(retryMs)
    },
    dispatched: () => undefined,
  }
}

async function askLive(
  rooms: LegacyRooms,
  session: Session,
  channel: Channel,
  { method, params }: InputRequest,
  withdrawn: AbortSignal,
): Promise<InputAnswer> {
  const id = session.nextAskId()
  const answered = session.awaitAnswer(id)
  channel.send({ jsonrpc: '2.0', id, method, ...(params ? { params } : {}) })
  const giveUp = (message: string): void => {
    channel.send(notification('notifications/cancelled', { requestId: id, reason: message }))
    session.settle(id, { kind: 'error', error: { code: RPC.internal, message } })
  }
  const onAbort = (): void => {
    giveUp('The question was withdrawn.')
  }
  const cancelTimer = rooms.world.after(ASK_MS, () => {
    giveUp('Nobody answered in time.')
  })
  withdrawn.addEventListener('abort', onAbort, { once: true })
  if (withdrawn.aborted) onAbort()
  const said = await answered
  cancelTimer()
  withdrawn.removeEventListener('abort', onAbort)
  return said
}

/** Takes a notification of a legacy client. Unknown ones are ignored, late cancellations too. */
export function noticeLegacy(session: Session, { method, params }: RpcNotification): void {
  if (method !== 'notifications/cancelled') return
  const id = params && own(params, 'requestId')
  if (typeof id === 'string' || typeof id === 'number') session.inFlight.get(id)?.abort()
}
