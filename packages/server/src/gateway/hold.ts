import { toFault, type InputRequest } from '@countersign/contract'
import type { World } from '#base'
import type { Conversation, Desk, Listener, Outcome, Standing } from '#tasks'
import type { Log } from '#telemetry'
import type { Carrier } from './carry.ts'
import { ago } from './words.ts'

export interface HoldRooms {
  readonly world: World
  readonly log: Log
  readonly desk: Desk
}

/** How long a request waits for its call, and what then becomes of it. */
export interface Patience {
  /** The call becomes a task when it takes longer. `Infinity` for never. */
  readonly afterMs: number
  /** The request is answered, if only with where to ask, when the call takes longer. */
  readonly holdMs: number
  /** The client is given the task itself as soon as there is one. */
  readonly takesTask: boolean
  /** The client comes back with answers: it is shown questions instead of being asked. */
  readonly seesQuestions: boolean
  /** Hears of a client that hung up on a held call after so long. */
  readonly hungUp?: (ms: number) => void
}

/** Where a call stands when its request has to be answered. */
export type Held =
  | { readonly kind: 'done'; readonly outcome: Outcome }
  | {
      readonly kind: 'questions'
      readonly questions: Readonly<Record<string, InputRequest>>
    }
  /** It is a task, over or not. */
  | { readonly kind: 'task'; readonly standing: Standing }

type Woken = 'turn' | 'deferred' | 'time' | 'gone'

/**
 * Keeps a request waiting for its call. A call that takes long becomes a task; a client that hangs up
 * before that cancels the call (H-050, TX-020), and after it only stops waiting.
 */
export async function hold(
  rooms: HoldRooms,
  carrier: Carrier,
  patience: Patience,
  listener: Listener,
  signal: AbortSignal,
): Promise<Held> {
  const { conversation } = carrier
  const leave = conversation.attach(listener)
  const { world, log, desk } = rooms
  const waiting = { world, log, desk, carrier, patience, signal, listener }
  const startedAt = rooms.world.monotonic()
  const quiet = keepAlive(rooms, listener)
  try {
    const { afterMs, holdMs } = patience
    // A call that never becomes a task is waited for as long as it takes.
    const first = await wake(waiting, afterMs === Infinity ? afterMs : Math.min(afterMs, holdMs))
    if (first === 'gone' && !conversation.isDeferred) {
      conversation.abort.abort()
      return { kind: 'done', outcome: await conversation.outcome }
    }
    const shown = first === 'turn' ? await turnOf(conversation, patience) : undefined
    if (shown && !(shown.kind === 'questions' && patience.takesTask)) return shown
    quiet()
    const id = await carrier.defer().catch((thrown: unknown) => {
      const { call } = carrier.fare.asked
      const facts = { call, cause: toFault(thrown).message }
      rooms.log.warn(facts, 'a slow call could not become a task')
    })
    if (id === undefined) return await withoutTask(waiting)
    if (patience.takesTask) {
      await untilPutOff(waiting, id)
      return await handOver(rooms.desk, carrier, id, signal)
    }
    const waitedMs = (): number => rooms.world.monotonic() - startedAt
    const leftMs = Math.max(0, holdMs - waitedMs())
    const held = await wait({ ...waiting, id, conversation, holdMs: leftMs, tellsWaiting: true })
    if (signal.aborted) patience.hungUp?.(waitedMs())
    return held
  } finally {
    quiet()
    leave()
  }
}

interface Waiting extends HoldRooms {
  readonly carrier: Carrier
  readonly patience: Patience
  readonly signal: AbortSignal
  readonly listener: Listener
}

/** Waits for whichever comes first. */
async function wake(
  { world, carrier: { conversation, deferred }, patience, signal }: Waiting,
  ms: number,
): Promise<Woken> {
  if (signal.aborted) return 'gone'
  const woken = Promise.withResolvers<Woken>()
  const gone = (): void => {
    woken.resolve('gone')
  }
  signal.addEventListener('abort', gone, { once: true })
  const stop = Number.isFinite(ms) ? world.after(ms, () => woken.resolve('time')) : undefined
  // Neither rejects.
  const turn: Promise<unknown> = patience.seesQuestions ? conversation.next() : conversation.outcome
  void turn.then(() => woken.resolve('turn'))
  void deferred.then(() => woken.resolve('deferred'))
  const why = await woken.promise
  signal.removeEventListener('abort', gone)
  stop?.()
  return why
}

async function turnOf(
  conversation: Conversation<Outcome>,
  { seesQuestions }: Patience,
): Promise<Held> {
  if (seesQuestions) return conversation.next()
  return { kind: 'done', outcome: await conversation.outcome }
}

/** A call that cannot be written down is carried on as if there were no tasks: hanging up cancels it. */
async function withoutTask({ carrier, patience, signal }: Waiting): Promise<Held> {
  const { conversation } = carrier
  const gone = (): void => {
    conversation.abort.abort()
  }
  signal.addEventListener('abort', gone, { once: true })
  if (signal.aborted) gone()
  try {
    return await turnOf(conversation, patience)
  } finally {
    signal.removeEventListener('abort', gone)
  }
}

/** How long the first answer waits so that it can say whom the task waits for. */
const PUT_OFF_MS = 2_000

async function untilPutOff({ carrier, world, desk, signal }: Waiting, id: string): Promise<void> {
  if (!carrier.isPutOff()) return
  const late = new AbortController()
  const stop = world.after(PUT_OFF_MS, () => {
    late.abort()
  })
  await desk.waits(id, AbortSignal.any([late.signal, signal])).catch(() => undefined)
  stop()
}

/** TX-021: a client that hung up meanwhile never learns of its task, so there is none. */
async function handOver(
  desk: Desk,
  { fare, conversation }: Pick<Carrier, 'fare' | 'conversation'>,
  id: string,
  signal: AbortSignal,
): Promise<Held> {
  const standing = await desk.find(fare.who.id, id)
  if (!standing) return { kind: 'done', outcome: await conversation.outcome }
  if (!signal.aborted) return { kind: 'task', standing }
  const cancelled = await desk.cancel(standing, fare.who.id, 'Its client hung up.')
  return { kind: 'task', standing: cancelled }
}

/** A client that calls again did not wait for the first answer: the second comes before it gives up. */
export const REPEATED_HOLD_MS = 2_000

/** Who waits for a task, and for how long. */
export interface Attending extends HoldRooms {
  readonly id: string
  readonly conversation: Conversation<Outcome> | undefined
  readonly holdMs: number
  readonly patience: Pick<Patience, 'seesQuestions'>
  /** Whoever called is told at once that people are asked, and has better things to do meanwhile. */
  readonly tellsWaiting?: boolean
  readonly listener: Listener
  readonly signal: AbortSignal
}

/** Attends to a task until it is over, until it asks, or until time is up. */
export async function attend(attending: Attending): Promise<Held> {
  const leave = attending.conversation?.attach(attending.listener)
  try {
    return await wait(attending)
  } finally {
    leave?.()
  }
}

/** Below every clock of a client that only progress resets. */
const BEAT_MS = 20_000

/** Says from time to time that nothing has been forgotten, to clients that count on it. */
function keepAlive({ world }: HoldRooms, { beat }: Listener): () => void {
  if (!beat) return () => undefined
  const startedAt = world.monotonic()
  const next = (): (() => void) =>
    world.after(BEAT_MS, () => {
      beat(`Running for ${ago(world.monotonic() - startedAt)}.`)
      stop = next()
    })
  let stop = next()
  return () => {
    stop()
  }
}

async function wait(attending: Attending): Promise<Held> {
  const { world, desk, id, conversation, holdMs, patience, signal, listener } = attending
  const over = new AbortController()
  const stop = world.after(Math.min(holdMs, TIMER_MS_MAX), () => {
    over.abort()
  })
  const quiet = keepAlive(attending, listener)
  const until = AbortSignal.any([over.signal, signal])
  try {
    const ended = desk.finished(id, until).then((standing): Held => ({ kind: 'task', standing }))
    ended.catch(() => undefined) // A question may have come first.
    const waits = attending.tellsWaiting === true ? [untilAsked(desk, id, until)] : []
    if (!patience.seesQuestions || !conversation) return await Promise.race([ended, ...waits])
    const asked = conversation
      .next()
      .then((turn): Promise<Held> | Held => (turn.kind === 'questions' ? turn : ended))
    return await Promise.race([ended, asked, ...waits])
  } catch (thrown) {
    if (!until.aborted) throw thrown
    const standing = await desk.find(undefined, id)
    if (!standing) throw thrown
    return { kind: 'task', standing }
  } finally {
    stop()
    quiet()
    over.abort()
  }
}

/** The task as it waits for people; never, if it does not come to that. */
async function untilAsked(desk: Desk, id: string, signal: AbortSignal): Promise<Held> {
  // Whoever waits for this waits for the end of the task too, which says what there is to say.
  await desk.waits(id, signal).catch(() => new Promise<never>(() => undefined))
  const standing = await desk.find(undefined, id)
  return standing ? { kind: 'task', standing } : new Promise<never>(() => undefined)
}

/** What a timer can count to. */
const TIMER_MS_MAX = 2_147_483_647
