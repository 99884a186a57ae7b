import {
  isInputMethod,
  missingCapability,
  RPC,
  type ClientCapabilities,
  type InputRequest,
  type RequestId,
  type Revision,
  type RpcError,
  type RpcRequest,
} from '@countersign/contract'
import type { ElicitationOwners } from './elicitation-owners.ts'
import { CALL_OVER, type Flight } from './flight.ts'
import { withoutHopMeta } from './hop-meta.ts'
import type { Hop } from './link.ts'
import { clientCalls } from './notes.ts'

/** Questions open at once in one call; a person answers them one by one. */
const OPEN_MAX = 16
const TOGETHER_MS = 30

/** What a legacy server asks of a client, brought to the one client that it can be about. */
export interface Questions {
  readonly receive: (request: RpcRequest, lane: number | undefined) => void
  /** The server takes back its own request. */
  readonly withdraw: (id: RequestId) => void
}

export function makeQuestions(hop: Hop, revision: Revision, owners: ElicitationOwners): Questions {
  const { rpc } = hop
  const fail = (id: RequestId, code: number, message: string): void =>
    rpc.respond(id, { error: { code, message } }, revision)

  let last: { readonly flight: Flight; readonly atMs: number } | undefined
  /** Questions of one call come together: the next one within moments is the same call's. */
  const together = (lane: number | undefined): Flight | undefined => {
    if (lane !== undefined || !last || last.flight.questions.size === 0) return undefined
    return hop.world.monotonic() - last.atMs < TOGETHER_MS ? last.flight : undefined
  }

  const receive = ({ id, method, params }: RpcRequest, lane: number | undefined): void => {
    if (method === 'ping') {
      rpc.respond(id, { result: {} }, revision) // Answered per hop, at once (V-009).
      return
    }
    if (!isInputMethod(method)) {
      fail(id, RPC.methodNotFound, `Method ${method.slice(0, 100)} is not known.`)
      return
    }
    const request: InputRequest = params ? { method, params: withoutHopMeta(params) } : { method }
    const call = together(lane) ?? attribute(hop, request, lane)
    if (call === 'ambiguous') {
      // Guessing could ask the wrong person (BR-031).
      fail(id, RPC.internal, 'Several clients have calls in flight; it is not clear whom to ask.')
    } else if (call) void ask(call, id, request, lane)
    else if (method === 'roots/list') rpc.respond(id, { result: { roots: [] } }, revision)
    else fail(id, RPC.invalidParams, 'This request belongs to no call in flight.') // H-070
  }

  const ask = async (
    flight: Flight,
    id: RequestId,
    request: InputRequest,
    lane: number | undefined,
  ): Promise<void> => {
    const refusal = refusalOf(flight, request)
    if (refusal) {
      rpc.respond(id, { error: refusal }, revision)
      return
    }
    if (flight.ask.exchange) owners.asked(request, flight.ask.exchange)
    const withdrawn = new AbortController()
    flight.questions.get(id)?.abort()
    flight.questions.set(id, withdrawn)
    last = { flight, atMs: hop.world.monotonic() }
    flight.deadline?.pause() // A person is being asked; the server is not late.
    const said = await answer(flight, request, withdrawn.signal)
    flight.deadline?.resume()
    if (flight.questions.get(id) === withdrawn) flight.questions.delete(id)
    if (!withdrawn.signal.aborted) rpc.respond(id, said, revision)
    // Its call was answered without it, so it was another call's: that one carries it on (S-022).
    else if (withdrawn.signal.reason === CALL_OVER && lane === undefined) {
      if (areAllOf(hop, flight.ask.exchange?.owner))
        receive({ jsonrpc: '2.0', id, ...request }, lane)
    }
  }

  return {
    receive,
    withdraw: (id) => {
      for (const flight of rpc.flights()) flight.questions.get(id)?.abort()
    },
  }
}

/** True when there are calls in flight, and all of them are this owner's: nobody else may be asked. */
const areAllOf = (hop: Hop, owner: string | undefined): boolean => {
  const calls = clientCalls(hop)
  return calls.length > 0 && calls.every(({ ask }) => ask.exchange?.owner === owner)
}

type Said = { readonly result: NonNullable<InputRequest['params']> } | { readonly error: RpcError }

async function answer(
  { ask: { exchange } }: Flight,
  request: InputRequest,
  signal: AbortSignal,
): Promise<Said> {
  const nobody: Said = { error: { code: RPC.internal, message: 'The client could not be asked.' } }
  if (!exchange) return nobody
  try {
    const said = await exchange.ask(request, signal)
    return said.kind === 'result' ? { result: said.result } : { error: said.error }
  } catch {
    return nobody
  }
}

function refusalOf({ ask, questions }: Flight, request: InputRequest): RpcError | undefined {
  if (questions.size >= OPEN_MAX) {
    return { code: RPC.internal, message: 'Too many questions are open in this call.' }
  }
  const missing = missingCapability(request, ask.exchange?.capabilities ?? {})
  if (!missing) return undefined
  ask.exchange?.undeclared(missing)
  // Not declared by this client: never asked (I-004, E25 §Capabilities).
  const message = `The client of this call does not support ${nameOf(missing)}.`
  return { code: RPC.invalidParams, message }
}

const nameOf = (capabilities: ClientCapabilities): string =>
  Object.entries(capabilities)
    .map(([key, parts]) => [key, ...Object.keys(parts ?? {})].join('.'))
    .join(', ')

/**
 * Whose call a request belongs to. Over HTTP the stream says so (H-069). Elsewhere it is a call that
 * waits for no answer yet, if there is one: a call that was left alone with its question may stand
 * there for long. All that remain must be one owner's (S-022); of those, one whose client can be asked.
 */
function attribute(
  hop: Hop,
  request: InputRequest,
  lane: number | undefined,
): Flight | 'ambiguous' | undefined {
  if (lane !== undefined) {
    const flight = hop.rpc.flight(lane)
    return flight?.ask.exchange ? flight : undefined
  }
  const all = clientCalls(hop)
  const free = all.filter(({ questions }) => questions.size === 0)
  const calls = free.length > 0 ? free : all
  const owner = calls[0]?.ask.exchange?.owner
  if (calls.some(({ ask }) => ask.exchange?.owner !== owner)) return 'ambiguous'
  const able = calls.find(
    ({ ask }) => missingCapability(request, ask.exchange?.capabilities ?? {}) === undefined,
  )
  return able ?? calls.at(-1)
}
