import { Fault, toFault } from '@countersign/contract'
import { isCallMethod } from './asked.ts'
import { callModern } from './call-modern.ts'
import { INTRODUCTION_MS, discoverResult, ensureListed, isListMethod, listPage } from './lists.ts'
import type { ModernRequest, ModernRooms, Served } from './modern.ts'
import { takesTasks } from './patience.ts'
import { failure, faultError, success } from './project.ts'
import { isTaskMethod, tasksModern } from './tasks-modern.ts'
import { idsOf } from './traced.ts'

/** Answers one modern request. Never rejects: what fails is answered as a fault. */
export async function serveModern(rooms: ModernRooms, modern: ModernRequest): Promise<Served> {
  const { request } = modern
  try {
    return await dispatch(rooms, modern)
  } catch (thrown) {
    const fault = toFault(thrown)
    if (fault.code === 'server/bug') {
      rooms.log.error({ cause: String(fault.cause), ...idsOf(modern.span) }, 'a bug')
    }
    return { response: failure(request.id, faultError(fault)), fault }
  }
}

async function dispatch(rooms: ModernRooms, modern: ModernRequest): Promise<Served> {
  const { request, view, envelope } = modern
  const { method, id } = request
  if (isCallMethod(method)) {
    return callModern(rooms, modern, method)
  }
  if (isListMethod(method)) {
    await ensureListed(rooms, view, modern.who)
    const reader = {
      who: modern.who,
      address: modern.address,
      revision: envelope.revision,
      takesTasks: takesTasks(envelope.capabilities),
    }
    return { response: success(id, listPage(rooms, view, method, request.params ?? {}, reader)) }
  }
  if (isTaskMethod(method)) return tasksModern(rooms, modern, method)
  if (method === 'server/discover') {
    await ensureListed(rooms, view, modern.who, INTRODUCTION_MS)
    return { response: success(id, discoverResult(rooms, view)) }
  }
  throw new Fault(
    'rpc/unknown-method',
    `There is no method "${method.slice(0, 100)}" in 2026-07-28.`,
  )
}
