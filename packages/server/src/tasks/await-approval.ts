import {
  Fault,
  isObject,
  own,
  textAt,
  toFault,
  type Json,
  type JsonObject,
} from '@countersign/contract'
import { RecordedError, type Task, type TaskContext } from '@countersign/engine'
import { asksJson, endedInWords, type Approval, type Approvals, type Asking } from '#approvals'
import type { World } from '#base'
import { waitingOf } from '#policy'
import type { Errand } from './errand.ts'
import { toRecord } from './outcome.ts'

/** What waiting for people needs from outside. */
export interface ApprovalTaskRooms {
  readonly world: World
  readonly approvals: Pick<Approvals, 'end' | 'withdraw' | 'pageOf'>
  /** Puts the question to people; once, however often it is called. */
  readonly askFor: (task: TaskContext<Errand>, asking: Asking, round: number) => Promise<Approval>
}

/** The signal that wakes a task when its approval is over. */
export const approvalSignal = (round: number): string => `${SIGNAL}${String(round)}`
const SIGNAL = 'approval-'

type Waited = { readonly approval: string } | { readonly refused: JsonObject }

/**
 * Waits for people as long as that takes, holding nothing. What they said is in the approval, not in
 * the signal: a task that was woken for another reason finds no yes there, and is refused.
 */
export async function awaitApproval(
  rooms: ApprovalTaskRooms,
  task: TaskContext<Errand>,
  asking: Asking,
  round: number,
): Promise<Waited> {
  const name = approvalSignal(round)
  const asked = await task.step<JsonObject>(`${name} asked`, () => ask(rooms, task, asking, round))
  const refused = own(asked, 'refused')
  if (isObject(refused)) return { refused }
  const id = textAt(asked, 'approval')
  const timeoutMs = Math.max(1, Number(own(asked, 'expiresAt')) - task.now())
  await task.wait(name, { ask: asked, timeoutMs }).catch((thrown: unknown) => {
    if (!(thrown instanceof RecordedError && thrown.code === 'wait/timeout')) throw thrown
  })
  const over = await task.step<JsonObject>(`${name} over`, () => end(rooms, id))
  const no = own(over, 'refused')
  return isObject(no) ? { refused: no } : { approval: id }
}

async function ask(
  { askFor, approvals }: ApprovalTaskRooms,
  task: TaskContext<Errand>,
  asking: Asking,
  round: number,
): Promise<JsonObject> {
  try {
    const { id, asks, message, createdAt, expiresAt } = await askFor(task, asking, round)
    // Cancelled meanwhile: nobody has to decide it any more.
    if (task.signal.aborted) await approvals.withdraw(task.id, WITHDRAWN)
    const said = message === undefined ? {} : { message }
    const page = approvals.pageOf(id)
    const where = page === undefined ? {} : { page }
    return { approval: id, asks: asksJson(asks), ...said, ...where, createdAt, expiresAt }
  } catch (thrown) {
    // What nobody can be shown, nobody can approve.
    if (!(thrown instanceof Fault) || thrown.code === 'store/unavailable') throw thrown
    return { refused: toRecord({ kind: 'refused', fault: toFault(thrown) }) }
  }
}

async function end({ world, approvals }: ApprovalTaskRooms, id: string): Promise<JsonObject> {
  const approval = await approvals.end(id)
  if (approval?.state === 'approved') return { approval: id }
  const words = approval ? endedInWords(approval, world.now()) : GONE
  const fault = new Fault('policy/denied', words)
  return { refused: toRecord({ kind: 'refused', fault }) }
}

const GONE = 'Nothing was executed: the request for its approval is gone. Tell the user.'
export const WITHDRAWN = 'the call was cancelled'

/** What a task waits for people for. */
export interface Waiting {
  readonly approval: string
  readonly asks: Approval['asks']
  readonly message?: string
  /** Where they decide it. */
  readonly page?: string
  readonly createdAt: number
  readonly expiresAt: number
}

/** `2026-11-23 14:00 UTC` */
export const dateOf = (at: number): string =>
  `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`

/** The same in one line, for whoever follows the task. */
export function waitingInLine({ approval, asks, message, page, expiresAt }: Waiting): string {
  return `${waitingOf(asks, message)} Request ${page ?? approval}, until ${dateOf(expiresAt)}.`
}

/** Whom a task waits for; undefined while it waits for nobody. */
export function waitingFor({ waits }: Pick<Task, 'waits'>): Waiting | undefined {
  const wait = waits.find(({ name }) => name.startsWith(SIGNAL))
  return wait && readWaiting(wait.ask)
}

/** Only `awaitApproval` opens such a wait, so what is read is what it wrote. */
const readWaiting = (shown: Json): Waiting =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  shown as unknown as Waiting
