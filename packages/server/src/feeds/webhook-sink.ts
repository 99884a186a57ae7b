import type { Note } from '@countersign/contract/ledger/entries'
import type { DeadLetters } from './dead-letters.ts'
import type { Parcel, Sink } from './forward.ts'
import type { Place } from './place.ts'
import { post, type Posted, type PostRooms, type WebhookSpec } from './post.ts'
import type { Switch } from './switch.ts'

export interface WebhookRooms extends PostRooms {
  readonly dead: DeadLetters
  readonly note: Note
}

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

/** How long after each failure it is tried again: for a day and a little, as Standard Webhooks advises. */
const DELAYS_MS: readonly number[] = [
  SECOND_MS,
  5 * SECOND_MS,
  30 * SECOND_MS,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
  4 * HOUR_MS,
  6 * HOUR_MS,
  10 * HOUR_MS,
]
/** No time that was set is further off, unless the clock was wrong then. */
const DELAY_MAX_MS = 12 * HOUR_MS
/** A message that is not understood keeps those behind it waiting for minutes, not for a day. */
const REFUSED_ATTEMPTS_MAX = 5
/** Of each delay up to a fifth is added by chance, so that many senders do not come back together. */
const JITTER = 0.2
/** While it waits it looks this often whether somebody wants it tried. */
const LOOK_MS = 1_000

/** EV-010, EV-011. One address, told in order: nothing is sent before what came before it was taken or put aside. */
export const webhookSink = (rooms: WebhookRooms, spec: WebhookSpec, flip: Switch): Sink => ({
  name: `webhook ${spec.name}`,
  filter: { kinds: spec.kinds },
  from: spec.from,
  batchMax: 1,
  keepMs: 500,
  begin: async (place) => place,
  take: async (parcels, before, keep, signal) => {
    for (const parcel of parcels) await deliver(rooms, spec, flip, { parcel, before, keep, signal })
  },
  close: async () => undefined,
})

interface Delivery {
  readonly parcel: Parcel
  readonly before: Place
  readonly keep: (place: Place) => Promise<void>
  readonly signal: AbortSignal
}

async function deliver(
  rooms: WebhookRooms,
  spec: WebhookSpec,
  flip: Switch,
  { parcel, before, keep, signal }: Delivery,
): Promise<void> {
  let { attempts, nextAt } = before
  let isWaiting = nextAt > 0
  for (;;) {
    if (isWaiting || (await flip.read()).off !== undefined) {
      await waitFor(rooms, flip, nextAt, signal)
    }
    if (signal.aborted) return
    const posted = await post(rooms, spec, parcel.event, parcel.about)
    if (posted.is === 'taken') return
    attempts += 1
    isWaiting = true
    if (posted.is === 'gone') {
      await turnOff(rooms, spec, flip)
      nextAt = 0
      continue
    }
    if (isHopeless(posted, attempts)) {
      await putAside(rooms, spec, parcel, { attempts, problem: posted.problem })
      return
    }
    const delay = delayMs(rooms, attempts)
    const asked = posted.is === 'failed' ? (posted.waitMs ?? 0) : 0
    nextAt = rooms.world.now() + Math.max(delay, asked)
    await keep({ at: before.at, attempts, nextAt, problem: posted.problem })
  }
}

const isHopeless = ({ is }: Posted, attempts: number): boolean =>
  attempts > (is === 'refused' ? REFUSED_ATTEMPTS_MAX - 1 : DELAYS_MS.length)

function delayMs({ world }: WebhookRooms, attempts: number): number {
  const base = DELAYS_MS[Math.min(attempts, DELAYS_MS.length) - 1] ?? SECOND_MS
  const chance = world.random(2).readUInt16BE() / 65_536
  return Math.round(base * (1 + JITTER * chance))
}

/** Until it is on and its time has come, or somebody wants it tried at once. */
async function waitFor(
  { world }: WebhookRooms,
  flip: Switch,
  nextAt: number,
  signal: AbortSignal,
): Promise<void> {
  const { tries } = await flip.read()
  while (!signal.aborted) {
    const now = await flip.read()
    const leftMs = nextAt - world.now()
    const isTime = leftMs <= 0 || leftMs > DELAY_MAX_MS
    if (now.off === undefined && (now.tries !== tries || isTime)) return
    await world
      .wait(leftMs > 0 ? Math.min(LOOK_MS, leftMs) : LOOK_MS, signal)
      .catch(() => undefined)
  }
}

async function turnOff({ note }: WebhookRooms, { name }: WebhookSpec, flip: Switch): Promise<void> {
  const problem = 'its receiver wants no more (410 Gone)'
  await flip.turnOff(problem)
  await note('webhook.disabled', { webhook: name, problem })
}

async function putAside(
  { dead, note, world }: WebhookRooms,
  { name }: WebhookSpec,
  { event: { seq, kind } }: Parcel,
  { attempts, problem }: { readonly attempts: number; readonly problem: string },
): Promise<void> {
  await dead.add({ webhook: name, event: seq, kind, attempts, problem, at: world.now() })
  // Nobody is told that this was not heard: it would not be heard either, and be told again.
  if (kind === 'webhook.dead') return
  await note('webhook.dead', { webhook: name, event: seq, kind, attempts, problem })
}
