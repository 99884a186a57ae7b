import {
  Fault,
  isObject,
  own,
  RPC,
  textAt,
  toFault,
  type InputRequest,
  type Json,
} from '@countersign/contract'
import type { TaskContext } from '@countersign/engine'
import type { Exchange, Upstream, UpstreamTaskSeen } from '#upstream'
import { nextLookMs, type Live } from './call-task.ts'
import type { Conversation } from './conversation.ts'
import type { Errand } from './errand.ts'
import type { Ended, Outcome } from './outcome.ts'

/** What is needed of a server, and of the task that is ours. */
type Kept = Pick<Upstream, 'spec' | 'tasks'>
type Ours = Pick<TaskContext<Errand>, 'signal' | 'status'> & {
  readonly input: Asking
}
type Looking = Pick<Live, 'conversation' | 'answered' | 'unreached'>

type Looked = { readonly ended: Ended } | { readonly againMs: number }

/** How long a server that cannot be asked is left alone: longer each time, until it can be. */
const UNREACHED_MS = 5_000
const UNREACHED_MS_MAX = 5 * 60_000

const leftAloneMs = (times: number): number =>
  Math.min(UNREACHED_MS_MAX, UNREACHED_MS * 2 ** Math.min(times, 30))

/** Of an errand, what whoever is asked on behalf of its call goes by. */
type Asking = Pick<Errand, 'client'> & Partial<Pick<Errand, 'call' | 'tool' | 'whence'>>

/** What a deferred call may say to, and ask of, whoever attends to it. */
export const exchangeOf = (
  { client, call, tool, whence }: Asking,
  conversation: Conversation<Outcome>,
  signal: AbortSignal,
): Exchange => ({
  owner: client.owner,
  capabilities: client.capabilities,
  clientInfo: client.clientInfo,
  about: call === undefined ? undefined : { call, name: tool },
  wantsProgress: true,
  origin: whence,
  logLevel: undefined,
  signal,
  takesTasks: true,
  progress: (params) => {
    conversation.progress(params)
  },
  log: (params) => {
    conversation.log(params)
  },
  ask: (request, withdrawn) => conversation.questions.ask(request, withdrawn),
  undeclared: () => undefined,
  paused: (retryMs) => {
    conversation.paused(retryMs)
  },
  elicitationComplete: (id) => {
    conversation.elicitationComplete(id)
  },
  dispatched: () => undefined,
})

/**
 * One look at a server's own task, by its journaled id (BR-053). A server that cannot be reached is
 * asked again later: it is still the same task.
 */
export async function lookAtTask(
  upstream: Kept,
  task: Ours,
  live: Looking,
  handle: Json,
): Promise<Looked> {
  const id = isObject(handle) ? textAt(handle, 'id') : ''
  const exchange = exchangeOf(task.input, live.conversation, task.signal)
  try {
    const seen = await upstream.tasks.see(id, exchange)
    live.unreached = 0
    if (!seen) return { ended: { kind: 'refused', fault: gone(upstream.spec.id) } }
    if (seen.message !== undefined) task.status(seen.message)
    if (seen.era === 'legacy') return await legacy(upstream, exchange, seen)
    return modern(upstream, exchange, live, seen)
  } catch (thrown) {
    const fault = toFault(thrown)
    if (task.signal.aborted || !fault.code.startsWith('upstream/')) throw fault
    task.status(`${fault.message} It is asked again.`)
    return { againMs: leftAloneMs(live.unreached++) }
  }
}

/** TL-015: a legacy server hands out its questions, and its result, through `tasks/result`. */
async function legacy(
  upstream: Kept,
  exchange: Exchange,
  { id, status, pollMs, message }: UpstreamTaskSeen,
): Promise<Looked> {
  const server = upstream.spec.id
  if (status === 'working') return { againMs: nextLookMs(pollMs) }
  // BR-057: of a cancelled task there is nothing to fetch.
  if (status === 'cancelled') return { ended: stopped(server, message) }
  const reply = await upstream.tasks.result(id, exchange)
  if (reply.kind === 'result') return { ended: { kind: 'answered', result: reply.result, server } }
  if (reply.kind === 'error') return { ended: { kind: 'errored', error: reply.error, server } }
  throw new Fault('upstream/broken', `${server} answered for its task with something else.`)
}

function modern(upstream: Kept, exchange: Exchange, live: Looking, seen: UpstreamTaskSeen): Looked {
  const server = upstream.spec.id
  const { end } = seen
  if (end?.kind === 'result') return { ended: { kind: 'answered', result: end.result, server } }
  if (end?.kind === 'error') return { ended: { kind: 'errored', error: end.error, server } }
  if (end) return { ended: stopped(server, seen.message) }
  relayQuestions(upstream, exchange, live, seen)
  return { againMs: nextLookMs(seen.pollMs) }
}

/** The server's open questions become ours, under its own keys, and the answers go back (BR-054). */
function relayQuestions(
  upstream: Kept,
  exchange: Exchange,
  { conversation, answered }: Looking,
  { id, inputs }: UpstreamTaskSeen,
): void {
  const { questions } = conversation
  const hand = (key: string): void => {
    const answer = answered.get(key)
    if (!answer) return
    // The signal of a look goes off as soon as the look is over; an answer outlives it.
    const outliving = { ...exchange, signal: new AbortController().signal }
    // What could not be handed on is handed on with the next look.
    upstream.tasks.update(id, { [key]: answer }, outliving).catch(() => undefined)
  }
  const relay = async (key: string, request: InputRequest): Promise<void> => {
    const answer = await questions.pose(key, request)
    if (answered.has(key)) return
    if (answer.kind === 'result') answered.set(key, answer.result)
    // BR-015: what nobody can be asked is cancelled.
    else if (request.method === 'elicitation/create') answered.set(key, { action: 'cancel' })
    hand(key)
  }
  for (const [key, request] of Object.entries(inputs)) {
    if (answered.has(key)) hand(key)
    else if (!questions.has(key)) void relay(key, request)
  }
  for (const key of Object.keys(questions.all())) {
    if (Object.hasOwn(inputs, key) || answered.has(key)) continue
    answered.set(key, {}) // The server wants no answer any more.
    questions.withdraw(key)
  }
}

const gone = (server: string): Fault =>
  new Fault(
    'call/unknown-outcome',
    `Unknown outcome. ${server} no longer knows the task it made of this call. It may have happened. Do not repeat it before someone has checked.`,
  )

const stopped = (server: string, message: string | undefined): Ended => ({
  kind: 'errored',
  server,
  error: { code: RPC.internal, message: message ?? `${server} cancelled its task.` },
})

/** The id of the server's own task, if the journal has one. */
export function handleIn(
  journal: readonly { readonly kind: string; readonly body: Json }[],
): string | undefined {
  const last = journal.findLast(({ kind }) => kind === 'handle')
  const id = last && isObject(last.body) ? own(last.body, 'id') : undefined
  return typeof id === 'string' ? id : undefined
}
