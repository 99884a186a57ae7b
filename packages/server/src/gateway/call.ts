import {
  Fault,
  isObject,
  textAt,
  toFault,
  type Effect,
  type FaultCode,
} from '@countersign/contract'
import type { Closing, Ledger, OpenEntry, Opening } from '#audit'
import { custodyOf, type Principal } from '#auth'
import { newId } from '#base'
import type { Decision, Quotas } from '#policy'
import type { Redaction } from '#redaction'
import type { Telemetry } from '#telemetry'
import type { Reply, Upstream } from '#upstream'
import { shortfall } from './admit.ts'
import type { Asked, Client } from './asked.ts'
import type { Outcome } from '#tasks'
import { withPage, type ConnectPages } from './connect-pages.ts'
import { converse, type Rounds } from './converse.ts'
import { boundOf, type Case } from './judge-approved.ts'
import { judgeAsked } from './confirm.ts'
import type { JudgeCallRooms, Judgement } from './judge-call.ts'
import { labelRun, runToldOf } from './label-run.ts'
import { prepare, type PrepareRooms } from './prepare.ts'
import { noteScreenedIn } from './screen.ts'
import { outgoing, type Target } from './target.ts'
import { comingBack, goingIn } from './kept.ts'
import { followed, openTold } from './traced.ts'

/** A call that is over, for whoever watches them go by. */
export interface CallEnded {
  readonly opening: Opening
  readonly closing: Closing
}

export interface CallRooms extends PrepareRooms, JudgeCallRooms {
  readonly ledger: Ledger
  readonly quotas: Quotas
  /** Why it may not leave now, if it was stopped by hand. */
  readonly stopped: (judged: Case) => Fault | undefined
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
  const judgement = await judgeAsked(rooms, judged, asked.call, client)
  const facts = openingOf(judged, asked, judgement, attemptOf(rooms.world, asked))
  const going = await goingIn(rooms.payloads, facts, judged)
  const opening = going.facts
  const span = rooms.telemetry.call(opening, asked.whence)
  const entry = await openTold(rooms.ledger, opening, span, going.payload)
  if (asked.screened) await noteScreenedIn(rooms.ledger, judged, asked)
  let credential: string | undefined
  const showed = (name: string): void => {
    credential = name
  }
  const heard = followed(client, span, asked)
  const way = { hasLeft: false }
  const acting = { judgement, asked, client: heard, showed, startedAt, way }
  const outcome = await act(rooms, judged, acting).catch(refused)
  const elapsedMs = rooms.world.monotonic() - startedAt
  const came = await comingBack(rooms.payloads, opening, outcome)
  const closing = {
    ...closingOf(outcome, judged.target.effect, elapsedMs, credential),
    ...came.facts,
  }
  await rooms.ledger.close(entry, closing, came.payload)
  span.end(closing)
  rooms.onEnd({ opening, closing })
  return stamped(outcome, asked.call, entry)
}

/** AU-010: what its client is told: which entry stands for it. Reads are written behind, and have no number yet. */
function stamped(outcome: Attempted, id: string, { seq, leaf }: OpenEntry): Attempted {
  if (outcome.kind !== 'answered' && outcome.kind !== 'refused') return outcome
  return {
    ...outcome,
    receipt: seq === undefined ? { call: id, leaf } : { call: id, entry: seq, leaf },
  }
}

interface Acting {
  readonly judgement: Judgement
  readonly asked: Asked
  readonly client: Client
  readonly showed: (credential: string) => void
  readonly startedAt: number
  /** Whether it has left for its server, as far as limits go. */
  readonly way: { hasLeft: boolean }
}

/** A call that could not leave for so long is judged again, by the brakes and policies of then. */
const STALE_MS = 50

/**
 * Nothing has left yet: whoever was stopped while it waited for a connection is stopped. Undefined when
 * it may leave.
 */
async function untilThere(
  { world, policy }: CallRooms,
  upstream: Upstream,
  judged: Case,
  { client, startedAt, judgement, asked }: Acting,
): Promise<Outcome | undefined> {
  await upstream.introduce(client.signal)
  if (world.monotonic() - startedAt < STALE_MS) return undefined
  const now = policy.decide(judged.who, judged.target, judged.about)
  // What was approved would ask again: its yes is looked at when it is used.
  if (now.kind === 'allow' || (now.kind === 'ask' && judgement.isLifted)) return undefined
  return held(judged, asked, now)
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
    effect: target.effect,
  })
  if (entered.kind === 'full') throw entered.fault
  const { way } = acting
  try {
    const attempted = await send(rooms, judged, decision.permitted, acting)
    if (attempted.kind === 'mismatch') way.hasLeft = false
    return attempted
  } catch (thrown) {
    const fault = toFault(thrown)
    if (NOT_EXECUTED.includes(fault.code)) way.hasLeft = false
    throw honest(fault, target)
  } finally {
    entered.leave(way.hasLeft)
  }
}

/** What fails so was certainly not carried out, and costs nothing of any limit. */
const NOT_EXECUTED: readonly string[] = ['upstream/unavailable', 'upstream/unconnected']

/** The last moment: whatever was waited for, a brake that is on by now stops it. */
function letGo({ stopped }: CallRooms, judged: Case, { way }: Acting): void {
  const why = stopped(judged)
  if (why) throw why
  way.hasLeft = true
}

/** BK-001: somebody is asked meanwhile, and a brake may be pulled because of the question. */
const roundsOf = (upstream: Upstream, goesOn: () => void): Rounds => ({
  spec: upstream.spec,
  call: (next, exchange) => {
    goesOn()
    return upstream.call(next, exchange)
  },
})

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
  const waits = await untilThere(rooms, upstream, judged, acting)
  if (waits) return waits
  const again = judged.run && (await labelRun(rooms, judged, asked.call, client))
  if (again && again.decision.kind !== 'allow') return held(judged, asked, again.decision)
  await (again ?? judgement).spend()
  await client.leaving?.()
  letGo(rooms, judged, acting)
  const first = await upstream.call(sent, client)
  const goesOn = (): void => {
    letGo(rooms, judged, acting)
  }
  const reply =
    first.kind === 'input'
      ? await converse(rooms.world, roundsOf(upstream, goesOn), sent, client, first)
      : first
  return attemptedIn(reply, server)
}

function attemptedIn(reply: Reply, server: string): Attempted {
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

/** Nothing has left: what other calls have left since it was judged holds it back. */
function held(
  judged: Case,
  asked: Asked,
  decision: Exclude<Decision<Target>, { kind: 'allow' }>,
): Outcome {
  if (decision.kind === 'ask') return asksFirst(judged, asked, decision)
  throw new Fault('policy/denied', decision.because)
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

function openingOf(judged: Case, asked: Asked, { decision, told }: Judgement, id: string): Opening {
  const { who, target, about, label } = judged
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
    ...runToldOf(judged),
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
        ...quotaIn(outcome.fault),
      }
  }
}

/** Which limit it was, by name. */
function quotaIn({ code, data }: Fault): Pick<Closing, 'quota'> {
  if (code !== 'quota/exhausted' || !isObject(data)) return {}
  return { quota: textAt(data, 'quota') }
}

/** A write that was cancelled after it was sent may have happened: nobody knows. */
function refusalOf(code: FaultCode, effect: Effect): Closing['outcome'] {
  const isKnown = effect === 'read' || effect === 'idempotent'
  if (code === 'call/abandoned') return isKnown ? 'cancelled' : 'unknown'
  return REFUSALS[code] ?? 'failed'
}

const REFUSALS: Readonly<Record<string, Closing['outcome']>> = {
  'policy/denied': 'refused',
  'quota/exhausted': 'refused',
  'auth/scope': 'refused',
  'upstream/unconnected': 'refused',
  'call/cancelled': 'cancelled',
  'call/unknown-outcome': 'unknown',
}
