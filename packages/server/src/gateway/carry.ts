import {
  Fault,
  isObject,
  toFault,
  type ClientCapabilities,
  type FaultCode,
  type JsonObject,
} from '@countersign/contract'
import { LAPSE, type Asking, type Using } from '#approvals'
import { toolScope, type Principal } from '#auth'
import type { Followup, Views } from '#registry'
import {
  argumentsOf,
  Conversation,
  exchangeOf,
  type ClientFacts,
  type Desk,
  type Ended,
  type Errand,
  type Outcome,
} from '#tasks'
import type { Asked, Client, Questioning } from './asked.ts'
import { call, type CallRooms } from './call.ts'
import { digestOfParams } from './params-digest.ts'
import { targetOf } from './target.ts'
import { newId } from '#base'

export interface CarryRooms extends CallRooms {
  readonly desk: Desk
  readonly isRevoked: IsRevoked
}

/** What a call is carried for: everything but the request that may be gone before it ends. */
export interface Fare {
  readonly who: Principal
  readonly asked: Asked
  readonly facts: ClientFacts
  /** From what the request says of itself, while it is there. */
  readonly voice: Pick<Client, 'wantsProgress' | 'logLevel'>
  /** `rounds` only for a modern client; a call that became a task is always `live`. */
  readonly questions: Questioning
  /** Whether its server may make a task of it. */
  readonly takesTasks: boolean
  /** Whether an equal call of the same principal is the same call while this one is open. */
  readonly isUnique: boolean
  readonly run: string | undefined
}

/** A tool call on its way, which may become a task while it is. */
export interface Carrier {
  readonly fare: Fare
  readonly conversation: Conversation<Outcome>
  /** Makes a task of it, once; resolves with the id. Rejects when that cannot be written down. */
  readonly defer: (ttlMs?: number) => Promise<string>
  /** Settles when it becomes a task of itself: its server made one of it, or people have to approve it. */
  readonly deferred: Promise<unknown>
  /** True once it waits for people: nothing of it has been sent. */
  readonly isPutOff: () => boolean
}

/** Sends a call and lets go of it: what comes of it is in the conversation. */
export function carry(rooms: CarryRooms, fare: Fare): Carrier {
  const started = Promise.withResolvers<unknown>()
  let task: Promise<string> | undefined
  let isPutOff = false
  let first: Promise<Outcome>
  const conversation = new Conversation<Outcome>(
    rooms.world,
    async (own) => {
      first = call(rooms, fare.who, fare.asked, clientOf(fare, own)).catch(refused)
      const outcome = await first
      if (outcome.kind === 'asks' && task === undefined) {
        // Whoever hung up before anybody was asked has not asked for anything.
        if (own.abort.signal.aborted) return notPutOff(outcome)
        isPutOff = true
        task = putOff(rooms, fare, conversation, outcome.asking)
        started.resolve(undefined)
      }
      if (outcome.kind !== 'task' && task === undefined) return outcome
      return endOfTask(rooms, carrier, outcome)
    },
    'ask',
  )
  const carrier: Carrier = {
    fare,
    conversation,
    deferred: started.promise,
    isPutOff: () => isPutOff,
    defer: (ttlMs) => {
      task ??= adopt(rooms, fare, { conversation, first, ttlMs })
      started.resolve(undefined)
      return task
    },
  }
  return carrier
}

/** Nothing was sent: the task waits for people first, and sends it then. */
async function putOff(
  rooms: CarryRooms,
  fare: Fare,
  conversation: Conversation<Outcome>,
  asking: Asking,
): Promise<string> {
  const { id } = await rooms.desk.putOff({ ...errandOf(rooms, fare), asking }, conversation)
  return id
}

interface UnderWay {
  readonly conversation: Conversation<Outcome>
  readonly first: Promise<Outcome>
  readonly ttlMs: number | undefined
}

/** Rejects, and never throws, where the definition of the tool is gone since the call was sent. */
async function adopt(
  rooms: CarryRooms,
  fare: Fare,
  { conversation, first, ttlMs }: UnderWay,
): Promise<string> {
  const errand = { ...errandOf(rooms, fare), isUnderWay: true }
  const task = await rooms.desk.adopt(errand, conversation, first, ttlMs)
  // Revoked while it was under way: the tasks that there were are ended already.
  if (rooms.isRevoked(errand.principal)) {
    await rooms.desk.stop(task, 'revocation', 'What it was started with has been revoked.')
  }
  return task.id
}

const refused = (thrown: unknown): Outcome => ({ kind: 'refused', fault: toFault(thrown) })

/** The end of a call that is a task: what its record says, or, without a record, what came of it. */
async function endOfTask(rooms: CarryRooms, carrier: Carrier, outcome: Outcome): Promise<Outcome> {
  try {
    const id = await carrier.defer()
    const { ended } = await rooms.desk.finished(id, new AbortController().signal)
    return ended === undefined || ended === 'cancelled' ? notPutOff(outcome) : ended
  } catch (thrown) {
    if (outcome.kind === 'task') return giveUp(rooms, carrier, outcome, toFault(thrown))
    return notPutOff(outcome)
  }
}

/** What cannot wait for people is refused with whom it would have needed. */
const notPutOff = (outcome: Outcome): Outcome =>
  outcome.kind === 'asks'
    ? { kind: 'refused', fault: new Fault('policy/denied', outcome.because) }
    : outcome

/** Nobody follows a server's task that cannot be written down: its server is told to stop. */
function giveUp(
  rooms: CarryRooms,
  { fare, conversation }: Carrier,
  { task, server }: Extract<Outcome, { kind: 'task' }>,
  why: Fault,
): Outcome {
  const { signal } = new AbortController()
  const exchange = exchangeOf({ client: fare.facts }, conversation, signal)
  rooms
    .upstream(server, fare.who)
    .tasks.cancel(task.id, exchange)
    .catch(() => undefined) // It may be over already, or goes on: nobody knows either way.
  return {
    kind: 'refused',
    fault: new Fault(
      'call/unknown-outcome',
      `Unknown outcome. ${server} had begun, and was told to stop, because its task could not be kept. (${why.message}) It may have happened. Do not repeat it before someone has checked.`,
      { cause: why },
    ),
  }
}

const live = (): Questioning => 'live'

/** How the server sees the client of a call: by its conversation, whoever attends to it. */
function clientOf(fare: Fare, conversation: Conversation<Outcome>): Client {
  const { facts, voice, questions, takesTasks } = fare
  const { call: id } = fare.asked
  const exchange = exchangeOf({ client: facts, call: id }, conversation, conversation.abort.signal)
  return {
    ...exchange,
    ...voice,
    label: facts.label,
    takesTasks,
    undeclared: (missing: ClientCapabilities) => {
      conversation.missing ??= missing
    },
    // No getter: an object with one of its own has a hidden class of its own, which V8 keeps.
    questions: () => (conversation.isDeferred ? 'live' : questions),
  }
}

/** All that is needed to do it again, or to know that it must not be done again. */
export function errandOf(rooms: CallRooms, fare: Fare): Errand {
  const { who, asked, facts, isUnique, run } = fare
  const target = targetOf(asked, rooms.rules)
  const { reconcile, compensate } = rooms.rules(target.server, target.name)
  const { inputResponses, requestState, number } = asked.round
  return {
    call: asked.call,
    principal: who,
    view: asked.view.id,
    params: asked.params,
    round: {
      number,
      ...(inputResponses === undefined ? {} : { inputResponses }),
      ...(requestState === undefined ? {} : { requestState }),
    },
    client: facts,
    server: target.server,
    tool: target.name,
    effect: target.effect,
    digest: target.digest,
    isUnderWay: false,
    wantsTask: asked.wantsTask === true,
    run,
    ...(asked.whence ? { whence: { ...asked.whence, isPast: true } } : {}),
    ...(asked.screened ? { screened: asked.screened } : {}),
    likeness: isUnique ? likenessOf(rooms, who, asked) : '',
    reconcile,
    compensate,
  }
}

/** What two equal calls of one principal have in common: the tool and its canonical arguments. */
export function likenessOf(rooms: CallRooms, who: Principal, asked: Asked): string {
  const { server, name, params } = targetOf(asked, rooms.rules)
  return `${who.id} ${server} ${name} ${digestOfParams(params['arguments'] ?? {})}`
}

/** Whether what a principal was given has been taken back, whenever its tokens would have ended. */
export type IsRevoked = (who: Principal) => boolean

/** Does an errand again, or for the first time: found, judged and written down at this moment. */
export const perform =
  (rooms: CallRooms & { readonly views: Views; readonly isRevoked: IsRevoked }) =>
  async (
    errand: Errand,
    conversation: Conversation<Outcome>,
    leaving: () => Promise<void>,
    using?: Using,
  ): Promise<Outcome> => {
    const performed = async (): Promise<Outcome> => {
      const asked = askedOf(rooms.views, errand)
      const { digest } = targetOf(asked, rooms.rules)
      if (digest !== errand.digest) throw changed(errand)
      // GV5: it outlives its token, and not what that was given for.
      if (rooms.isRevoked(errand.principal)) throw revoked()
      const exchange = exchangeOf(errand, conversation, conversation.abort.signal)
      const { label } = errand.client
      const approved = using ? { using } : {}
      const client: Client = { ...exchange, label, questions: live, leaving, ...approved }
      return call(rooms, errand.principal, asked, client)
    }
    const outcome = await performed().catch(refused)
    if (using && outcome.kind === 'refused') await letLapse(rooms, using, outcome.fault)
    return outcome
  }

const revoked = (): Fault =>
  new Fault(
    'policy/denied',
    'Nothing was executed: what this call was allowed for has been revoked since. The same call will be refused again. Tell the user.',
  )

/** What is tried again by itself keeps the yes that it was given. */
const TRIED_AGAIN: readonly FaultCode[] = ['upstream/unavailable', 'ledger/unavailable']

/** A yes that was not used by the call it was for is good for nothing else. */
async function letLapse({ approvals }: CallRooms, { id }: Using, { code }: Fault): Promise<void> {
  if (TRIED_AGAIN.includes(code)) return
  await approvals.lapse(id, code === 'task/illegal' ? LAPSE.definition : LAPSE.refused)
}

export function askedOf(views: Views, errand: Errand): Asked {
  const { call: id, view, params, round, wantsTask, run, whence, screened } = errand
  const found = views.find(view)
  if (!found) throw new Fault('call/unknown-name', 'The view of this call is gone.')
  const { inputResponses, requestState } = round
  return {
    call: id,
    view: found,
    method: 'tools/call',
    params,
    wantsTask,
    run,
    ...(whence ? { whence } : {}),
    ...(screened ? { screened } : {}),
    round: {
      number: Number(round['number']),
      ...(isObject(inputResponses) ? { inputResponses } : {}),
      ...(typeof requestState === 'string' ? { requestState } : {}),
    },
  }
}

/** The call that is answered: in the view it was made in or, where that is gone, as its server has it. */
export function answeredOf(views: Views, errand: Errand): Asked {
  if (views.find(errand.view)) return askedOf(views, errand)
  const { server, tool, params } = errand
  const view = views.find(server) ? server : ''
  return askedOf(views, { ...errand, view, params: { ...params, name: tool } })
}

export const changed = ({ server, tool }: Errand): Fault =>
  new Fault(
    'task/illegal',
    `Nothing was executed: the definition of "${tool}" of ${server} is not the one this call was made for. Look at the tool again, then call it anew.`,
  )

/** The operator decided that this follows: nobody needs a scope for what they do not ask for. */
const withScope = (who: Principal, server: string, tool: string): Principal =>
  who.proof === 'local' ? who : { ...who, scopes: [...who.scopes, toolScope(server, tool)] }

/** A call of our own that follows from an errand: on the same server, judged and recorded like any. */
export const followUp =
  (rooms: CallRooms & { readonly views: Views }) =>
  async (
    errand: Errand,
    followup: Followup,
    result: JsonObject,
    why: 'undo' | 'reconcile',
  ): Promise<Ended> => {
    try {
      const view = rooms.views.find(errand.server)
      if (!view) throw new Fault('call/unknown-name', `Server ${errand.server} is gone.`)
      const from = { arguments: errand.params['arguments'] ?? {}, result }
      const asked: Asked = {
        call: newId(rooms.world, why),
        view,
        method: 'tools/call',
        params: { name: followup.tool, arguments: argumentsOf(followup, from) },
        round: { number: 1 },
        // What follows from a call belongs to where that came from.
        run: errand.run,
        ...(errand.whence ? { whence: errand.whence } : {}),
      }
      const alone = new Conversation<Outcome>(rooms.world, () => new Promise(() => undefined))
      const exchange = exchangeOf(errand, alone, new AbortController().signal)
      const client: Client = {
        ...exchange,
        label: `${why} of ${errand.call}`,
        capabilities: {}, // Nobody is there to be asked.
        takesTasks: false,
        questions: live,
      }
      // Before it leaves: whoever asks after the call finds what followed from it.
      await rooms.ledger.note('call.followed', { call: errand.call, by: asked.call, why })
      const who = withScope(errand.principal, errand.server, followup.tool)
      const outcome = await call(rooms, who, asked, client)
      // It follows from a call that is over: nobody can be asked, and it cannot wait.
      if (outcome.kind === 'asks') throw new Fault('policy/denied', outcome.because)
      if (outcome.kind !== 'input' && outcome.kind !== 'task') return outcome
      throw new Fault('upstream/broken', `${errand.server} did not answer ${followup.tool}.`)
    } catch (thrown) {
      return { kind: 'refused', fault: toFault(thrown) }
    }
  }
