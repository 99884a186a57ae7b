import { Fault, toFault } from '@countersign/contract'
import type { Closing, Ledger, Opening } from '#audit'
import type { Principal } from '#auth'
import { newId, type World } from '#base'
import type { Decision, Policy } from '#policy'
import type { Reply, Upstream } from '#upstream'
import type { Asked, Client, Outcome } from './asked.ts'
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
  /** Reads a server's definitions again. */
  readonly relist: (server: string) => Promise<unknown>
  readonly onEnd: (ended: CallEnded) => void
}

/**
 * Carries one call from asked to outcome. Every governed effect passes through here.
 *
 * The ledger entry is opened before the effect and closed after it, so a crash in between leaves an
 * open entry: a visible question, never a silent gap.
 */
export async function call(
  rooms: CallRooms,
  who: Principal,
  asked: Asked,
  client: Client,
): Promise<Outcome> {
  const startedAt = rooms.world.monotonic()
  const target = targetOf(asked)
  const decision = rooms.policy.decide(who, target)
  const opening = {
    call: attemptOf(rooms.world, asked),
    ...openingOf(who, asked, client, target, decision),
  }
  const entry = await rooms.ledger.open(opening)
  const outcome = await act(rooms, decision, asked, client).catch(refused)
  const closing = closingOf(outcome, rooms.world.monotonic() - startedAt)
  await rooms.ledger.close(entry, closing)
  rooms.onEnd({ opening, closing })
  return outcome
}

async function act(
  rooms: CallRooms,
  decision: Decision<Target>,
  asked: Asked,
  client: Client,
): Promise<Outcome> {
  if (decision.kind === 'deny') throw new Fault('policy/denied', decision.because)
  const target = decision.permitted
  try {
    const reply = await attempt(rooms, target, asked, client)
    const server = target.server
    switch (reply.kind) {
      case 'result':
        return { kind: 'answered', result: reply.result, server }
      case 'error':
        return { kind: 'errored', error: reply.error, server }
      case 'input': {
        const { inputRequests, requestState } = reply
        return { kind: 'input', inputRequests, requestState, server }
      }
      case 'mismatch':
        throw new Fault(
          'upstream/unavailable',
          `Server ${server} did not accept how it was called; nothing was executed.`,
        )
    }
  } catch (thrown) {
    throw honest(toFault(thrown), target)
  }
}

/**
 * Sends the call. A server that says that the mirrored arguments do not fit has executed nothing and
 * lists its tools anew: its schema has changed, so it is read again and the call sent once more (F-025).
 */
async function attempt(
  rooms: CallRooms,
  target: Target,
  asked: Asked,
  client: Client,
): Promise<Reply> {
  const upstream = rooms.upstream(target.server)
  const sent = outgoing(target, asked)
  const first = await upstream.call(sent, client)
  if (first.kind !== 'mismatch') return converse(rooms.world, upstream, sent, client, first)
  await rooms.relist(target.server)
  const found = targetOf(asked)
  if (found.server !== target.server || found.name !== target.name) return first
  const resent = outgoing(found, asked)
  const second = await upstream.call(resent, client)
  return converse(rooms.world, upstream, resent, client, second)
}

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
): Omit<Opening, 'call'> {
  return {
    principal: who.id,
    client: client.label,
    view: asked.view.id,
    server: target.server,
    method: target.method,
    name: target.name,
    effect: target.effect,
    decision: { kind: decision.kind, policies: decision.policies },
    definition: target.digest,
    arguments: digestOfParams(target.params['arguments'] ?? target.params),
    round: asked.round.number,
  }
}

function closingOf(outcome: Outcome, elapsedMs: number): Closing {
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
    case 'refused':
      return {
        outcome: REFUSALS[outcome.fault.code] ?? 'failed',
        reason: outcome.fault.code,
        durationMs,
      }
  }
}

const REFUSALS: Readonly<Record<string, Closing['outcome']>> = {
  'policy/denied': 'refused',
  'call/cancelled': 'cancelled',
  'call/unknown-outcome': 'unknown',
}
