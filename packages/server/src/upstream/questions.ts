import {
  isInputMethod,
  missingCapability,
  own,
  relatedTask,
  RPC,
  withRelated,
  type ClientCapabilities,
  type InputRequest,
  type RequestId,
  type Revision,
  type RpcError,
  type RpcRequest,
} from '@countersign/contract'
import type { ElicitationOwners } from './elicitation-owners.ts'
import { CALL_OVER, TAKEN_BACK, type Flight } from './flight.ts'
import { HeldQuestions } from './held-questions.ts'
import { withoutHopMeta } from './hop-meta.ts'
import type { Hop } from './link.ts'
import { clientCalls, waitsOf } from './notes.ts'

/** Questions open at once in one call; a person answers them one by one. */
const OPEN_MAX = 16
const TOGETHER_MS = 30

/** Where a question came from, as far as the server says. */
interface Origin {
  /** The request on whose stream it came. */
  readonly lane: number | undefined
  /** The server's task that it belongs to (TL-013). */
  readonly task: string | undefined
}

/** What a legacy server asks of a client, brought to the one client that it can be about. */
export class Questions {
  readonly #hop: Hop
  readonly #revision: Revision
  readonly #owners: ElicitationOwners
  readonly #held: HeldQuestions
  #last: { readonly flight: Flight; readonly atMs: number } | undefined

  constructor(hop: Hop, revision: Revision, owners: ElicitationOwners) {
    this.#hop = hop
    this.#revision = revision
    this.#owners = owners
    this.#held = new HeldQuestions(hop.world)
  }

  receive(asked: RpcRequest, lane: number | undefined): void {
    const { id, method, params } = asked
    if (method === 'ping') {
      this.#respond(id, { result: {} }) // Answered per hop, at once (V-009).
      return
    }
    if (!isInputMethod(method)) {
      this.#fail(id, RPC.methodNotFound, `Method ${method.slice(0, 100)} is not known.`)
      return
    }
    const request: InputRequest = params ? { method, params: withoutHopMeta(params) } : { method }
    const origin: Origin = { lane, task: params && relatedTask(params) }
    const call = this.#together(origin) ?? attribute(this.#hop, request, origin)
    if (call === 'ambiguous') {
      // Guessing could ask the wrong person (BR-031).
      const why = 'Several clients have calls in flight; it is not clear whom to ask.'
      this.#fail(id, RPC.internal, why)
    } else if (call) void this.#ask(call, asked, request, origin)
    else if (origin.task !== undefined) this.#hold(origin.task, asked)
    else if (method === 'roots/list') this.#respond(id, { result: { roots: [] } })
    else this.#fail(id, RPC.invalidParams, 'This request belongs to no call in flight.') // H-070
  }

  /** The server takes back its own request. */
  withdraw(id: RequestId): void {
    this.#held.withdraw(id)
    for (const flight of this.#hop.rpc.flights()) flight.questions.get(id)?.abort(TAKEN_BACK)
  }

  /** Somebody waits for this task now: what was asked about it meanwhile goes there. */
  resume(task: string): void {
    for (const asked of this.#held.take(task)) this.receive(asked, undefined)
  }

  /** Nobody will wait for this task any more. */
  forget(task: string): void {
    this.#held.dropAll(task)
  }

  close(): void {
    this.#held.close()
  }

  /** Questions of one call come together: the next one within moments is the same call's. */
  #together({ lane, task }: Origin): Flight | undefined {
    const last = this.#last
    if (lane !== undefined || task !== undefined) return undefined
    if (!last || last.flight.questions.size === 0) return undefined
    return this.#hop.world.monotonic() - last.atMs < TOGETHER_MS ? last.flight : undefined
  }

  #hold(task: string, asked: RpcRequest): void {
    this.#held.hold(task, asked, () => {
      this.#fail(asked.id, RPC.internal, 'Nobody is following this task.')
    })
    this.#hop.emit({ kind: 'task', id: task }) // Whoever follows it may look at once (TL-015).
  }

  async #ask(
    flight: Flight,
    asked: RpcRequest,
    request: InputRequest,
    origin: Origin,
  ): Promise<void> {
    const { id } = asked
    const refusal = refusalOf(flight, request)
    if (refusal) {
      this.#respond(id, { error: refusal })
      return
    }
    if (flight.ask.exchange) this.#owners.asked(request, flight.ask.exchange)
    const withdrawn = new AbortController()
    flight.questions.get(id)?.abort(TAKEN_BACK)
    flight.questions.set(id, withdrawn)
    if (origin.task === undefined) this.#last = { flight, atMs: this.#hop.world.monotonic() }
    flight.deadline?.pause() // A person is being asked; the server is not late.
    const said = await answer(flight, request, withdrawn.signal)
    flight.deadline?.resume()
    if (flight.questions.get(id) === withdrawn) flight.questions.delete(id)
    const { aborted, reason } = withdrawn.signal
    if (!aborted) this.#respond(id, aboutTask(said, origin.task))
    else if (this.#goesOn(flight, reason, origin)) this.receive(asked, undefined)
  }

  /** True when a question that was withdrawn from one call is to be put to another one. */
  #goesOn({ ask }: Flight, reason: unknown, { lane, task }: Origin): boolean {
    if (reason === TAKEN_BACK || this.#hop.rpc.over) return false
    // Who was asked does not wait any more; whoever waits next for this task is asked instead (TL-018).
    if (task !== undefined) return reason !== CALL_OVER
    // Its call was answered without it, so it was another call's: that one carries it on (S-022).
    if (reason !== CALL_OVER || lane !== undefined) return false
    return areAllOf(this.#hop, ask.exchange?.owner)
  }

  #respond(id: RequestId, said: Said): void {
    this.#hop.rpc.respond(id, said, this.#revision)
  }

  #fail(id: RequestId, code: number, message: string): void {
    this.#respond(id, { error: { code, message } })
  }
}

/** An answer about a task says so, as far as answers can (TL-013). */
const aboutTask = (said: Said, task: string | undefined): Said =>
  task === undefined || 'error' in said ? said : { result: withRelated(said.result, task) }

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
    const said = await Promise.race([exchange.ask(request, signal), abortOf(signal)])
    if (!said) return nobody
    return said.kind === 'result' ? { result: said.result } : { error: said.error }
  } catch {
    return nobody
  }
}

/** A question that is withdrawn is over, whether or not whoever was asked says so. */
const abortOf = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })

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
 * Whose call a request belongs to. One about a task is of whoever waits for that task, wherever it came
 * (TL-015). Over HTTP the stream says so (H-069). Elsewhere it is a call that waits for no answer yet,
 * if there is one: a call that was left alone with its question may stand there for long. All that
 * remain must be one owner's (S-022); of those, one whose client can be asked.
 */
function attribute(
  hop: Hop,
  request: InputRequest,
  { lane, task }: Origin,
): Flight | 'ambiguous' | undefined {
  const call = lane === undefined ? undefined : hop.rpc.flight(lane)
  if (task !== undefined) return ableOf(waitsOf(hop, task), request) ?? withoutTask(call)
  if (lane !== undefined) return call?.ask.exchange ? call : undefined
  const all = clientCalls(hop)
  const free = all.filter(({ questions }) => questions.size === 0)
  const calls = free.length > 0 ? free : all
  const owner = calls[0]?.ask.exchange?.owner
  if (calls.some(({ ask }) => ask.exchange?.owner !== owner)) return 'ambiguous'
  return ableOf(calls, request)
}

/** A call that no task can have come of: what is asked on its stream is asked of it all the same. */
const withoutTask = (call: Flight | undefined): Flight | undefined =>
  call?.ask.exchange && own(call.ask.params, 'task') === undefined ? call : undefined

const ableOf = (calls: readonly Flight[], request: InputRequest): Flight | undefined =>
  calls.find(
    ({ ask }) => missingCapability(request, ask.exchange?.capabilities ?? {}) === undefined,
  ) ?? calls.at(-1)
