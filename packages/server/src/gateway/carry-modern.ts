import {
  Fault,
  missingCapability,
  own,
  TASKS_EXTENSION,
  toExtensionTask,
  without,
  type ClientCapabilities,
  type InputRequest,
} from '@countersign/contract'
import { waitingOf } from '#policy'
import type { ClientFacts, Ended, Listener, Outcome, Standing } from '#tasks'
import { receiptOf, withReceipt } from './answer.ts'
import type { Asked } from './asked.ts'
import { answeredOf, carry, errandOf, type Carrier, type Fare } from './carry.ts'
import { labelOf, voice } from './client.ts'
import { askClient, canOpen, conclude } from './conclude-modern.ts'
import { attend, hold, REPEATED_HOLD_MS, type Patience } from './hold.ts'
import type { ModernRequest, ModernRooms, Served } from './modern.ts'
import { isOwnTool, ownTool, type OwnAnswer } from './own-tools.ts'
import { takesTasks } from './patience.ts'
import { projectResult, success } from './project.ts'
import { ruleOf, sameCall } from './same-call.ts'
import { viewOf } from './task-view.ts'
import { wordsFor } from './words.ts'

/** Starts a call, which may end, become a task, or ask the client to come back with answers. */
export async function begin(
  rooms: ModernRooms,
  modern: ModernRequest,
  asked: Asked,
): Promise<Served> {
  if (isOwnTool(asked)) {
    const said = await ownTool(rooms, modern.who, asked)
    return sayOwn(rooms, modern, asked, said)
  }
  const fare = fareOf(rooms, modern, asked)
  const same = fare.isUnique ? sameCall(rooms, fare) : undefined
  if (same !== undefined)
    return attendTo(rooms, modern, asked, {
      id: same,
      isRepeated: true,
      holdMs: REPEATED_HOLD_MS,
    })
  if (asked.round.number === 1 && ruleOf(rooms, asked).compensate) {
    // A call that can be taken back is written down before it is sent.
    const { task } = await rooms.desk.begin(errandOf(rooms, fare))
    return attendTo(rooms, modern, asked, { id: task.id, isRepeated: false })
  }
  return carryOn(rooms, modern, { asked, carrier: carry(rooms, fare) }, 1)
}

/** A call on its way, and under which id it is parked if it is. */
interface On {
  readonly asked: Asked
  readonly carrier: Carrier
  readonly id?: string
}

/** Waits for a call as long as its client does, and says where it stands then. */
export async function carryOn(
  rooms: ModernRooms,
  modern: ModernRequest,
  on: On,
  round: number,
): Promise<Served> {
  const { asked, carrier } = on
  const { conversation } = carrier
  const patience = patienceOf(rooms, modern, asked)
  const held = await hold(rooms, carrier, patience, listenerOf(modern), modern.signal)
  switch (held.kind) {
    case 'done': {
      const { missing } = conversation
      const outcome = missing ? forWantOf(missing, held.outcome) : held.outcome
      return conclude(rooms, modern, asked, outcome)
    }
    case 'questions':
      return park(rooms, modern, { ...on, conversation, task: undefined }, held.questions, round)
    case 'task':
      return tell(rooms, modern, asked, { standing: held.standing, isRepeated: false })
  }
}

interface Parked extends Pick<On, 'asked' | 'id'> {
  readonly conversation: Carrier['conversation']
  readonly carrier: Carrier | undefined
  readonly task: string | undefined
}

/** Keeps a call whose questions are on their way to the client (BR-032). */
function park(
  rooms: ModernRooms,
  modern: ModernRequest,
  { asked, conversation, carrier, task, id: known }: Parked,
  questions: Readonly<Record<string, InputRequest>>,
  round: number,
): Served {
  const id = known ?? rooms.parking.park(modern.who.id, { conversation, carrier, task }).id
  return askClient(rooms, modern, asked, questions, { kind: 'parked', id, call: asked.call, round })
}

interface Attended {
  readonly id: string
  /** The client made this very call before. */
  readonly isRepeated: boolean
  /** How long to wait; default: as long as this client does. */
  readonly holdMs?: number
  readonly round?: number
  readonly parked?: string
  /** The client was shown the page on which people decide. */
  readonly isSent?: boolean
}

/** Waits for a task that is under way, on behalf of whoever asks for it. */
export async function attendTo(
  rooms: ModernRooms,
  modern: ModernRequest,
  asked: Asked,
  { id, isRepeated, holdMs, round = 1, parked, isSent }: Attended,
): Promise<Served> {
  const conversation = rooms.desk.conversation(id)
  const patience = patienceOf(rooms, modern, asked)
  // A client that follows tasks itself is given this one at once.
  const waitMs = patience.takesTask ? 0 : Math.min(holdMs ?? Infinity, patience.holdMs)
  const { signal } = modern
  const listener = listenerOf(modern)
  const held = await attend({
    ...rooms,
    id,
    conversation,
    holdMs: waitMs,
    patience: { seesQuestions: patience.seesQuestions && !patience.takesTask },
    tellsWaiting: !isOwnTool(asked),
    signal,
    listener,
  })
  if (held.kind === 'done') throw new Error('a task ended as something else')
  const questions = held.kind === 'questions' ? answerable(modern, held.questions) : undefined
  if (questions && conversation) {
    const known = parked === undefined ? {} : { id: parked }
    const call = { asked, conversation, carrier: undefined, task: id, ...known }
    return park(rooms, modern, call, questions, round)
  }
  const standing = held.kind === 'task' ? held.standing : await rooms.desk.find(modern.who.id, id)
  if (!standing) throw new Fault('task/unknown', 'This request has expired.')
  return tell(rooms, modern, asked, { standing, isRepeated, isSent: isSent === true })
}

/** I-004: the call may be another client's, of the same principal, which declared more than this one. */
function answerable(
  { envelope }: ModernRequest,
  questions: Readonly<Record<string, InputRequest>>,
): Readonly<Record<string, InputRequest>> | undefined {
  const declared = Object.entries(questions).filter(
    ([, one]) => missingCapability(one, envelope.capabilities) === undefined,
  )
  return declared.length > 0 ? Object.fromEntries(declared) : undefined
}

/** What one of our own tools came to: words, or a task to wait for. */
async function sayOwn(
  rooms: ModernRooms,
  modern: ModernRequest,
  asked: Asked,
  said: OwnAnswer,
): Promise<Served> {
  if (said.kind === 'wait') {
    const { id, holdMs } = said
    return attendTo(rooms, modern, asked, { id, isRepeated: false, holdMs })
  }
  const { revision } = modern.envelope
  return { response: success(modern.request.id, projectResult(said.result, revision)) }
}

/** Where a task stands, in the words of a client that has tasks or of one that has not. */
function tell(
  rooms: ModernRooms,
  modern: ModernRequest,
  asked: Asked,
  told: { readonly standing: Standing; readonly isRepeated: boolean; readonly isSent?: boolean },
): Served {
  const { request, envelope } = modern
  const { revision, capabilities } = envelope
  const { standing } = told
  const { ended } = standing
  if (ended !== undefined && ended !== 'cancelled') {
    return deliver(rooms, modern, asked, standing, ended)
  }
  if (ended) rooms.desk.delivered(standing.errand, standing.task.id)
  const stamp = receiptOf({ call: standing.errand.call })
  if (takesTasks(capabilities) && !isOwnTool(asked)) {
    // TX-005: flat, and nothing of a result or of a round in it.
    const task = toExtensionTask(viewOf(rooms.views, standing, revision, capabilities))
    const said = { ...projectResult({}, revision, stamp), ...task, resultType: 'task' }
    return { response: success(request.id, said) }
  }
  const page = told.isSent === true || told.isRepeated ? undefined : pageOf(modern, asked, standing)
  if (page) {
    const { id: task } = standing.task
    const state = { kind: 'waits', call: asked.call, task, round: 2 } as const
    return askClient(rooms, modern, asked, { approval: page }, state)
  }
  const words = wordsFor(rooms, asked, told)
  return { response: success(request.id, projectResult(words, revision, stamp)) }
}

/** Where people decide it, for a client that can open pages. What it answers decides nothing. */
function pageOf(
  modern: ModernRequest,
  asked: Asked,
  { waiting }: Standing,
): InputRequest | undefined {
  if (waiting?.page === undefined || !canOpen(modern, asked)) return undefined
  const message = `${waitingOf(waiting.asks, waiting.message)} They decide on this page.`
  return { method: 'elicitation/create', params: { mode: 'url', url: waiting.page, message } }
}

/** The result has the shape of the tool that was called first, whoever asks for it. */
function deliver(
  rooms: ModernRooms,
  modern: ModernRequest,
  asked: Asked,
  { errand, task }: Standing,
  ended: Ended,
): Served {
  rooms.desk.delivered(errand, task.id)
  const about = isOwnTool(asked) ? answeredOf(rooms.views, errand) : asked
  return conclude(rooms, modern, about, withReceipt(ended, errand))
}

/** How long this client waits for this call. */
function patienceOf(rooms: ModernRooms, modern: ModernRequest, asked: Asked): Patience {
  const { capabilities, clientInfo } = modern.envelope
  const { owner } = factsOf(modern)
  const isTool = asked.method === 'tools/call'
  const takesTask = isTool && !isOwnTool(asked) && takesTasks(capabilities)
  return {
    takesTask,
    seesQuestions: canBeAsked(modern),
    afterMs: isTool ? afterMsOf(rooms, asked) : Infinity,
    holdMs: isTool && !takesTask ? rooms.patiences.holdMs(owner, clientInfo) : Infinity,
    hungUp: (ms) => {
      rooms.patiences.hungUp(owner, ms)
    },
  }
}

/** When a call of this tool becomes a task. */
const afterMsOf = (rooms: ModernRooms, asked: Asked): number =>
  ruleOf(rooms, asked).afterMs ?? rooms.patiences.afterMs

const canBeAsked = ({ request, envelope }: ModernRequest): boolean => {
  const { elicitation, sampling, roots } = envelope.capabilities
  // I-001: completion cannot come back with questions.
  return (
    request.method !== 'completion/complete' && (elicitation ?? sampling ?? roots) !== undefined
  )
}

function fareOf(rooms: ModernRooms, modern: ModernRequest, asked: Asked): Fare {
  const { progressToken, logLevel, capabilities } = modern.envelope
  const isFirst = asked.method === 'tools/call' && asked.round.number === 1
  return {
    who: modern.who,
    asked,
    facts: factsOf(modern),
    voice: { wantsProgress: progressToken !== undefined, logLevel },
    questions: 'rounds',
    // TX-004: without tasks on either side, a tool that is nothing but one is refused by its server.
    takesTasks: takesTasks(capabilities) || afterMsOf(rooms, asked) !== Infinity,
    isUnique: isFirst && !takesTasks(capabilities),
    run: asked.run,
  }
}

function factsOf({ envelope, who, request }: ModernRequest): ClientFacts {
  const { capabilities, clientInfo } = envelope
  const label = labelOf(clientInfo)
  return {
    label,
    // Programs of one person are told apart by name: a question of one is not put to the other.
    owner: `${who.id} ${label}`,
    // I-001: tool calls, prompts and resources may come back with questions, completion may not.
    capabilities: request.method === 'completion/complete' ? {} : askable(capabilities),
    clientInfo,
  }
}

/** Tasks belong to one hop: whether a server may start one is for us to say (TX-003). */
function askable({ extensions, ...capabilities }: ClientCapabilities): ClientCapabilities {
  if (!extensions) return capabilities
  return { ...capabilities, extensions: without(extensions, [TASKS_EXTENSION]) }
}

const listenerOf = ({ channel, envelope }: ModernRequest): Listener =>
  voice(channel, envelope.progressToken, () => envelope.logLevel)

/**
 * A call that failed after its server asked for what the client had not declared failed for want of
 * it, and says so (V-049). One that did without stands as it is.
 */
function forWantOf(missing: ClientCapabilities, outcome: Outcome): Outcome {
  const hasFailed =
    outcome.kind === 'errored' ||
    (outcome.kind === 'answered' && own(outcome.result, 'isError') === true)
  if (!hasFailed) return outcome
  const names = Object.keys(missing).join(', ')
  const fault = new Fault('rpc/missing-capability', `The server needs a client with ${names}.`, {
    data: { requiredCapabilities: { ...missing } },
  })
  return { kind: 'refused', fault }
}
