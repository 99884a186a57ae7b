import { Fault, isObject, own, without, type JsonObject } from '@countersign/contract'
import type { Principal } from '#auth'
import type { Seal, World } from '#base'
import type { View } from '#registry'
import { digestOfParams } from './params-digest.ts'

/**
 * What our `requestState` carries through the client. It is attacker's input until opened: sealed, and
 * bound to principal, view, method, parameters and expiry (I-020 to I-028).
 */
export type Carried =
  /** The call is parked with us; the client comes back with answers (BR-032). */
  | {
      readonly kind: 'parked'
      readonly id: string
      readonly call: string
      readonly round: number
    }
  /** A modern server's own state, wrapped (BR-042). Absent stays absent, empty stays empty. */
  | {
      readonly kind: 'relay'
      readonly call: string
      readonly server: string
      readonly round: number
      readonly inner?: string
    }
  /** A legacy server wanted a URL opened first; the retry is a new attempt of the same call (BR-031). */
  | {
      readonly kind: 'redo'
      readonly call: string
      readonly round: number
      /** The page of ours that has to be finished, where it is one of ours. */
      readonly connect?: string
    }
  /** The call waits for people; the client was shown where they decide, and its answer is no decision. */
  | {
      readonly kind: 'waits'
      readonly call: string
      readonly task: string
      readonly round: number
    }

/** Long enough for a person to answer, short enough that a stolen state is soon worthless. */
export const STATE_MS = 30 * 60_000

interface Bound {
  readonly principal: string
  readonly view: string
  readonly method: string
  readonly params: string
  readonly expires: number
  readonly carried: Carried
}

export interface StateScope {
  readonly who: Principal
  readonly view: View
  readonly method: string
  readonly params: JsonObject
}

export function sealState(
  rooms: { readonly world: World; readonly seal: Seal },
  scope: StateScope,
  carried: Carried,
): string {
  const bound: Bound = { ...bindings(scope), expires: rooms.world.now() + STATE_MS, carried }
  return rooms.seal.seal('requestState', JSON.stringify(bound))
}

/** Opens a state for exactly the request it was given for, or faults with -32602. */
export function openState(
  rooms: { readonly world: World; readonly seal: Seal },
  scope: StateScope,
  state: string,
): Carried {
  const opened = rooms.seal.open('requestState', state)
  if (opened === undefined) throw bad('This requestState was not issued here, or was changed.')
  const bound: Bound = JSON.parse(opened)
  const expected = bindings(scope)
  const isBound =
    bound.principal === expected.principal &&
    bound.view === expected.view &&
    bound.method === expected.method &&
    bound.params === expected.params
  if (!isBound) throw bad('This requestState belongs to another request.')
  // AM-29: an authentic but expired state is refused, not silently started over.
  if (bound.expires < rooms.world.now()) {
    throw bad('This requestState has expired. Call again without it to start over.')
  }
  return bound.carried
}

const bad = (message: string): Fault => new Fault('call/bad-state', message)

const bindings = ({
  who,
  view,
  method,
  params,
}: StateScope): Omit<Bound, 'expires' | 'carried'> => ({
  principal: who.id,
  view: view.id,
  method,
  // I-028: over what the client sees of its own request, without what changes from round to round.
  params: digestOfParams(without(params, ['_meta', 'inputResponses', 'requestState', 'task'])),
})

/** The client's answers of this round, or undefined. A wrong shape is a fault of the request. */
export function answersIn(params: JsonObject): JsonObject | undefined {
  const answers = own(params, 'inputResponses')
  if (answers === undefined) return undefined
  if (!isObject(answers)) throw new Fault('rpc/bad-params', '"inputResponses" must be an object.')
  return answers
}

export function stateIn(params: JsonObject): string | undefined {
  const state = own(params, 'requestState')
  if (state === undefined || typeof state === 'string') return state
  throw new Fault('rpc/bad-params', '"requestState" must be a string.')
}
