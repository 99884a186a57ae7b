import {
  Fault,
  isObject,
  toFault,
  type ClientCapabilities,
  type JsonObject,
} from '@countersign/contract'
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
import type { Asked, Client } from './asked.ts'
import { call, type CallRooms } from './call.ts'
import { digestOfParams } from './params-digest.ts'
import { targetOf } from './target.ts'
import { newId } from '#base'

export interface CarryRooms extends CallRooms {
  readonly desk: Desk
}

/** What a call is carried for: everything but the request that may be gone before it ends. */
export interface Fare {
  readonly who: Principal
  readonly asked: Asked
  readonly facts: ClientFacts
  /** From what the request says of itself, while it is there. */
  readonly voice: Pick<Client, 'wantsProgress' | 'logLevel'>
  /** `rounds` only for a modern client; a call that became a task is always `live`. */
  readonly questions: Client['questions']
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
  /** Settles when it becomes a task of itself, because its server made one of it. */
  readonly deferred: Promise<unknown>
}

/** Sends a call and lets go of it: what comes of it is in the conversation. */
export function carry(rooms: CarryRooms, fare: Fare): Carrier {
  const started = Promise.withResolvers<unknown>()
  let task: Promise<string> | undefined
  let first: Promise<Outcome>
  const conversation = new Conversation<Outcome>(
    rooms.world,
    async (own) => {
      first = call(rooms, fare.who, fare.asked, clientOf(fare, own)).catch(refused)
      const outcome = await first
      if (outcome.kind !== 'task' && task === undefined) return outcome
      return endOfTask(rooms, carrier, outcome)
    },
    'ask',
  )
  const carrier: Carrier = {
    fare,
    conversation,
    deferred: started.promise,
    defer: (ttlMs) => {
      task ??= adopt(rooms, fare, { conversation, first, ttlMs })
      started.resolve(undefined)
      return task
    },
  }
  return carrier
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
  const { id } = await rooms.desk.adopt(errand, conversation, first, ttlMs)
  return id
}

const refused = (thrown: unknown): Outcome => ({ kind: 'refused', fault: toFault(thrown) })

/** The end of a call that is a task: what its record says, or, without a record, what came of it. */
async function endOfTask(rooms: CarryRooms, carrier: Carrier, outcome: Outcome): Promise<Outcome> {
  try {
    const id = await carrier.defer()
    const { ended } = await rooms.desk.finished(id, new AbortController().signal)
    return ended === undefined || ended === 'cancelled' ? outcome : ended
  } catch (thrown) {
    return outcome.kind === 'task' ? giveUp(rooms, carrier, outcome, toFault(thrown)) : outcome
  }
}

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
    .upstream(server)
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

/** How the server sees the client of a call: by its conversation, whoever attends to it. */
function clientOf(fare: Fare, conversation: Conversation<Outcome>): Client {
  const { facts, voice, questions, takesTasks } = fare
  const exchange = exchangeOf({ client: facts }, conversation, conversation.abort.signal)
  return {
    ...exchange,
    ...voice,
    label: facts.label,
    takesTasks,
    undeclared: (missing: ClientCapabilities) => {
      conversation.missing ??= missing
    },
    get questions() {
      return conversation.isDeferred ? 'live' : questions
    },
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

/** Does an errand again, or for the first time: found, judged and written down at this moment. */
export const perform =
  (rooms: CallRooms & { readonly views: Views }) =>
  async (
    errand: Errand,
    conversation: Conversation<Outcome>,
    leaving: () => Promise<void>,
  ): Promise<Outcome> => {
    try {
      const asked = askedOf(rooms.views, errand)
      const { digest } = targetOf(asked, rooms.rules)
      if (digest !== errand.digest) throw changed(errand)
      const exchange = exchangeOf(errand, conversation, conversation.abort.signal)
      const { label } = errand.client
      const client: Client = { ...exchange, label, questions: 'live', leaving }
      return await call(rooms, errand.principal, asked, client)
    } catch (thrown) {
      return refused(thrown)
    }
  }

function askedOf(views: Views, { call: id, view, params, round, wantsTask }: Errand): Asked {
  const found = views.find(view)
  if (!found) throw new Fault('call/unknown-name', 'The view of this call is gone.')
  const { inputResponses, requestState } = round
  return {
    call: id,
    view: found,
    method: 'tools/call',
    params,
    wantsTask,
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

const changed = ({ server, tool }: Errand): Fault =>
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
      }
      const alone = new Conversation<Outcome>(rooms.world, () => new Promise(() => undefined))
      const exchange = exchangeOf(errand, alone, new AbortController().signal)
      const client: Client = {
        ...exchange,
        label: `${why} of ${errand.call}`,
        capabilities: {}, // Nobody is there to be asked.
        takesTasks: false,
        questions: 'live',
      }
      const who = withScope(errand.principal, errand.server, followup.tool)
      const outcome = await call(rooms, who, asked, client)
      if (outcome.kind !== 'input' && outcome.kind !== 'task') return outcome
      throw new Fault('upstream/broken', `${errand.server} did not answer ${followup.tool}.`)
    } catch (thrown) {
      return { kind: 'refused', fault: toFault(thrown) }
    }
  }
