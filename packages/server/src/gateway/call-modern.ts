import { isObject, own, RPC, type Fault, type JsonObject } from '@countersign/contract'
import { newId } from '#base'
import type { Asked, CallMethod, Round } from './asked.ts'
import { attendTo, begin, carryOn } from './carry-modern.ts'
import { labelOf } from './client.ts'
import { conclude } from './conclude-modern.ts'
import { onlyUnconnected, withPage } from './connect-pages.ts'
import { connectByTool, isConnectTool } from './connect-tool.ts'
import { ensureNamed } from './lists.ts'
import type { ModernRequest, ModernRooms, Served } from './modern.ts'
import { isOwnTool } from './own-tools.ts'
import { checkParamHeaders } from './param-check.ts'
import { failure, projectResult, success, toolError } from './project.ts'
import { digestOfParams } from './params-digest.ts'
import { ownParams } from './read.ts'
import { answersIn, openState, stateIn, type Carried } from './request-state.ts'
import { runOf } from './same-call.ts'
import { screenedIn } from './screen.ts'
import { within } from './traced.ts'
import { whenceOf } from './whence.ts'

/** One call of a modern client, from its request to its response. */
export async function callModern(
  rooms: ModernRooms,
  modern: ModernRequest,
  method: CallMethod,
): Promise<Served> {
  const { view, request, who } = modern
  const params = request.params ?? {}
  const scope = { who, view, method, params }
  const state = stateIn(params)
  const carried = state === undefined ? undefined : openState(rooms, scope, state)
  const answers = answersIn(params)
  await untilConnected(rooms, modern, carried, answers)
  if (isConnectTool({ method, params })) return connectModern(rooms, modern, carried, answers)
  const unlisted = await ensureNamed(rooms, view, who, request).catch(onlyUnconnected)
  checkMirrored(modern, method)
  const back = comeBack(rooms, modern, method, carried, answers)
  if (back) return back
  if (carried?.kind === 'redo' && !isAgreed(answers)) {
    return { response: success(request.id, projectResult(toolError(NOT_OPENED), '2026-07-28')) }
  }
  const asked = screenedIn(rooms, askedIn(rooms, modern, method, carried, answers))
  if (unlisted) return sendToPage(rooms, modern, asked, unlisted)
  return state === undefined ? begin(rooms, modern, asked) : beginOnce(rooms, modern, asked, state)
}

/** The tool that gives somebody the page, and says when they are done there. */
async function connectModern(
  rooms: ModernRooms,
  modern: ModernRequest,
  carried: Carried | undefined,
  answers: JsonObject | undefined,
): Promise<Served> {
  const asked = askedIn(rooms, modern, 'tools/call', carried, answers)
  const said = await connectByTool(rooms, asked, modern.who)
  if ('outcome' in said) return conclude(rooms, modern, asked, said.outcome)
  const { revision } = modern.envelope
  return { response: success(modern.request.id, projectResult(said.words, revision)) }
}

/** Nothing is known of the server but that somebody has to connect it. */
async function sendToPage(
  rooms: ModernRooms,
  modern: ModernRequest,
  asked: Asked,
  fault: Fault,
): Promise<Served> {
  const outcome = await withPage(rooms.connects, modern.who, { kind: 'refused', fault })
  return conclude(rooms, modern, asked, outcome)
}

/** Agreeing to open a page is not having finished it (I-047): it is waited for as for a slow call. */
async function untilConnected(
  rooms: ModernRooms,
  { who, envelope, signal }: ModernRequest,
  carried: Carried | undefined,
  answers: JsonObject | undefined,
): Promise<void> {
  const connect = carried?.kind === 'redo' ? carried.connect : undefined
  if (connect === undefined || !isAgreed(answers)) return
  const { clientInfo } = envelope
  const holdMs = rooms.patiences.holdMs(`${who.id} ${labelOf(clientInfo)}`, clientInfo)
  await rooms.connects.done(connect, Math.min(holdMs, CONNECT_HOLD_MS), signal)
}

/** Below the clock of any client that can be asked to open pages. */
const CONNECT_HOLD_MS = 50_000

/** A retry whose answer got lost comes again with the same state and answers: its effect does not (I-013). */
async function beginOnce(
  rooms: ModernRooms,
  modern: ModernRequest,
  asked: Asked,
  state: string,
): Promise<Served> {
  const key = `${state} ${digestOfParams(asked.round.inputResponses ?? {})}`
  const served = await rooms.replays.once(key, () => begin(rooms, modern, asked))
  return { ...served, response: { ...served.response, id: modern.request.id } }
}

function checkMirrored({ view, request, headers }: ModernRequest, method: CallMethod): void {
  if (method !== 'tools/call' || !headers) return
  const params = request.params ?? {}
  const name = own(params, 'name')
  const exposed = typeof name === 'string' ? view.find('tool', name)?.exposed : undefined
  if (exposed) checkParamHeaders(exposed, params, headers)
}

function askedIn(
  rooms: ModernRooms,
  { view, request, headers, address, span }: ModernRequest,
  method: CallMethod,
  carried: Carried | undefined,
  answers: JsonObject | undefined,
): Asked {
  const whence = whenceOf(request.params, { headers, address })
  const isLater = carried?.kind === 'relay' || carried?.kind === 'redo'
  const inner = carried?.kind === 'relay' ? carried.inner : undefined
  const round: Round = {
    number: isLater ? carried.round : 1,
    // A redo starts the call over: the answers were for us, not for the server.
    ...(answers && carried?.kind !== 'redo' ? { inputResponses: answers } : {}),
    ...(inner === undefined ? {} : { requestState: inner }),
  }
  return {
    call: isLater ? carried.call : newId(rooms.world, 'call'),
    view,
    method,
    params: ownParams(request.params),
    round,
    run: runOf(request.params, whence),
    whence: within(whence, span),
  }
}

/** What a client came back to, if it is under way: it goes on, whatever is answered. */
function comeBack(
  rooms: ModernRooms,
  modern: ModernRequest,
  method: CallMethod,
  carried: Carried | undefined,
  answers: JsonObject = {},
): Promise<Served> | undefined {
  if (carried?.kind === 'parked') return resume(rooms, modern, method, carried, answers)
  if (carried?.kind !== 'waits') return undefined
  const { call, task: id } = carried
  const asked = { ...askedIn(rooms, modern, method, undefined, undefined), call }
  return attendTo(rooms, modern, asked, { id, isRepeated: false, isSent: true })
}

/** A client comes back with answers to the questions of a call that waits for them. */
async function resume(
  rooms: ModernRooms,
  modern: ModernRequest,
  method: CallMethod,
  carried: Extract<Carried, { kind: 'parked' }>,
  answers: JsonObject,
): Promise<Served> {
  const parked = rooms.parking.find(modern.who.id, carried.id)
  const asked = { ...askedIn(rooms, modern, method, undefined, undefined), call: carried.call }
  // Whoever only asked after a task can ask after it again, also in another process.
  if (!parked) return isOwnTool(asked) ? begin(rooms, modern, asked) : interrupted(modern, method)
  const { conversation, carrier, task } = parked.call
  conversation.answer(answers)
  const round = carried.round + 1
  if (carrier) return carryOn(rooms, modern, { asked, carrier, id: parked.id }, round)
  const id = task ?? ''
  return attendTo(rooms, modern, asked, { id, isRepeated: false, round, parked: parked.id })
}

/** BR-038: a live call died with its process. It may have had effects; it is never re-run silently. */
function interrupted({ request }: ModernRequest, method: CallMethod): Served {
  const text =
    'This call was interrupted while it waited for your answer, and cannot be continued. It may have had effects. Check before calling again.'
  return method === 'tools/call'
    ? { response: success(request.id, projectResult(toolError(text), '2026-07-28')) }
    : { response: failure(request.id, { code: RPC.internal, message: text }) }
}

/** Whether the person agreed to open every page that was asked about. */
function isAgreed(answers: JsonObject | undefined): boolean {
  const given = Object.values(answers ?? {}).filter(isObject)
  return given.length > 0 && given.every((one) => own(one, 'action') === 'accept')
}

const NOT_OPENED =
  'Nothing was executed: the page that the server needs was not opened. Ask the user, then call again.'
