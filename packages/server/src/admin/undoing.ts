import { isObject, own, type Admin } from '@countersign/contract'
import { isFinal, type Entry, type Task } from '@countersign/engine'
import type { Desk, Standing } from '#tasks'
import { childrenIn, readCalls } from './read-calls.ts'
import { undoneIn } from './task-line.ts'

type Detail = Awaited<ReturnType<Admin['getTask']>>
type Undoing = NonNullable<Detail['undoing']>[number]

/** What became of each call that a task takes back, in its order. */
export async function undoingOf(
  desk: Desk,
  task: Task,
  journal: readonly Entry[],
  calls: Detail['calls'],
): Promise<Undoing[]> {
  if (task.undoes !== undefined) return [await undoneOne(desk, task.undoes, task, calls)]
  const children = childrenIn(journal)
  const all: Undoing[] = []
  for (const id of undoneIn(task) ?? []) {
    const call = calls.find(({ what, name }) => what === 'undo' && name === id)
    const child = call && children.get(call.call)
    // One after the other: a run has few calls, and this is asked by a person.
    // oxlint-disable-next-line eslint/no-await-in-loop
    const undoer = child === undefined ? undefined : await desk.look(child)
    const inner = undoer ? readCalls(await desk.journal(undoer.id), undoer.state) : []
    const one = await undoneOne(desk, id, undoer, inner)
    // Taken back before by somebody else, or refused by the engine before anything began.
    all.push(undoer || !call ? one : { ...one, ...outcomeOf(call, one) })
  }
  return all
}

const outcomeOf = (
  { state, error }: Detail['calls'][number],
  one: Undoing,
): Pick<Undoing, 'state' | 'why'> => {
  if (state === 'failed') return { state, ...because(error) }
  return state === 'done' ? { ...one, state: 'undone' } : { state: one.state }
}

async function undoneOne(
  desk: Desk,
  id: string,
  undoer: Task | undefined,
  calls: Detail['calls'],
): Promise<Undoing> {
  const undone = await desk.look(id)
  const standing = undone && desk.standing(undone)
  const place = standing ? { server: standing.errand.server, tool: standing.errand.tool } : {}
  return { task: id, ...place, ...stateOf(undoer, calls, standing) }
}

function stateOf(
  undoer: Task | undefined,
  calls: Detail['calls'],
  standing: Standing | undefined,
): Pick<Undoing, 'state' | 'why'> {
  if (undoer?.state === 'unknown') {
    return {
      state: 'unknown',
      why: `Settle it: countersign tasks settle ${undoer.id} happened|retry|abandon`,
    }
  }
  if (!undoer || !isFinal(undoer.state)) {
    return { state: 'pending', ...because(calls.find(({ state }) => state === 'retrying')?.error) }
  }
  if (undoer.state !== 'completed') {
    return { state: 'failed', why: undoer.error?.message ?? 'It was stopped.' }
  }
  const nothing = whyNothing(undoer, standing)
  return { state: nothing === undefined ? 'undone' : 'nothing', ...because(nothing) }
}

const because = (why: string | undefined): Pick<Undoing, 'why'> =>
  why === undefined ? {} : { why }

/** Why a task that undoes completed without a call of its own; undefined when it made one. */
function whyNothing({ result }: Task, standing: Standing | undefined): string | undefined {
  const named = isObject(result) ? own(result, 'undone') : undefined
  const hasUndone = Array.isArray(named) && named.length > 0
  return standing === undefined ? undefined : nothingToUndo(standing, hasUndone)
}

/** Why there is nothing of a call that could be taken back; undefined when there is something. */
export function nothingToUndo(
  { errand, ended }: Standing,
  hasUndone = errand.compensate !== undefined,
): string | undefined {
  const { server, tool } = errand
  if (ended === 'cancelled') {
    return 'It was cancelled before its answer came: whether it acted has to be looked up.'
  }
  if (ended?.kind !== 'answered' || ended.result['isError'] === true) {
    return 'It ended with an error, so there is nothing to take back.'
  }
  if (hasUndone) return undefined
  return `No tool is declared that takes ${tool} back: servers.${server}.tools.${tool}.compensate.`
}
