import { Fault } from '@countersign/contract'
import { isOver, type Answer, type Approval } from './approval.ts'
import type { ApprovalRooms, Approvals } from './approvals.ts'
import type { Book } from './book.ts'
import { escalatedBetween, escalatedBy } from './escalate.ts'
import { noteAnswer, noteBroken, noteEnd, noteEscalated } from './notes.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { answeredBy } from './rules.ts'
import type { Approver } from './who.ts'

export interface EndRooms extends ApprovalRooms {
  readonly book: Book
}

/** The rounds that a task may have. */
type RoundsOf = (task: string) => readonly string[]

type Endings = Pick<Approvals, 'decide' | 'end' | 'lapse' | 'withdraw' | 'review' | 'goOn'>

/** All that can end an approval. `tell` hears of each that did, at least once. */
export function endings(
  rooms: EndRooms,
  roundsOf: RoundsOf,
  tell: (ended: Approval) => void,
): Endings {
  const { world, log, book, groupsOf, settings } = rooms
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
    conclude(id, (one) => expired(one, world.now()))
  const lapse = async (id: string, why: string): Promise<void> => {
    await conclude(id, (approval) => voided(approval, why, world.now()))
  }
  const gone = (why: string) => (id: string) => lapse(id, why)
  const look = async (approval: Approval): Promise<void> => {
    await noteAnswers(rooms, approval, approval.answers)
    if (!isOver(approval)) {
      await (world.now() >= approval.expiresAt
        ? end(approval.id)
        : lapseIfChanged(rooms, lapse, approval))
    } else if (approval.state !== 'used') {
      // Who said so is in the ledger before anything follows from it, also when we ended in between.
      if (approval.isNoted === false) await noteOver(rooms, approval)
      tell(approval)
    }
  }
  return {
    end,
    lapse,
    goOn: () => goOn(rooms),
    decide: async (id, by, said) => {
      const asked = await must(book, id)
      await lapseIfChanged(rooms, lapse, asked)
      checkKept(rooms, by, asked)
      // Whoever may answer because others did not is told of in the ledger before they do.
      await escalate(rooms, id)
      const decided = await conclude(
        id,
        (one) => answeredBy(one, by, said, { now: world.now(), groupsOf, settings }),
        (one) => noteAnswers(rooms, one, one.answers.slice(-1)),
      )
      if (!decided) throw unknown(id)
      return decided
    },
    withdraw: async (task, why) => void (await Promise.all(roundsOf(task).map(gone(why)))),
    review: oneAtATime(log, 'approvals could not be reviewed', async () => {
      // oxlint-disable-next-line eslint/no-await-in-loop -- A review is in no hurry.
      for (const one of await book.list()) await look(one)
    }),
  }
}

/** @throws Fault for whom a policy keeps from deciding this. */
function checkKept({ forbids }: EndRooms, { principal }: Approver, { bound }: Approval): void {
  const kept = forbids?.(principal, bound)
  if (kept !== undefined) throw new Fault('approval/not-yours', kept)
}

async function lapseIfChanged(
  rooms: EndRooms,
  lapse: Approvals['lapse'],
  approval: Approval,
): Promise<void> {
  const why = isOver(approval) ? undefined : await rooms.lapsed(approval.bound)
  if (why !== undefined) await lapse(approval.id, why)
}

/** Every answer that does not stand in the ledger yet: rather twice than not at all. */
async function noteAnswers(
  { ledger, book }: EndRooms,
  approval: Approval,
  answers: readonly Answer[],
): Promise<void> {
  for (const answer of answers.filter(({ isNoted }) => isNoted === false)) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- In the order in which they were given.
    await noteAnswer(ledger, approval, answer)
    // oxlint-disable-next-line eslint/no-await-in-loop
    await book.change(approval.id, (one) => ({ ...one, answers: one.answers.map(asNoted(answer)) }))
  }
}

const asNoted =
  ({ by, at }: Answer) =>
  (one: Answer): Answer =>
    one.by === by && one.at === at ? { ...one, isNoted: true } : one

async function goOn(rooms: EndRooms): Promise<void> {
  const open = (await rooms.book.list()).filter((one) => !isOver(one))
  // oxlint-disable-next-line eslint/no-await-in-loop -- Nothing here is in a hurry.
  for (const { id } of open) await escalate(rooms, id)
}

/** Others may answer too from now on, where nobody has in time; each such step is noted once. */
async function escalate({ world, book, ledger }: EndRooms, id: string): Promise<void> {
  const changed = await book.change(id, (one) => escalatedBy(one, world.now()))
  if (!changed || changed.before === changed.after) return
  const { before, after } = changed
  await noteEscalated(ledger, after, escalatedBetween(before, after))
}

const unnoted = (before: Approval, after: Approval): Approval =>
  after.state === before.state ? after : { ...after, isNoted: false }

async function noteOver({ ledger, book, onBroken }: EndRooms, ended: Approval): Promise<void> {
  if (ended.glass && ended.state !== 'void') {
    await noteBroken(ledger, ended)
    await onBroken?.(ended)
  }
  await noteEnd(ledger, ended)
  await book.change(ended.id, (one) =>
    one.state === ended.state && one.isNoted === false ? { ...one, isNoted: true } : one,
  )
}

const expired = (approval: Approval, now: number): Approval =>
  isOver(approval) ? approval : { ...approval, state: 'expired', endedAt: now }

/** What is open or unused ends; what was used or is over stays as it is. */
const voided = (approval: Approval, why: string, now: number): Approval =>
  approval.state === 'open' || approval.state === 'approved'
    ? { ...approval, state: 'void', why, endedAt: now }
    : approval

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
