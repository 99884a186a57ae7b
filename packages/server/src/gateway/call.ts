import { Fault, toFault, type Effect, type FaultCode } from '@countersign/contract'
import type { Closing, Ledger, Opening } from '#audit'
import { custodyOf, type Principal } from '#auth'
import { newId } from '#base'
import type { Decision, Quotas } from '#policy'
import type { Redaction } from '#redaction'
import type { CallSpan, Facts, Telemetry } from '#telemetry'
import type { Upstream } from '#upstream'
import { shortfall } from './admit.ts'
import type { Asked, Client } from './asked.ts'
import type { Outcome } from '#tasks'
import { withPage, type ConnectPages } from './connect-pages.ts'
import { converse } from './converse.ts'
import { boundOf, type Case } from './judge-approved.ts'
import { judgeCall, type JudgeCallRooms, type Judgement } from './judge-call.ts'
import { prepare, type PrepareRooms } from './prepare.ts'
import { outgoing, type Target } from './target.ts'

/** A call that is over, for whoever watches them go by. */
export interface CallEnded {
  readonly opening: Opening
  readonly closing: Closing
}

export interface CallRooms extends PrepareRooms, JudgeCallRooms {
  readonly ledger: Ledger
  readonly quotas: Quotas
  readonly redaction: Redaction
  readonly telemetry: Telemetry
  /** The way of exactly this principal to a server. */
  readonly upstream: (server: string, who: Principal) => Upstream
  /** Where somebody connects a server that wants to know whose account to use. */
  readonly connects: ConnectPages
  /** Reads a server's definitions again. */
  readonly relist: (server: string) => Promise<unknown>
  readonly onEnd: (ended: CallEnded) => void
}

/**
 * Carries one call from asked to outcome. Every governed effect passes through here.
 *
 * A server that says that the mirrored arguments do not fit has executed nothing: its tools are read
 * again, and the call is found, judged and written down anew, once (F-025).
 */
export async function call(
  rooms: CallRooms,
  who: Principal,
  asked: Asked,
  client: Client,
): Promise<Outcome> {
  const first = await attempt(rooms, who, asked, client)
  if (first.kind !== 'mismatch') return withPage(rooms.connects, who, first)
  await rooms.relist(first.server)
  const second = await attempt(rooms, who, asked, client)
  if (second.kind === 'mismatch') return refused(doesNotFit(second.server))
  return withPage(rooms.connects, who, second)
}

/** What came of one attempt: an outcome, or that the server would not have it in this form. */
type Attempted = Outcome | { readonly kind: 'mismatch'; readonly server: string }

/**
 * One attempt. The ledger entry is opened before the effect and closed after it, so a crash in between
 * leaves an open entry: a visible question, never a silent gap.
 */
async function attempt(
  rooms: CallRooms,
  who: Principal,
  asked: Asked,
  client: Client,
): Promise<Attempted> {
  const startedAt = rooms.world.monotonic()
  const judged = await prepare(rooms, who, asked, client)
  const judgement = await judgeCall(rooms, judged, client)
  const opening = openingOf(judged, asked, judgement, attemptOf(rooms.world, asked))
  const span = rooms.telemetry.call(factsOf(opening), asked.whence?.trace)
  const entry = await rooms.ledger.open(opening)
  let credential: string | undefined
  const showed = (name: string): void => {
    credential = name
  }
  const acting = { judgement, asked, client, showed, startedAt, span }
  const outcome = await act(rooms, judged, acting).catch(refused)
  const elapsedMs = rooms.world.monotonic() - startedAt
  const closing = closingOf(outcome, judged.target.effect, elapsedMs, credential)
  await rooms.ledger.close(entry, closing)
  span.end({ ...closing })
  rooms.onEnd({ opening, closing })
  return outcome
}

/** What the world is told of a call: who calls what, never what it carries. */
const factsOf = ({ call: id, server, method, name, effect, view, client }: Opening): Facts => ({
  call: id,
  server,
  method,
  name,
  effect,
  view,
  client,
})

interface Acting {
  readonly judgement: Judgement
  readonly asked: Asked
  readonly client: Client
  readonly showed: (credential: string) => void
  readonly startedAt: number
  readonly span: CallSpan
}

/** A call that could not leave for so long is judged again, by the brakes and policies of then. */
const STALE_MS = 50

/** Nothing has left yet: whoever was stopped while it waited for a connection is stopped. */
async function untilThere(
  { world, policy }: CallRooms,
  upstream: Upstream,
  { who, target, about }: Case,
  { client, startedAt }: Acting,
): Promise<void> {
  await upstream.introduce(client.signal)
  if (world.monotonic() - startedAt < STALE_MS) return
  const now = policy.decide(who, target, about)
  // What was approved would ask again: its yes is looked at when it is used.
  if (now.kind === 'deny') throw new Fault('policy/denied', now.because)
}

async function act(rooms: CallRooms, judged: Case, acting: Acting): Promise<Attempted> {
  const { judgement, asked } = acting
  const { decision } = judgement
  const { who, target, label } = judged
  // The scope first: a missing one is never a matter of policy, nor the other way round.
  const short = shortfall(who, target)
  if (short) throw short
  if (decision.kind === 'ask') return asksFirst(judged, asked, decision)
  if (decision.kind === 'deny') throw new Fault('policy/denied', decision.because)
  const { server, name } = target
  const entered = await rooms.quotas.enter({
    who,
    client: label,
    view: asked.view.id,
    server,
    name,
  })
  if (entered.kind === 'full') throw entered.fault
  try {
    return await send(rooms, judged, decision.permitted, acting)
  } catch (thrown) {
    throw honest(toFault(thrown), target)
  } finally {
    entered.leave()
  }
}

/** Sends what is permitted, and hears its server out. */
async function send(
  rooms: CallRooms,
  judged: Case,
  target: Target,
  acting: Acting,
): Promise<Attempted> {
  const { judgement, asked, client: given, showed } = acting
  const { server } = target
  const upstream = rooms.upstream(server, judged.who)
  const client = upstream.spec.auth ? hearing(given, showed) : given
  const sent = outgoing(target, asked)
  await untilThere(rooms, upstream, judged, acting)
  await judgement.spend()
  await client.leaving?.()
  const first = await upstream.call(sent, client)
  const reply = await converse(rooms.world, upstream, sent, client, first)
  switch (reply.kind) {
    case 'result':
      return { kind: 'answered', result: reply.result, server }
    case 'error':
      return { kind: 'errored', error: reply.error, server }
    case 'input': {
      const { inputRequests, requestState } = reply
      return { kind: 'input', inputRequests, requestState, server }
    }
    case 'task':
      return { kind: 'task', task: reply.task, server }
    case 'mismatch':
      return { kind: 'mismatch', server }
  }
}

/** Only a tool call can wait for people; everything else is refused with whom it would have needed. */
function asksFirst(
  judged: Case,
  { method }: Asked,
  decision: Extract<Decision<Target>, { kind: 'ask' }>,
): Outcome {
  const { asks, message, because } = decision
  if (method !== 'tools/call') throw new Fault('policy/denied', because)
  const said = message === undefined ? {} : { message }
  return { kind: 'asks', asking: { asks, ...said, bound: boundOf(judged, decision) }, because }
}

/** The same client; what is shown to the server for it is heard. */
const hearing = (client: Client, showed: (credential: string) => void): Client => ({
  ...client,
  showed,
})

const doesNotFit = (server: string): Fault =>
  new Fault(
    'upstream/unavailable',
    `Server ${server} did not accept how it was called; nothing was executed.`,
  )

/** After the request left for the server and no answer came, a write may have happened. Say so. */
function honest(fault: Fault, { effect, name }: Target): Fault {
  const mayHaveHappened = LEFT_FOR_SERVER.includes(fault.code)
  if (!mayHaveHappened || effect === 'read' || effect === 'idempotent') return fault
  return new Fault(
    'call/unknown-outcome',
    `Unknown outcome. "${name}" was sent and the connection broke before an answer (${fault.message}) It may have happened. Do not repeat it before someone has checked.`,
    { cause: fault },
  )
}

const LEFT_FOR_SERVER: readonly string[] = [
  'upstream/timeout',
  'upstream/broken',
  'upstream/too-large',
]

const refused = (thrown: unknown): Outcome => ({ kind: 'refused', fault: toFault(thrown) })

/**
 * A later round of a conversation is an effect of its own, and has its own pair of entries. A client
 * may send the same round again while the first is under way (I-013): each attempt is told apart.
 */
const attemptOf = (world: CallRooms['world'], { call: id, round }: Asked): string =>
  round.number === 1 ? id : newId(world, `${id}.${String(round.number)}`)

function openingOf(
  { who, target, about, label }: Case,
  asked: Asked,
  { decision, told }: Judgement,
  id: string,
): Opening {
  const { kind, policies, version } = decision
  return {
    call: id,
    principal: who.id,
    authority: custodyOf(who, target.server),
    client: label,
    view: asked.view.id,
    server: target.server,
    method: target.method,
    name: target.name,
    effect: target.effect,
    decision: { kind, policies, ...(version ? { version: { ...version } } : {}), ...told },
    definition: target.digest,
    arguments: about.argumentsDigest,
    round: asked.round.number,
  }
}

function closingOf(
  outcome: Attempted,
  effect: Effect,
  elapsedMs: number,
  credential: string | undefined,
): Closing {
  const said = outcomeIn(outcome, effect)
  const durationMs = Math.round(elapsedMs * 1_000) / 1_000
  return { ...said, durationMs, ...(credential === undefined ? {} : { credential }) }
}

function outcomeIn(outcome: Attempted, effect: Effect): Omit<Closing, 'durationMs'> {
  switch (outcome.kind) {
    case 'answered': {
      const isError = outcome.result['isError'] === true
      return { outcome: 'answered', isError }
    }
    case 'errored':
      return { outcome: 'failed', reason: String(outcome.error.code) }
    case 'input':
      return { outcome: 'input' }
    case 'task':
      return { outcome: 'deferred' }
    case 'asks':
      return { outcome: 'asked' }
    case 'mismatch':
      return { outcome: 'failed', reason: 'mismatch' }
    case 'refused':
      return {
        outcome: refusalOf(outcome.fault.code, effect),
        reason: outcome.fault.code,
      }
  }
}

/** A write that was cancelled after it was sent may have happened: nobody knows. */
function refusalOf(code: FaultCode, effect: Effect): Closing['outcome'] {
  const isKnown = effect === 'read' || effect === 'idempotent'
  if (code === 'call/abandoned') return isKnown ? 'cancelled' : 'unknown'
  return REFUSALS[code] ?? 'failed'
}

const REFUSALS: Readonly<Record<string, Closing['outcome']>> = {
  'policy/denied': 'refused',
  'auth/scope': 'refused',
  'upstream/unconnected': 'refused',
  'call/cancelled': 'cancelled',
  'call/unknown-outcome': 'unknown',
}
