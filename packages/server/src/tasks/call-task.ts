import { Fault, type Effect, type Json, type JsonObject } from '@countersign/contract'
import {
  NotDone,
  RecordedError,
  type AttemptContext,
  type Reconciled,
  type RetryPolicy,
  type TaskContext,
} from '@countersign/engine'
import type { World } from '#base'
import type { Conversation } from './conversation.ts'
import type { Followup } from '#registry'
import type { Errand } from './errand.ts'
import type { Using } from '#approvals'
import { awaitApproval, type ApprovalTaskRooms } from './await-approval.ts'
import { askingIn, asksRecord, fromRecord, toRecord, type Ended, type Outcome } from './outcome.ts'

/** A call as it runs in this process. Requests attach to its conversation; the journal knows none of it. */
export interface Live {
  readonly conversation: Conversation<Outcome>
  /** What the sending came to, for a call that was under way before it was a task. */
  readonly first: Promise<Outcome> | undefined
  /** Settled when the task is over. */
  readonly ended: PromiseWithResolvers<Outcome>
  /** Answers that were handed on to the server, by key. */
  readonly answered: Map<string, JsonObject>
  /** How often in a row its server could not be asked after it. */
  unreached: number
}

/** What the handler of a call needs from outside. */
export interface CallTaskRooms extends ApprovalTaskRooms {
  readonly world: World
  /**
   * Finds, judges, writes down and sends a call. `leaving` is awaited right before it leaves. `using`
   * is the approval that it goes out with, if it still fits.
   */
  readonly perform: (
    errand: Errand,
    conversation: Conversation<Outcome>,
    leaving: () => Promise<void>,
    using?: Using,
  ) => Promise<Outcome>
  /** Looks at a server's own task once: its outcome, or how long to leave it alone. */
  readonly look: (
    task: TaskContext<Errand>,
    live: Live,
    handle: Json,
  ) => Promise<{ readonly ended: Ended } | { readonly againMs: number }>
  /** A governed call of our own that follows from an errand. */
  readonly followUp: (
    errand: Errand,
    followup: Followup,
    result: JsonObject,
    why: 'undo' | 'reconcile',
  ) => Promise<Ended>
  /** A server made a task of a call whose own task was over by then. */
  readonly orphaned: (task: TaskContext<Errand>, handle: string) => void
  readonly effectOf: (errand: Errand, followup: Followup) => Effect
  readonly live: (task: TaskContext<Errand>) => Live
}

/** A call that certainly did not reach its server is tried again, with pauses of a minute in all. */
const RETRY: RetryPolicy = {
  tries: 7,
  firstMs: 1_000,
  maxMs: 60_000,
  when: (error) => error instanceof NotDone,
}

/** What is thrown where nobody can know whether the server acted. */
const CUT_OFF =
  'The call had left for its server when this process ended. It may or may not have happened.'

/** It happened: whoever reads nothing of that calls again. */
const tooLarge = (why: string): Fault =>
  new Fault(
    'task/too-large',
    `The call was carried out, but its result is lost: it is larger than what is kept. ${why} Do not repeat it for what it does; if it only reads, ask for less at a time.`,
  )

/** How often one task may ask people: other policies may come to apply while it waits. */
const ASKED_MAX = 3

const askedTooOften = (): JsonObject =>
  toRecord({
    kind: 'refused',
    fault: new Fault(
      'policy/denied',
      'Nothing was executed. It was approved, and each time other policies had come to apply that ask again. Tell the user, and go on without it.',
    ),
  })

/**
 * The handler of every deferred call: one attempt under the crash rule of its effect class. Its value
 * is the outcome, which may be an error: only what nobody knows is thrown. A call that somebody has to
 * approve first waits for that, and is judged anew when it goes out.
 */
export async function runCallTask(
  rooms: CallTaskRooms,
  task: TaskContext<Errand>,
): Promise<JsonObject> {
  const live = rooms.live(task)
  const stopHearing = live.conversation.attach({
    progress: (params) => {
      show(task, params)
    },
    log: () => undefined,
  })
  try {
    const { asking } = task.input
    const first = asking ? asksRecord(asking) : await attemptCall(rooms, task, live, undefined)
    return await approvedCall(rooms, task, live, first)
  } catch (thrown) {
    if (!(thrown instanceof RecordedError) || thrown.code !== 'task/value-too-large') throw thrown
    return toRecord({ kind: 'refused', fault: tooLarge(thrown.message) })
  } finally {
    stopHearing()
  }
}

/** Asks people as long as an attempt comes back with a question for them. */
async function approvedCall(
  rooms: CallTaskRooms,
  task: TaskContext<Errand>,
  live: Live,
  first: JsonObject,
): Promise<JsonObject> {
  let record = first
  for (let round = 1; round <= ASKED_MAX; round++) {
    const asking = askingIn(record)
    if (!asking) return record
    // Each round is about what the one before it came to.
    // oxlint-disable-next-line eslint/no-await-in-loop
    const waited = await awaitApproval(rooms, task, asking, round)
    if ('refused' in waited) return waited.refused
    // oxlint-disable-next-line eslint/no-await-in-loop
    record = await attemptCall(rooms, task, live, waited.approval)
  }
  return askingIn(record) ? askedTooOften() : record
}

/** One attempt: what it came to, or what has to be approved first. */
async function attemptCall(
  rooms: CallTaskRooms,
  task: TaskContext<Errand>,
  live: Live,
  approval: string | undefined,
): Promise<JsonObject> {
  const errand = task.input
  const { reconcile, compensate } = errand
  const resume = async (handle: Json, attempt: AttemptContext): Promise<JsonObject> => {
    const seen = await rooms.look(task, live, handle)
    return 'ended' in seen ? recordOf(seen.ended) : attempt.later(seen.againMs)
  }
  return task.attempt<JsonObject>(
    'call',
    {
      effect: errand.effect,
      reports: true,
      retry: RETRY,
      resume,
      ...(reconcile ? { reconcile: () => askWhether(rooms, errand, reconcile) } : {}),
      ...(compensate
        ? {
            undo: (value: JsonObject) => takeBack(rooms, errand, compensate, value),
            undoEffect: rooms.effectOf(errand, compensate),
          }
        : {}),
    },
    (attempt) => dispatch(rooms, task, { live, attempt, approval }),
  )
}

interface Dispatching {
  readonly live: Live
  readonly attempt: AttemptContext
  readonly approval: string | undefined
}

async function dispatch(
  rooms: CallTaskRooms,
  task: TaskContext<Errand>,
  { live, attempt, approval }: Dispatching,
): Promise<JsonObject> {
  const errand = task.input
  // What people had to approve first has not been sent by anybody yet.
  const isFirst = attempt.number === 1 && approval === undefined
  const stop = (): void => {
    live.conversation.abort.abort()
  }
  attempt.signal.addEventListener('abort', stop, { once: true })
  // What was sent before it was a task is the first try of it; whatever follows is sent anew.
  const first = isFirst ? live.first : undefined
  if (first) await attempt.dispatched()
  // It had left before it was written down, in a process that is gone.
  else if (errand.isUnderWay && isFirst && isHarmful(errand.effect)) {
    await attempt.dispatched()
    throw new Error(CUT_OFF)
  }
  const using =
    approval === undefined ? undefined : { id: approval, task: task.id, key: attempt.key }
  const outcome = await (first ??
    rooms.perform(errand, live.conversation, () => attempt.dispatched(), using))
  // The end of this run is not the end of a call that its server goes on with.
  attempt.signal.removeEventListener('abort', stop)
  if (outcome.kind === 'task') {
    await attempt.handle({ ...outcome.task }).catch((gone: unknown) => {
      rooms.orphaned(task, outcome.task.id)
      throw gone
    })
    return attempt.later(nextLookMs(outcome.task.pollMs))
  }
  if (outcome.kind === 'input') throw new Error('a deferred call ended with a question')
  if (outcome.kind === 'asks') return asksRecord(outcome.asking)
  return recordOf(outcome)
}

/** The outcome for the journal, unless nobody knows it, or nothing left and another try is safe. */
function recordOf(ended: Ended): JsonObject {
  if (ended.kind === 'refused') throwWhereNoOutcome(ended.fault.code, ended.fault.message)
  return toRecord(ended)
}

const LOOK_MS_MIN = 100
const LOOK_MS_MAX = 10_000
const LOOK_MS = 1_000

/** As often as the server would like, within reason (BR-053). */
export const nextLookMs = (pollMs: number | undefined): number =>
  Math.min(LOOK_MS_MAX, Math.max(LOOK_MS_MIN, pollMs ?? LOOK_MS))

const isHarmful = (effect: Effect): boolean => effect === 'write' || effect === 'destructive'

/** What the engine has to hear as something other than an outcome. */
function throwWhereNoOutcome(code: string, message: string): void {
  // Sent, and no answer: for a write nobody knows (the engine decides by the effect class).
  if (code === 'call/unknown-outcome' || code === 'call/abandoned') throw new Error(message)
  if (code === 'upstream/unavailable' || code === 'ledger/unavailable') throw new NotDone(message)
}

function show(task: TaskContext<Errand>, params: JsonObject): void {
  const { progress, total, message } = params
  if (typeof progress !== 'number') return
  task.progress(
    progress,
    typeof total === 'number' ? total : undefined,
    typeof message === 'string' ? message : undefined,
  )
}

/** Asks the declared tool whether an attempt without outcome happened. */
async function askWhether(
  rooms: CallTaskRooms,
  errand: Errand,
  reconcile: Followup,
): Promise<Reconciled<JsonObject>> {
  const said = await rooms.followUp(errand, reconcile, {}, 'reconcile')
  if (said.kind !== 'answered' || said.result['isError'] === true) return undefined
  const { structuredContent } = said.result
  const found = typeof structuredContent === 'object' ? structuredContent : undefined
  if (!found || Array.isArray(found) || !('happened' in found)) return undefined
  if (found['happened'] === false) return { happened: false }
  if (found['happened'] !== true) return undefined
  return { happened: true, result: toRecord(said) }
}

/** Takes a completed call back by the tool declared for it. A call that failed has nothing to undo. */
async function takeBack(
  rooms: CallTaskRooms,
  errand: Errand,
  compensate: Followup,
  value: JsonObject,
): Promise<void> {
  const ended = fromRecord(value)
  if (ended.kind !== 'answered' || ended.result['isError'] === true) return
  const said = await rooms.followUp(errand, compensate, ended.result, 'undo')
  if (said.kind === 'answered' && said.result['isError'] !== true) return
  if (said.kind === 'refused') throwWhereNoOutcome(said.fault.code, said.fault.message)
  throw new NotDone(`${compensate.tool} did not undo it: ${wordsOf(said)}`)
}

/** The first words of an outcome, for a person. */
export function wordsOf(ended: Ended): string {
  if (ended.kind === 'refused') return ended.fault.message
  if (ended.kind === 'errored') return ended.error.message
  const { content } = ended.result
  const blocks = Array.isArray(content) ? content : []
  for (const block of blocks) {
    if (typeof block === 'object' && block !== null && 'text' in block) return String(block['text'])
  }
  return ended.result['isError'] === true ? 'it failed' : 'done'
}
