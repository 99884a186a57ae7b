import {
  isObject,
  own,
  passesLevel,
  relatedTask,
  type JsonObject,
  type RpcNotification,
} from '@countersign/contract'
import type { Flight } from './flight.ts'
import { withoutHopMeta } from './hop-meta.ts'
import type { Hop } from './link.ts'
import type { Exchange } from './upstream.ts'

/**
 * Progress of a call, to its client. Late ones and those of nobody are dropped (P-013). A task goes on
 * with the token of the call that made it (TL-028), and is reported to whoever waits for its result.
 */
export function relayProgress(
  hop: Hop,
  params: JsonObject,
  lane: number | undefined,
  taskOf?: (token: number) => string | undefined,
): void {
  const token = own(params, 'progressToken')
  if (typeof token !== 'number') return
  const task = relatedTask(params) ?? taskOf?.(token)
  if (task === undefined && lane !== undefined && lane !== token) return
  const exchange = (task === undefined ? hop.rpc.flight(token) : waitOf(hop, task))?.ask.exchange
  if (!exchange?.wantsProgress || typeof own(params, 'progress') !== 'number') return
  exchange.progress(withoutHopMeta(params, 'progressToken'))
}

/**
 * A log message: of whoever waits for the task that it names; else of the call on whose stream it
 * came; else of the oldest call, when all calls in flight are one owner's (S-022); else of nobody.
 */
export function relayLog(hop: Hop, params: JsonObject, lane: number | undefined): void {
  const said = withoutHopMeta(params)
  const calls = callsOf(hop, relatedTask(params), lane)
  if (calls.length === 0) {
    hop.emit({ kind: 'log', params: said })
    return
  }
  const level = own(params, 'level')
  const listening = calls.find(({ logLevel }) => logLevel && passesLevel(level, logLevel))
  listening?.log(said)
}

function callsOf(
  hop: Hop,
  task: string | undefined,
  lane: number | undefined,
): readonly Exchange[] {
  const waiting = task === undefined ? undefined : waitOf(hop, task)?.ask.exchange
  if (waiting) return [waiting]
  return lane === undefined ? oneOwnersCalls(hop) : laneCall(hop, lane)
}

const laneCall = (hop: Hop, lane: number): readonly Exchange[] => {
  const exchange = hop.rpc.flight(lane)?.ask.exchange
  return exchange ? [exchange] : []
}

/** The calls in flight, oldest first, when they are all one owner's; otherwise none. */
function oneOwnersCalls(hop: Hop): readonly Exchange[] {
  const calls = clientCalls(hop).flatMap(({ ask }) => (ask.exchange ? [ask.exchange] : []))
  return calls.every(({ owner }) => owner === calls[0]?.owner) ? calls : []
}

/** Calls in flight on a client's behalf, oldest first. What concerns a task says so itself (TL-013). */
export const clientCalls = (hop: Hop): readonly Flight[] =>
  hop.rpc.flights().filter(({ ask }) => ask.exchange !== undefined && ask.task === undefined)

/** Who waits for the result of this task; the latest, as whoever waited before may be gone (TL-018). */
const waitOf = (hop: Hop, task: string): Flight | undefined => waitsOf(hop, task).at(-1)

export const waitsOf = (hop: Hop, task: string): readonly Flight[] =>
  hop.rpc.flights().filter(({ ask }) => ask.task === task)

const LISTS: ReadonlyMap<string, 'tools' | 'prompts' | 'resources'> = new Map([
  ['notifications/tools/list_changed', 'tools'],
  ['notifications/prompts/list_changed', 'prompts'],
  ['notifications/resources/list_changed', 'resources'],
])

/** A change that a server announces; false for any other notification. */
export function emitChange(hop: Hop, { method, params }: RpcNotification): boolean {
  const list = LISTS.get(method)
  if (list) {
    hop.emit({ kind: 'list-changed', list })
    return true
  }
  if (method !== 'notifications/resources/updated') return false
  const uri = isObject(params) ? own(params, 'uri') : undefined
  if (typeof uri === 'string') hop.emit({ kind: 'resource-updated', uri })
  return true
}
