import { Fault } from '@countersign/contract'
import type { Ledger } from '#audit'
import type { World } from '#base'
import type { GroupsOf } from '#policy'
import type { Records } from '#store'
import type { Log } from '#telemetry'
import { approvalId, isOver, type Approval, type Asking, type Shown } from './approval.ts'
import { openBook, type Book } from './book.ts'
import type { Bound } from './bound.ts'
import { noteAnswer, noteAsked, noteEnd } from './notes.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { answeredBy, lapseOf, type Admitting, type Approver, type Verdict } from './rules.ts'
import { LAPSE, lapsedInWords } from './words.ts'

export interface ApprovalRooms {
  readonly world: World
  readonly log: Log
  readonly records: Records
  readonly ledger: Pick<Ledger, 'note'>
  readonly groupsOf: GroupsOf
  /** How long people have. */
  readonly ttlMs: number
  /** Why a call like this would not be the one that was asked about; undefined when it still is. */
  readonly lapsed: (bound: Bound) => string | undefined
  readonly onAsked?: (approval: Approval) => void
  /** Where people decide it; undefined where nobody can sign in. */
  readonly pageOf?: (id: string) => string | undefined
}

/** Which attempt of which task goes out with an approval. */
export interface Using {
  readonly id: string
  readonly task: string
  /** The same in every repetition of one attempt, and in no other. */
  readonly key: string
}

/** Who has to say yes, and what they said. All state is in the records, and changed in one step. */
export interface Approvals {
  readonly groupsOf: GroupsOf
  readonly pageOf: (id: string) => string | undefined
  /** Asks once for each round of a task, however often it is called. */
  readonly ask: (asking: Asking, about: About) => Promise<Approval>
  readonly find: (id: string) => Promise<Approval | undefined>
  /** All that are kept, the newest first. */
  readonly list: () => Promise<readonly Approval[]>
  /** The one way to say yes or no, whoever says it and however. @throws Fault when it does not count. */
  readonly decide: (id: string, by: Approver, said: Verdict) => Promise<Approval>
  /** Its task waits no longer: what is open now has expired. */
  readonly end: (id: string) => Promise<Approval | undefined>
  /** Uses it up for one attempt, right before that goes out. @throws Fault when it may not. */
  readonly use: (using: Using, bound: Bound) => Promise<void>
  /** It does not count any more. */
  readonly lapse: (id: string, why: string) => Promise<void>
  /** Its task is over before anybody used it. */
  readonly withdraw: (task: string, why: string) => Promise<void>
  /** Whether people were asked about it, and it was never sent. */
  readonly isUnsent: (task: string) => Promise<boolean>
  /** Ends what no longer fits, and wakes every task whose approval is over, heard of or not. */
  readonly review: () => Promise<void>
  /** Calls `listener` with each approval that ended, at least once. */
  readonly onEnd: (listener: (ended: Approval) => void) => void
}

interface About {
  readonly task: string
  readonly round: number
  readonly call: string
  readonly shown: Shown
  /** Nobody has to decide what could not be carried out any more. */
  readonly taskExpiresAt: number
}

const ROUNDS_MAX = 3

export function makeApprovals(rooms: ApprovalRooms): Approvals {
  const { world, records, groupsOf } = rooms
  const book = openBook(records)
  const listeners = new Set<(ended: Approval) => void>()
  const ends = endings({ ...rooms, book }, (approval) => {
    for (const listener of listeners) listener(approval)
  })
  return {
    groupsOf,
    pageOf: rooms.pageOf ?? (() => undefined),
    find: book.find,
    list: book.list,
    ask: (asking, about) => ask(rooms, book, asking, about),
    ...ends,
    use: async ({ id, task, key }, bound) => {
      const used = await book.change(id, (one) =>
        usedUp(one, { bound, task, key, now: world.now(), groupsOf }),
      )
      if (!used) throw new Fault('policy/denied', lapsedInWords(LAPSE.gone))
    },
    isUnsent: async (task) => {
      const asked = (await Promise.all(roundsOf(task).map(book.find))).flatMap((one) => one ?? [])
      return asked.length > 0 && asked.every(({ state }) => state !== 'used')
    },
    onEnd: (listener) => void listeners.add(listener),
  }
}

const roundsOf = (task: string): readonly string[] =>
  Array.from({ length: ROUNDS_MAX }, (_, at) => approvalId(task, at + 1))

interface EndRooms extends ApprovalRooms {
  readonly book: Book
}

/** All that can end an approval. `tell` hears of each that did, at least once. */
function endings(
  rooms: EndRooms,
  tell: (ended: Approval) => void,
): Pick<Approvals, 'decide' | 'end' | 'lapse' | 'withdraw' | 'review'> {
  const { world, log, book, groupsOf } = rooms
  const conclude = async (
    id: string,
    next: (approval: Approval) => Approval,
    noteFirst: (approval: Approval) => Promise<void> = async () => undefined,
  ): Promise<Approval | undefined> => {
    const changed = await book.change(id, (one) => unnoted(one, next(one)))
    if (!changed) return undefined
    const { before, after } = changed
    await noteFirst(after)
    if (before.state === after.state) return after
    await noteOver(rooms, after)
    tell(after)
    return after
  }
  const end = (id: string): Promise<Approval | undefined> =>
    conclude(id, (one) => (isOver(one) ? one : { ...one, state: 'expired', endedAt: world.now() }))
  const lapse = async (id: string, why: string): Promise<void> => {
    await conclude(id, (approval) => voided(approval, why, world.now()))
  }
  const lapseIfChanged = async (approval: Approval): Promise<void> => {
    const why = isOver(approval) ? undefined : rooms.lapsed(approval.bound)
    if (why !== undefined) await lapse(approval.id, why)
  }
  const look = async (approval: Approval): Promise<void> => {
    if (!isOver(approval)) {
      await (world.now() >= approval.expiresAt ? end(approval.id) : lapseIfChanged(approval))
    } else if (approval.state !== 'used') {
      // Who said so is in the ledger before anything follows from it, also when we ended in between.
      if (approval.isNoted === false) await noteOver(rooms, approval)
      tell(approval)
    }
  }
  return {
    end,
    lapse,
    decide: async (id, by, said) => {
      await lapseIfChanged(await must(book, id))
      const decided = await conclude(
        id,
        (one) => answeredBy(one, by, said, { now: world.now(), groupsOf }),
        (one) => noteAnswer(rooms.ledger, one),
      )
      if (!decided) throw unknown(id)
      return decided
    },
    withdraw: async (task, why) => {
      await Promise.all(roundsOf(task).map((id) => lapse(id, why)))
    },
    review: oneAtATime(log, 'approvals could not be reviewed', async () => {
      // oxlint-disable-next-line eslint/no-await-in-loop -- A review is in no hurry.
      for (const one of await book.list()) await look(one)
    }),
  }
}

const unnoted = (before: Approval, after: Approval): Approval =>
  after.state === before.state ? after : { ...after, isNoted: false }

async function noteOver({ ledger, book }: EndRooms, ended: Approval): Promise<void> {
  await noteEnd(ledger, ended)
  await book.change(ended.id, (one) =>
    one.state === ended.state && one.isNoted === false ? { ...one, isNoted: true } : one,
  )
}

async function ask(
  { world, log, ledger, ttlMs, onAsked }: ApprovalRooms,
  book: Book,
  { asks, message, bound }: Asking,
  { task, round, call, shown, taskExpiresAt }: About,
): Promise<Approval> {
  const id = approvalId(task, round)
  const known = await book.find(id)
  if (known) return known
  const now = world.now()
  const approval: Approval = {
    id,
    task,
    round,
    call,
    state: 'open',
    bound,
    asks,
    ...(message === undefined ? {} : { message }),
    shown,
    answers: [],
    createdAt: now,
    expiresAt: Math.min(now + ttlMs, taskExpiresAt - spareMs(taskExpiresAt - now)),
  }
  // Rather twice in the ledger than not at all, should we end in between.
  await noteAsked(ledger, approval)
  if (!(await book.add(approval))) return (await book.find(id)) ?? approval
  log.debug({ approval: id, server: bound.server, tool: bound.tool }, 'a call waits for approval')
  onAsked?.(approval)
  return approval
}

/** A yes in the last moment leaves this for the call, and for whoever fetches what came of it. */
const spareMs = (leftMs: number): number => Math.max(0, Math.min(SPARE_MS, leftMs / 10))
const SPARE_MS = 10 * 60_000

/** What is open or unused ends; what was used or is over stays as it is. */
const voided = (approval: Approval, why: string, now: number): Approval =>
  approval.state === 'open' || approval.state === 'approved'
    ? { ...approval, state: 'void', why, endedAt: now }
    : approval

function usedUp(approval: Approval, admitting: Admitting): Approval {
  const why = lapseOf(approval, admitting)
  if (why !== undefined) throw new Fault('policy/denied', lapsedInWords(why))
  // The same attempt again: nothing of it had left.
  if (approval.state === 'used') return approval
  return { ...approval, state: 'used', usedBy: admitting.key }
}

async function must(book: Book, id: string): Promise<Approval> {
  const found = await book.find(id)
  if (found) return found
  throw unknown(id)
}

const unknown = (id: string): Fault =>
  new Fault(
    'approval/unknown',
    `There is no approval "${id.slice(0, 100)}"; it may be over for long. "countersign approvals --all" lists those there are.`,
  )
