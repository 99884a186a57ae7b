import {
  ADMIN,
  Fault,
  isObject,
  own,
  type Admin,
  type Json,
  type JsonObject,
} from '@countersign/contract'
import { isFinal, TASK_STATES, type Settlement, type Task } from '@countersign/engine'
import type { Desk } from '#tasks'
import type { AdminRooms } from './make-admin.ts'
import { detailOf, type Detail } from './task-detail.ts'
import { lineOf } from './task-line.ts'
import { nothingToUndo } from './undoing.ts'

/** Who acts through the admin API: whoever holds the token of the data folder. */
const BY = 'admin'

type Rooms = Pick<AdminRooms, 'desk'>
type Input<Name extends keyof Admin> = Parameters<Admin[Name]>[0]

export async function listTasks(
  { desk }: Rooms,
  given: Input<'listTasks'>,
): ReturnType<Admin['listTasks']> {
  const { states, owner, run, cursor, limit } = ADMIN.listTasks.input.parse(given)
  const page = await desk.page({
    limit,
    ...(states === undefined ? {} : { states: TASK_STATES.filter((one) => isIn(states, one)) }),
    ...(owner === undefined ? {} : { owner }),
    ...(run === undefined ? {} : { run }),
    ...(cursor === undefined ? {} : { cursor }),
  })
  const tasks = page.tasks.map((task) => lineOf(desk, task))
  return { tasks, ...(page.next === undefined ? {} : { next: page.next }) }
}

const isIn = (states: string, state: string): boolean => states.split(',').includes(state)

export const getTask = async ({ desk }: Rooms, { id }: Input<'getTask'>): Promise<Detail> =>
  detailOf(desk, await find(desk, id))

/** Ends a task that is not over. What it has done stays done. */
export async function cancelTask(
  { desk }: Rooms,
  { id, reason }: Input<'cancelTask'>,
): Promise<Detail> {
  const task = await find(desk, id)
  const { state } = task
  if (isFinal(state)) throw illegal(`${id} is ${state} already: there is nothing to cancel.`)
  if (state === 'unknown') {
    throw illegal(
      `The outcome of ${id} is unknown: it runs no more. Settle it: countersign tasks settle ${id} happened|retry|abandon.`,
    )
  }
  return detailOf(desk, await desk.stop(task, BY, reason ?? 'It was cancelled by the operator.'))
}

/** Says what happened where nobody could know. */
export async function settleTask(
  { desk }: Rooms,
  { id, verdict, result, reason }: Input<'settleTask'>,
): Promise<Detail> {
  const task = await find(desk, id)
  if (task.state !== 'unknown') throw notUnknown(task)
  const settlement = settlementOf(desk, task, { verdict, result, reason })
  return detailOf(desk, await desk.settle(task, settlement, BY, reason))
}

type Said = Pick<Input<'settleTask'>, 'verdict' | 'result' | 'reason'>

function settlementOf(desk: Desk, task: Task, { verdict, result, reason }: Said): Settlement {
  if (verdict === 'retry') return { verdict }
  if (verdict === 'abandon') return { verdict, ...(reason === undefined ? {} : { reason }) }
  const standing = desk.standing(task)
  // What an undoing gave, nobody reads.
  if (!standing) return { verdict, result: null }
  const { server } = standing.errand
  return { verdict, result: { kind: 'answered', server, result: toolResult(result) } }
}

const CHECKED = 'A person checked: it happened.'

/** What a person says that a call came to, as a tool result: one as it is, else their words or data. */
export function toolResult(said: Json | undefined): JsonObject {
  if (isObject(said) && Array.isArray(own(said, 'content'))) return said
  const text = said === undefined ? CHECKED : typeof said === 'string' ? said : JSON.stringify(said)
  const content = [{ type: 'text', text }]
  return isObject(said) ? { content, structuredContent: said } : { content }
}

/** Takes a completed call back. */
export async function undoTask({ desk }: Rooms, { id }: Input<'undoTask'>): Promise<Detail> {
  const task = await find(desk, id)
  const standing = desk.standing(task)
  if (!standing) throw illegal(`${id} takes other calls back, and cannot be taken back itself.`)
  const open = whyOpen(task)
  if (open !== undefined) throw illegal(`Nothing was undone: ${open}`)
  const nothing = nothingToUndo(standing)
  if (nothing !== undefined) throw illegal(`Nothing was undone: ${nothing}`)
  return detailOf(desk, await desk.undo(standing, BY))
}

/** Takes all calls of a run back, once none of them is under way any more. */
export async function undoRun(
  { desk }: Rooms,
  { run, owner = 'local' }: Input<'undoRun'>,
): Promise<Detail> {
  const { calls, undoing } = await callsOf(desk, run, owner)
  // One for each run: who asks again is shown the one there is.
  if (undoing) return detailOf(desk, undoing)
  if (calls.length === 0) {
    throw new Fault(
      'task/unknown',
      `No task belongs to a run "${run}" of ${owner}: nothing was undone.`,
    )
  }
  const open = calls.map(whyOpen).find((why) => why !== undefined)
  if (open !== undefined) throw illegal(`Nothing was undone: ${open}`)
  const standings = calls.flatMap((task) => desk.standing(task) ?? [])
  const reasons = standings.map((one) => nothingToUndo(one))
  if (!reasons.includes(undefined)) throw illegal(`Nothing was undone: ${String(reasons[0])}`)
  return detailOf(desk, await desk.undoRun(run, owner, BY))
}

interface RunCalls {
  readonly calls: readonly Task[]
  readonly undoing: Task | undefined
}

async function callsOf(desk: Desk, run: string, owner: string): Promise<RunCalls> {
  const tasks: Task[] = []
  let cursor: string | undefined
  do {
    const after = cursor === undefined ? {} : { cursor }
    // Each page says where the next one begins.
    // oxlint-disable-next-line eslint/no-await-in-loop
    const page = await desk.page({ owner, run, limit: 500, ...after })
    tasks.push(...page.tasks)
    cursor = page.next
  } while (cursor !== undefined)
  return {
    calls: tasks.filter((task) => desk.standing(task)),
    undoing: tasks.find(({ kind }) => kind === 'undo-run'),
  }
}

/** Why a task cannot be taken back yet; undefined when it is over. */
function whyOpen({ id, state }: Task): string | undefined {
  if (isFinal(state)) return undefined
  return state === 'unknown'
    ? `the outcome of ${id} is unknown. Settle it first: countersign tasks settle ${id} happened|retry|abandon.`
    : `${id} is not over yet. Wait for it, or cancel it: countersign tasks cancel ${id}.`
}

async function find(desk: Desk, id: string): Promise<Task> {
  const task = await desk.look(id)
  if (task) return task
  throw new Fault(
    'task/unknown',
    `There is no task "${id}"; it may have expired. "countersign tasks --all" lists those there are.`,
  )
}

function notUnknown({ id, state }: Task): Fault {
  if (isFinal(state)) return illegal(`${id} is ${state} already: there is nothing to settle.`)
  return illegal(
    `${id} is ${state}: only an unknown outcome is settled. To end it: countersign tasks cancel ${id}.`,
  )
}

const illegal = (message: string): Fault => new Fault('task/illegal', message)
