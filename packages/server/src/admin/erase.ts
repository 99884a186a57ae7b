import { createHash } from 'node:crypto'
import { Fault, own, textAt, type Admin, type JsonObject } from '@countersign/contract'
import { isFinal, TASK_STATES } from '@countersign/engine'
import { forgetGrants, type Approvals, type Grants } from '#approvals'
import type { KeptPayloads, Ledger } from '#audit'
import type { World } from '#base'
import type { Records } from '#store'
import type { Desk } from '#tasks'
import type { Log } from '#telemetry'
import type { ConnectionDesk } from '#vault'

export interface ErasureRooms {
  readonly world: World
  readonly log: Log
  readonly ledger: Pick<Ledger, 'note'>
  readonly kept: KeptPayloads
  readonly desk: Desk
  readonly approvals: Pick<Approvals, 'list' | 'forget'>
  readonly grants: Grants
  readonly records: Records
  readonly connections: Pick<ConnectionDesk, 'list'>
  /** Writes the database files anew; undefined where that is not ours to do. */
  readonly scrub: (() => Promise<void>) | undefined
}

/** An erasure that has begun: it is carried to its end, whatever comes in between. */
interface Erasure {
  readonly subject: string
  readonly by: string
  readonly reason: string | undefined
  readonly at: number
  /** The key to be destroyed; a later one is of calls that came later. */
  readonly key: string | undefined
  readonly payloads: number
  readonly tasks: number
  readonly approvals: number
  readonly grants: number
}

type Erased = Awaited<ReturnType<Admin['eraseSubject']>>
type Input = Parameters<Admin['eraseSubject']>[0]

const KIND = 'Erasure'
const BY = 'admin'
const PAGE = 500
const ERASED = 'What is kept of its principal is erased.'

/** Destroys what is kept of a subject: its key first, so that the rest is unreadable at once. */
export async function eraseSubject(
  rooms: ErasureRooms,
  { subject, reason, cancels = false }: Input,
): Promise<Erased> {
  await endTasks(rooms, subject, cancels)
  const erasure = await planned(rooms, subject, reason)
  const connections = await connectionsOf(rooms, subject)
  const isNothing =
    erasure.key === undefined &&
    erasure.tasks + erasure.approvals + erasure.grants + connections.length === 0
  if (isNothing) {
    throw new Fault(
      'rpc/bad-params',
      `Nothing is kept of "${subject}". Principals are named as in "countersign log": local, or {issuer}#{subject}.`,
    )
  }
  await rooms.records.put(KIND, idOf(subject), toRecord(erasure))
  return { ...(await carryOut(rooms, erasure)), connections }
}

/** Carries out what was begun before we ended. Returns the subjects concerned. */
export async function resumeErasures(rooms: ErasureRooms): Promise<readonly string[]> {
  const begun = await rooms.records.list(KIND, { limit: PAGE })
  const subjects: string[] = []
  for (const { value } of begun) {
    const erasure = fromRecord(value)
    // oxlint-disable-next-line eslint/no-await-in-loop -- Each writes the files anew.
    await carryOut(rooms, erasure)
    subjects.push(erasure.subject)
  }
  return subjects
}

/** Each step may be taken again: what is gone is gone. */
async function carryOut(
  rooms: ErasureRooms,
  erasure: Erasure,
): Promise<Omit<Erased, 'connections'>> {
  const { kept, desk, approvals, records, ledger } = rooms
  const { subject, by, reason, at, key, payloads, tasks } = erasure
  if (key !== undefined) {
    const now = await kept.keyOf(subject)
    // One that is gone is told of again: who ended it may have come to no word.
    if (now === key || now === undefined) await kept.destroyKey(subject)
    await kept.drop(key)
  }
  await desk.forget(subject, at)
  await approvals.forget(subject, at)
  await forgetGrants(rooms, subject, ERASED)
  const isScrubbed = await scrubbed(rooms)
  const counts = { payloads, tasks, approvals: erasure.approvals, grants: erasure.grants }
  const told = { subject, hadKey: key !== undefined, ...counts, isScrubbed }
  await ledger.note('erasure', { ...told, by, ...(reason === undefined ? {} : { reason }) })
  await records.remove(KIND, idOf(subject))
  return told
}

/** The disk may have no room for a second copy: then what was deleted is overwritten in time. */
async function scrubbed({ scrub, log }: ErasureRooms): Promise<boolean> {
  if (!scrub) return false
  try {
    await scrub()
    return true
  } catch (cause) {
    log.error({ cause: String(cause) }, 'the database could not be written anew after an erasure')
    return false
  }
}

/** What is under way would write on. */
async function endTasks({ desk }: ErasureRooms, subject: string, cancels: boolean): Promise<void> {
  const open = await tasksOf(desk, subject, OPEN)
  const unknown = open.find(({ state }) => state === 'unknown')
  if (unknown) {
    throw new Fault(
      'task/illegal',
      `Nothing was erased: the outcome of ${unknown.id} is unknown. Settle it first: countersign tasks settle ${unknown.id} happened|abandon`,
    )
  }
  const [first] = open
  if (first && !cancels) {
    throw new Fault(
      'task/illegal',
      `Nothing was erased: ${String(open.length)} ${open.length === 1 ? 'task is' : 'tasks are'} under way, such as ${first.id}. Wait, or have them cancelled: --cancel`,
    )
  }
  // oxlint-disable-next-line eslint/no-await-in-loop -- Each is a commit, and calls go on meanwhile.
  for (const task of open) await desk.stop(task, BY, ERASED)
}

const OPEN = TASK_STATES.filter((state) => !isFinal(state))
const FINAL = TASK_STATES.filter(isFinal)

async function tasksOf(desk: Desk, owner: string, states: typeof OPEN) {
  const tasks = []
  let cursor: string | undefined
  do {
    const after = cursor === undefined ? {} : { cursor }
    // Each page says where the next one begins.
    // oxlint-disable-next-line eslint/no-await-in-loop
    const page = await desk.page({ owner, states, limit: PAGE, ...after })
    tasks.push(...page.tasks)
    cursor = page.next
  } while (cursor !== undefined)
  return tasks
}

async function planned(
  { world, kept, desk, approvals, grants }: ErasureRooms,
  subject: string,
  reason: string | undefined,
): Promise<Erasure> {
  const key = await kept.keyOf(subject)
  const shown = (await approvals.list()).filter(({ bound }) => bound.principal === subject)
  return {
    subject,
    by: BY,
    reason,
    at: world.now(),
    key,
    payloads: key === undefined ? 0 : await kept.countOf(key),
    tasks: (await tasksOf(desk, subject, FINAL)).length,
    approvals: shown.length,
    grants: (await grants.list()).filter(({ principal }) => principal === subject).length,
  }
}

async function connectionsOf({ connections }: ErasureRooms, subject: string): Promise<string[]> {
  const lines = await connections.list()
  return lines.filter(({ owner }) => owner === subject).map(({ server }) => server)
}

const toRecord = ({ key, reason, ...rest }: Erasure): JsonObject => ({
  ...rest,
  ...(key === undefined ? {} : { key }),
  ...(reason === undefined ? {} : { reason }),
})

function fromRecord(value: JsonObject): Erasure {
  const [key, reason] = [own(value, 'key'), own(value, 'reason')]
  const count = (name: string): number => Number(own(value, name) ?? 0)
  return {
    subject: textAt(value, 'subject'),
    by: textAt(value, 'by'),
    reason: typeof reason === 'string' ? reason : undefined,
    at: count('at'),
    key: typeof key === 'string' ? key : undefined,
    payloads: count('payloads'),
    tasks: count('tasks'),
    approvals: count('approvals'),
    grants: count('grants'),
  }
}

const idOf = (subject: string): string => createHash('sha256').update(subject).digest('base64url')
