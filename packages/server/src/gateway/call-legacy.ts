import { toLegacyTask } from '@countersign/contract'
import { newId } from '#base'
import type { ClientFacts, Ended, Outcome, Standing } from '#tasks'
import { answer, receiptOf, withReceipt } from './answer.ts'
import type { Asked, CallMethod } from './asked.ts'
import { answeredOf, carry, errandOf, type Fare } from './carry.ts'
import { labelOf } from './client.ts'
import { onlyUnconnected, pageIn, withPage } from './connect-pages.ts'
import { connectByTool, isConnectTool } from './connect-tool.ts'
import { attend, hold, REPEATED_HOLD_MS, type Held, type Patience } from './hold.ts'
import type { LegacyRequest, LegacyRooms } from './legacy.ts'
import { listenerOf } from './listen-live.ts'
import { ensureNamed } from './lists.ts'
import type { Served } from './modern.ts'
import { isOwnTool, ownTool } from './own-tools.ts'
import { failure, projectResult, success } from './project.ts'
import { ownParams, tokenOf } from './read.ts'
import { ruleOf, runOf, sameCall } from './same-call.ts'
import { screenedIn } from './screen.ts'
import { viewOf } from './task-view.ts'
import { requestedTask } from './tasks-legacy.ts'
import { within } from './traced.ts'
import { whenceOf } from './whence.ts'
import { wordsFor } from './words.ts'

/** One call of a legacy session, from its request to its response. */
export async function callLegacy(
  rooms: LegacyRooms,
  legacy: LegacyRequest,
  method: CallMethod,
  signal: AbortSignal,
): Promise<Served> {
  const { request, view, session, who } = legacy
  const whence = whenceOf(request.params, legacy.from)
  const plain: Asked = {
    call: newId(rooms.world, 'call'),
    view,
    method,
    params: ownParams(request.params),
    round: { number: 1 },
    run: runOf(request.params, whence),
    whence: within(whence, legacy.span),
  }
  if (isConnectTool(plain)) return connectLegacy(rooms, legacy, plain)
  const unlisted = await ensureNamed(rooms, view, who, request).catch(onlyUnconnected)
  if (isOwnTool(plain)) return ownLegacy(rooms, legacy, plain, signal)
  const asked = screenedIn(rooms, plain)
  if (unlisted) {
    const refused = { kind: 'refused', fault: unlisted } as const
    return say(rooms, legacy, asked, endedOf(await withPage(rooms.connects, who, refused)))
  }
  const fare = fareOf(legacy, asked)
  const wish = requestedTask(session.facts.revision, method, request.params)
  if (wish)
    return createTask(rooms, legacy, { ...fare, asked: { ...asked, wantsTask: true } }, wish)
  const same = fare.isUnique ? sameCall(rooms, fare) : undefined
  if (same !== undefined) {
    return attendTo(rooms, legacy, asked, {
      id: same,
      isRepeated: true,
      holdMs: REPEATED_HOLD_MS,
      signal,
    })
  }
  if (ruleOf(rooms, asked).compensate) {
    // A call that can be taken back is written down before it is sent.
    const { task } = await rooms.desk.begin(errandOf(rooms, fare))
    return attendTo(rooms, legacy, asked, { id: task.id, isRepeated: false, signal })
  }
  const patience = patienceOf(rooms, legacy, asked)
  const listener = listenerOf(rooms, legacy)
  const held = await hold(rooms, carry(rooms, fare), patience, listener, signal)
  return conclude(rooms, legacy, asked, { held, isRepeated: false })
}

/** TL-007: as soon as it is written down, with nothing of the result. */
async function createTask(
  rooms: LegacyRooms,
  { request, session }: LegacyRequest,
  fare: Fare,
  { ttlMs }: { readonly ttlMs: number | undefined },
): Promise<Served> {
  // Whoever asks for a task gets one of their own, however alike two calls are.
  const { task, conversation } = await rooms.desk.begin(
    { ...errandOf(rooms, fare), likeness: '' },
    ttlMs,
  )
  rooms.hub.follow(session, task.id, conversation, tokenOf(request.params))
  const standing = await rooms.desk.find(fare.who.id, task.id)
  if (!standing) throw new Error('a task that was just written down is not there')
  const { revision, capabilities } = session.facts
  const view = viewOf(rooms.views, standing, revision, capabilities)
  // TL-029: what a host may tell its model while it polls.
  const meta = { ...receiptOf({ call: fare.asked.call }), [IMMEDIATE]: immediate(task.id) }
  return { response: success(request.id, { task: toLegacyTask(view), _meta: meta }) }
}

const IMMEDIATE = 'io.modelcontextprotocol/model-immediate-response'
const immediate = (id: string): string =>
  `Running as task ${id}. It goes on even if this session ends; its result will be delivered.`

interface Attended {
  readonly id: string
  readonly isRepeated: boolean
  readonly holdMs?: number
  readonly signal: AbortSignal
}

/** Waits for a task that is under way, on behalf of whoever asks for it. */
async function attendTo(
  rooms: LegacyRooms,
  legacy: LegacyRequest,
  asked: Asked,
  { id, isRepeated, holdMs, signal }: Attended,
): Promise<Served> {
  const patience = patienceOf(rooms, legacy, asked)
  const held = await attend({
    ...rooms,
    id,
    conversation: rooms.desk.conversation(id),
    holdMs: Math.min(holdMs ?? Infinity, patience.holdMs),
    patience,
    tellsWaiting: !isOwnTool(asked),
    signal,
    listener: listenerOf(rooms, legacy),
  })
  return conclude(rooms, legacy, asked, { held, isRepeated })
}

async function ownLegacy(
  rooms: LegacyRooms,
  legacy: LegacyRequest,
  asked: Asked,
  signal: AbortSignal,
): Promise<Served> {
  const said = await ownTool(rooms, legacy.who, asked)
  if (said.kind === 'wait') {
    return attendTo(rooms, legacy, asked, { ...said, isRepeated: false, signal })
  }
  const { revision } = legacy.session.facts
  return { response: success(legacy.request.id, projectResult(said.result, revision)) }
}

/** The tool that gives somebody the page, and says when they are done there. */
async function connectLegacy(
  rooms: LegacyRooms,
  legacy: LegacyRequest,
  asked: Asked,
): Promise<Served> {
  const said = await connectByTool(rooms, asked, legacy.who)
  if ('outcome' in said) return say(rooms, legacy, asked, endedOf(said.outcome))
  const { revision } = legacy.session.facts
  return { response: success(legacy.request.id, projectResult(said.words, revision)) }
}

/** Where a call stands when its request has to be answered, in this client's words. */
function conclude(
  rooms: LegacyRooms,
  legacy: LegacyRequest,
  asked: Asked,
  { held, isRepeated }: { readonly held: Held; readonly isRepeated: boolean },
): Served {
  if (held.kind === 'questions') throw new Error('a live conversation ended with a question')
  if (held.kind === 'done') return say(rooms, legacy, asked, endedOf(held.outcome))
  const { standing } = held
  const { ended } = standing
  if (ended !== undefined && ended !== 'cancelled') {
    return deliver(rooms, legacy, asked, standing, ended)
  }
  if (ended) rooms.desk.delivered(standing.errand, standing.task.id)
  const words = wordsFor(rooms, asked, { standing, isRepeated })
  const { revision } = legacy.session.facts
  const result = projectResult(words, revision, receiptOf({ call: standing.errand.call }))
  return { response: success(legacy.request.id, result) }
}

/** The result has the shape of the tool that was called first, whoever asks for it. */
function deliver(
  rooms: LegacyRooms,
  legacy: LegacyRequest,
  asked: Asked,
  { errand, task }: Standing,
  ended: Ended,
): Served {
  rooms.desk.delivered(errand, task.id)
  const about = isOwnTool(asked) ? answeredOf(rooms.views, errand) : asked
  return say(rooms, legacy, about, withReceipt(ended, errand))
}

function endedOf(outcome: Outcome): Ended {
  if (outcome.kind === 'input') throw new Error('a live conversation ended with a question')
  if (outcome.kind === 'task' || outcome.kind === 'asks') throw new Error('this is not an answer')
  return outcome
}

function say(
  { sent }: LegacyRooms,
  { request, session }: LegacyRequest,
  asked: Asked,
  ended: Ended,
): Served {
  const { revision, capabilities } = session.facts
  const page = ended.kind === 'refused' ? pageIn(ended.fault) : undefined
  if (page) sent.sent(page.id, session)
  const said = answer(asked, ended, revision, capabilities)
  if (said.kind === 'result') return { response: success(request.id, said.result) }
  return {
    response: failure(request.id, said.error),
    ...(said.fault ? { fault: said.fault } : {}),
  }
}

/** How long this client waits for this call. */
function patienceOf(rooms: LegacyRooms, { session, who }: LegacyRequest, asked: Asked): Patience {
  const isTool = asked.method === 'tools/call'
  const { clientInfo } = session.facts
  // Programs of one person are told apart by name: one's haste is not the other's.
  const key = `${who.id} ${labelOf(clientInfo)}`
  return {
    takesTask: false,
    seesQuestions: false,
    afterMs: isTool ? (ruleOf(rooms, asked).afterMs ?? rooms.patiences.afterMs) : Infinity,
    holdMs: isTool ? rooms.patiences.holdMs(key, clientInfo) : Infinity,
    hungUp: (ms) => {
      rooms.patiences.hungUp(key, ms)
    },
  }
}

function fareOf({ session, request, who }: LegacyRequest, asked: Asked): Fare {
  return {
    who,
    asked,
    facts: factsOf(session.facts, session.id),
    voice: {
      wantsProgress: tokenOf(request.params) !== undefined,
      // Until a level is set the server decides (P-020): what it says of a call is passed on.
      logLevel: session.logLevel ?? 'debug',
    },
    questions: 'live',
    takesTasks: true, // Whatever becomes of it, this client waits or is told so in words.
    isUnique: asked.method === 'tools/call',
    run: asked.run,
  }
}

const factsOf = (
  { clientInfo, capabilities }: LegacyRequest['session']['facts'],
  owner: string,
): ClientFacts => ({ label: labelOf(clientInfo), owner, capabilities, clientInfo })
