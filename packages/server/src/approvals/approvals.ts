import { Fault } from '@countersign/contract'
import type { Ledger } from '#audit'
import type { World } from '#base'
import type { ApprovalSettings, GroupsOf } from '#policy'
import type { Records } from '#store'
import type { Log } from '#telemetry'
import { approvalId, isOver, type Approval, type Asking, type Shown } from './approval.ts'
import { openBook, type Book } from './book.ts'
import type { Bound } from './bound.ts'
import { endings } from './endings.ts'
import { forgetShown } from './forget.ts'
import { withEscalation } from './escalate.ts'
import { noteAsked } from './notes.ts'
import { lapseOf, type Admitting, type Verdict } from './rules.ts'
import type { Approver } from './who.ts'
import { LAPSE, lapsedInWords } from './words.ts'

export interface ApprovalRooms {
  readonly world: World
  readonly log: Log
  readonly records: Records
  readonly ledger: Pick<Ledger, 'note'>
  readonly groupsOf: GroupsOf
  readonly settings: ApprovalSettings
  /** Why a call like this would not be the one that was asked about; undefined when it still is. */
  readonly lapsed: (bound: Bound) => Promise<string | undefined>
  /** Why a policy keeps somebody from deciding about it; undefined when none does. */
  readonly forbids?: (by: string, bound: Bound) => string | undefined
  readonly onAsked?: ((approval: Approval) => void) | undefined
  /** Somebody decided alone: at least once, and before anything follows from it. */
  readonly onBroken?: (approval: Approval) => Promise<void>
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
  readonly settings: ApprovalSettings
  /** Why a yes to this would be one to something else by now. */
  readonly lapsed: (bound: Bound) => Promise<string | undefined>
  readonly pageOf: (id: string) => string | undefined
  /** Asks once for each round of a task, however often it is called. */
  readonly ask: (asking: Asking, about: About) => Promise<Approval>
  readonly find: (id: string) => Promise<Approval | undefined>
  /** All that are kept, the newest first. */
  readonly list: () => Promise<readonly Approval[]>
  /** How many wait for people. */
  readonly open: () => Promise<number>
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
  /** Has others answer too where nobody has in time; to be called from time to time. */
  readonly goOn: () => Promise<void>
  /** Takes what a principal's calls were made with out of what people were shown, up to then. */
  readonly forget: (principal: string, before: number) => Promise<number>
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
  const { world, records, groupsOf, settings } = rooms
  const book = openBook(records)
  const listeners = new Set<(ended: Approval) => void>()
  const ends = endings({ ...rooms, book }, roundsOf, (approval) => {
    for (const listener of listeners) listener(approval)
  })
  return {
    groupsOf,
    settings,
    lapsed: rooms.lapsed,
    pageOf: rooms.pageOf ?? (() => undefined),
    find: book.find,
    list: book.list,
    open: async () => (await book.list()).filter((one) => !isOver(one)).length,
    ask: (asking, about) => ask(rooms, book, asking, about),
    ...ends,
    use: async ({ id, task, key }, bound) => {
      // It may have been judged long ago: a server that had to be started first takes its time (GV1).
      const changed = await rooms.lapsed(bound)
      if (changed !== undefined) {
        await ends.lapse(id, changed)
        throw new Fault('policy/denied', lapsedInWords(changed))
      }
      const used = await book.change(id, (one) =>
        usedUp(one, { bound, task, key, now: world.now(), groupsOf }),
      )
      if (!used) throw new Fault('policy/denied', lapsedInWords(LAPSE.gone))
    },
    isUnsent: async (task) => {
      const asked = (await Promise.all(roundsOf(task).map(book.find))).flatMap((one) => one ?? [])
      return asked.length > 0 && asked.every(({ state }) => state !== 'used')
    },
    forget: (principal, before) => forgetShown(book, principal, before),
    onEnd: (listener) => void listeners.add(listener),
  }
}

const roundsOf = (task: string): readonly string[] =>
  Array.from({ length: ROUNDS_MAX }, (_, at) => approvalId(task, at + 1))

async function ask(
  { world, log, ledger, settings, onAsked }: ApprovalRooms,
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
    asks: withEscalation(asks, settings),
    ...(message === undefined ? {} : { message }),
    shown,
    answers: [],
    createdAt: now,
    expiresAt: Math.min(now + settings.ttlMs, taskExpiresAt - spareMs(taskExpiresAt - now)),
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

function usedUp(approval: Approval, admitting: Admitting): Approval {
  const why = lapseOf(approval, admitting)
  if (why !== undefined) throw new Fault('policy/denied', lapsedInWords(why))
  // The same attempt again: nothing of it had left.
  if (approval.state === 'used') return approval
  return { ...approval, state: 'used', usedBy: admitting.key }
}
