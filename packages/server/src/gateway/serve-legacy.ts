import {
  Fault,
  isLogLevel,
  own,
  toFault,
  type JsonObject,
  type RpcNotification,
} from '@countersign/contract'
import { isCallMethod } from './asked.ts'
import { callLegacy } from './call-legacy.ts'
import type { LegacyRequest, LegacyRooms, LegacyServed } from './legacy.ts'
import { ensureListed, isListMethod, listPage, mayWatch } from './lists.ts'
import type { Served } from './modern.ts'
import { failure, faultError, success } from './project.ts'
import type { Session } from './session.ts'
import { isTaskMethod, tasksLegacy } from './tasks-legacy.ts'
import { idsOf } from './traced.ts'

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
    if (fault.code === 'server/bug') {
      rooms.log.error({ cause: String(fault.cause), ...idsOf(legacy.span) }, 'a bug')
    }
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
  const { request, session, view, who } = legacy
  const address = legacy.from?.address
  const { method, id } = request
  const params = request.params ?? {}
  const { revision } = session.facts
  if (isCallMethod(method)) {
    return callLegacy(rooms, legacy, method, signal)
  }
  if (isListMethod(method)) {
    await ensureListed(rooms, view, who)
    return {
      response: success(
        id,
        listPage(rooms, view, method, params, { who, address, revision, takesTasks: false }),
      ),
    }
  }
  if (isTaskMethod(method, revision)) return tasksLegacy(rooms, legacy, method, signal)
  switch (method) {
    case 'ping': // V-009: answered per hop.
      return { response: success(id, {}) }
    case 'logging/setLevel':
      setLevel(rooms, session, params)
      return { response: success(id, {}) }
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      await ensureListed(rooms, view, who)
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
  { session, view, who, request, from }: LegacyRequest,
  params: JsonObject,
): void {
  const uri = own(params, 'uri')
  if (typeof uri !== 'string') throw new Fault('rpc/bad-params', '"uri" must be a string.')
  if (request.method === 'resources/unsubscribe') session.subscriptions.delete(uri)
  else {
    if (!mayWatch(rooms, view, { who, address: from?.address }, uri)) {
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

/** Takes a notification of a legacy client. Unknown ones are ignored, late cancellations too. */
export function noticeLegacy(session: Session, { method, params }: RpcNotification): void {
  if (method !== 'notifications/cancelled') return
  const id = params && own(params, 'requestId')
  if (typeof id === 'string' || typeof id === 'number') session.inFlight.get(id)?.abort()
}
