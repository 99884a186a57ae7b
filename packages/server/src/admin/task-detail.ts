import { own, textAt, type Admin } from '@countersign/contract'
import type { Entry, Task } from '@countersign/engine'
import { handleIn, type Desk, type Standing } from '#tasks'
import { readCalls } from './read-calls.ts'
import { lineOf, undoneIn, withoutSecrets } from './task-line.ts'
import { undoingOf } from './undoing.ts'

export type Detail = Awaited<ReturnType<Admin['getTask']>>

const LINES_MAX = 1_000
const BODY_CHARS_MAX = 4_000

/** Everything that is known of a task. */
export async function detailOf(desk: Desk, task: Task): Promise<Detail> {
  const journal = await desk.journal(task.id)
  const standing = desk.standing(task)
  const upstreamTask = handleIn(journal)
  const calls = readCalls(journal, task.state)
  const undoing = undoneIn(task) ? await undoingOf(desk, task, journal, calls) : undefined
  const undoneBy = standing ? await undoerOf(desk, task) : undefined
  return {
    ...lineOf(desk, task),
    ...(standing ? errandOf(standing) : {}),
    ...(task.parent === undefined ? {} : { parent: task.parent }),
    ...(undoneBy === undefined ? {} : { undoneBy }),
    ...(upstreamTask === undefined ? {} : { upstreamTask }),
    calls,
    journal: journal.slice(-LINES_MAX).map(lineIn),
    journalLeftOut: Math.max(0, journal.length - LINES_MAX),
    ...(undoing ? { undoing } : {}),
    ...resultOf(standing),
  }
}

/** What of an errand is shown: not the state of the server's conversation, nor what looks secret. */
function errandOf({ errand }: Standing): Partial<Detail> {
  const { call, view, params, digest, compensate, reconcile } = errand
  const given = withoutSecrets(own(params, 'arguments') ?? {})
  return {
    call,
    view,
    name: textAt(params, 'name'),
    arguments: plain(given),
    ...(digest === undefined ? {} : { definition: digest }),
    ...(compensate ? { compensate: compensate.tool } : {}),
    ...(reconcile ? { reconcile: reconcile.tool } : {}),
  }
}

function resultOf(standing: Standing | undefined): Pick<Detail, 'result'> {
  const ended = standing?.ended
  if (ended === undefined || ended === 'cancelled' || ended.kind !== 'answered') return {}
  return { result: plain(ended.result) }
}

/** JSON as it is written: nothing of it is undefined, and nothing is shared. */
const plain = (value: unknown): NonNullable<Detail['result']> => JSON.parse(JSON.stringify(value))

function lineIn({ at, epoch, what, kind, call, name, body }: Entry): Detail['journal'][number] {
  const text = JSON.stringify(body)
  const shown = text.length > BODY_CHARS_MAX ? {} : { body: JSON.parse(text) }
  return { at, epoch, what, kind, call, name, ...shown, bodyChars: text.length }
}

/** The task that takes this one back; there is one at most. */
export async function undoerOf(desk: Desk, { owner, run, id }: Task): Promise<string | undefined> {
  let cursor: string | undefined
  do {
    const page = await desk.page({
      owner,
      ...(run === undefined ? {} : { run }),
      limit: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    })
    const found = page.tasks.find(({ undoes }) => undoes === id)
    if (found) return found.id
    // Newest first: what undoes a task is younger than the task.
    cursor = page.tasks.some((one) => one.id === id) ? undefined : page.next
  } while (cursor !== undefined)
  return undefined
}

const PAGE = 500
