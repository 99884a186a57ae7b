import { Fault, toFault, type Effect, type FaultCode } from '@countersign/contract'
import type { Closing, Ledger, Opening } from '#audit'
import { custodyOf, type Principal } from '#auth'
import { newId, type World } from '#base'
import type { Decision, Policy } from '#policy'
import type { ToolRules } from '#registry'
import type { Upstream } from '#upstream'
import { shortfall } from './admit.ts'
import type { Asked, Client } from './asked.ts'
import type { Outcome } from '#tasks'
import { converse } from './converse.ts'
import { digestOfParams } from './params-digest.ts'
import { outgoing, targetOf, type Target } from './target.ts'

/** A call that is over, for whoever watches them go by. */
export interface CallEnded {
  readonly opening: Opening
  readonly closing: Closing
}

export interface CallRooms {
  readonly world: World
  readonly policy: Policy
  readonly ledger: Ledger
  readonly upstream: (server: string) => Upstream
  /** What the operator decided about single tools. */
  readonly rules: ToolRules
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
  if (first.kind !== 'mismatch') return first
  await rooms.relist(first.server)
  const second = await attempt(rooms, who, asked, client)
  return second.kind === 'mismatch' ? refused(doesNotFit(second.server)) : second
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
  const target = targetOf(asked, rooms.rules)
  const digest = digestOfParams(target.params['arguments'] ?? target.params)
  const decision = rooms.policy.decide(who, target, {
    view: asked.view.id,
    arguments: target.params['arguments'],
    argumentsDigest: digest,
  })
  const opening = {
    call: attemptOf(rooms.world, asked),
    arguments: digest,
    ...openingOf(who, asked, client, target, decision),
  }
  const entry = await rooms.ledger.open(opening)
  // The scope first: a missing one is never a matter of policy, nor the other way round.
  const short = shortfall(who, target)
  const outcome = short ? refused(short) : await act(rooms, decision, asked, client).catch(refused)
  const closing = closingOf(outcome, target.effect, rooms.world.monotonic() - startedAt)
  await rooms.ledger.close(entry, closing)
  rooms.onEnd({ opening, closing })
  return outcome
}

async function act(
  rooms: CallRooms,
  decision: Decision<Target>,
  asked: Asked,
  client: Client,
): Promise<Attempted> {
  if (decision.kind !== 'allow') throw new Fault('policy/denied', decision.because)
  const target = decision.permitted
  try {
    const { server } = target
    const upstream = rooms.upstream(server)
    const sent = outgoing(target, asked)
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
  } catch (thrown) {
    throw honest(toFault(thrown), target)
  }
}

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
const attemptOf = (world: World, { call: id, round }: Asked): string =>
  round.number === 1 ? id : newId(world, `${id}.${String(round.number)}`)

function openingOf(
  who: Principal,
  asked: Asked,
  client: Client,
  target: Target,
  decision: Decision<Target>,
): Omit<Opening, 'call' | 'arguments'> {
  const { kind, policies, version } = decision
  return {
    principal: who.id,
    authority: custodyOf(who, target.server),
    client: client.label,
    view: asked.view.id,
    server: target.server,
    method: target.method,
    name: target.name,
    effect: target.effect,
    decision: { kind, policies, ...(version ? { version: { ...version } } : {}) },
    definition: target.digest,
    round: asked.round.number,
  }
}

function closingOf(outcome: Attempted, effect: Effect, elapsedMs: number): Closing {
  const durationMs = Math.round(elapsedMs * 1_000) / 1_000
  switch (outcome.kind) {
    case 'answered': {
      const isError = outcome.result['isError'] === true
      return { outcome: 'answered', isError, durationMs }
    }
    case 'errored':
      return { outcome: 'failed', reason: String(outcome.error.code), durationMs }
    case 'input':
      return { outcome: 'input', durationMs }
    case 'task':
      return { outcome: 'deferred', durationMs }
    case 'mismatch':
      return { outcome: 'failed', reason: 'mismatch', durationMs }
    case 'refused':
      return {
        outcome: refusalOf(outcome.fault.code, effect),
        reason: outcome.fault.code,
        durationMs,
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
  'call/cancelled': 'cancelled',
  'call/unknown-outcome': 'unknown',
}
