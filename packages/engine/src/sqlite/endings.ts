import type { StatementSync } from 'node:sqlite'
import { sqlFrom, TRANSITIONS } from '../machine.ts'
import type { CancelOp, FinishOp, SettleOp, Verdict } from '../ops.ts'
import { ACCEPTED, FENCED, type Load, type Prepare } from './verdicts.ts'
import type { Inbox } from './inbox.ts'
import type { Lines } from './lines.ts'

/** How tasks end: by their worker or from outside. */
export interface Endings {
  readonly finish: (op: FinishOp) => Verdict
  readonly cancel: (op: CancelOp) => Verdict
  readonly settle: (op: SettleOp) => Verdict
}

/** Prepares the statement of an ending that someone other than the worker decides. */
export const endFromOutside = (
  prepare: Prepare,
  event: 'cancel' | 'expire' | 'abandon',
): StatementSync =>
  prepare(
    `UPDATE tasks SET state = '${TRANSITIONS[event].to}', epoch = epoch + 1, error = ?,
       worker = NULL, due_at = NULL, waits = NULL,
       expires_at = max(expires_at, ?), updated_at = max(updated_at, ?)
     WHERE id = ? AND state IN (${sqlFrom(event)}) RETURNING epoch`,
  )

/** Makes the appliers of `finish`, `cancel` and `settle`. */
export function makeEndings(from: {
  readonly prepare: Prepare
  readonly load: Load
  readonly addLines: Lines['add']
  readonly tellParent: Inbox['tellParent']
}): Endings {
  const { prepare, load, addLines, tellParent } = from
  const cancel = endFromOutside(prepare, 'cancel')
  const abandon = endFromOutside(prepare, 'abandon')
  const resume = prepare(
    `UPDATE tasks SET state = '${TRANSITIONS.resume.to}', epoch = epoch + 1, error = NULL,
       due_at = ?, expires_at = max(expires_at, ?), updated_at = max(updated_at, ?)
     WHERE id = ? AND state IN (${sqlFrom('resume')}) RETURNING epoch`,
  )
  return {
    finish: makeFinish(from),
    cancel: ({ task, at, error }) => {
      const row = cancel.get(error, 0, at, task)
      if (row === undefined) return refused(load, task)
      const line = { seq: 0, at, what: 'task', kind: 'cancelled', call: 0, name: '' } as const
      addLines(task, Number(row['epoch']), [{ ...line, body: error }])
      return { accepted: true, due: tellParent(task, at) }
    },
    settle: ({ event, task, epoch, at, entries, error, expiresAt }) => {
      if (load(task)?.epoch !== epoch) return refused(load, task)
      const row =
        event === 'resume'
          ? resume.get(at, expiresAt, at, task)
          : abandon.get(error, expiresAt, at, task)
      if (row === undefined) return refused(load, task)
      addLines(task, Number(row['epoch']), entries)
      return { accepted: true, due: event === 'resume' ? [task] : tellParent(task, at) }
    },
  }
}

/** How one event ends a task: most have no parent and no signals, and nothing to be read back. */
interface Ending {
  readonly alone: StatementSync
  readonly any: StatementSync
}

const updateTo = (event: FinishOp['event']): string =>
  `UPDATE tasks SET state = '${TRANSITIONS[event].to}', result = ?, error = ?, worker = NULL,
     due_at = NULL, waits = NULL, updated_at = max(updated_at, ?)
   WHERE id = ? AND epoch = ? AND state IN (${sqlFrom(event)})`

const ENDED_ALONE: Verdict = { accepted: true, inbox: 0 }

function makeFinish(from: {
  readonly prepare: Prepare
  readonly load: Load
  readonly tellParent: Inbox['tellParent']
}): Endings['finish'] {
  const { prepare, load, tellParent } = from
  const ending = (event: FinishOp['event']): Ending => ({
    alone: prepare(`${updateTo(event)} AND parent IS NULL AND inbox = 0`),
    any: prepare(`${updateTo(event)} RETURNING parent, inbox`),
  })
  const endings = { complete: ending('complete'), fail: ending('fail'), lose: ending('lose') }
  return ({ event, result, error, at, task, epoch }) => {
    const { alone, any } = endings[event]
    if (alone.run(result, error, at, task, epoch).changes > 0) return ENDED_ALONE
    const row = any.get(result, error, at, task, epoch)
    if (row !== undefined) {
      const ended = { accepted: true, inbox: Number(row['inbox']) }
      const isTold = row['parent'] !== null && event !== 'lose'
      return isTold ? { ...ended, due: tellParent(task, at) } : ended
    }
    // The same ending once more: its first answer was lost on the way.
    const there = load(task)
    return there?.epoch === epoch && there.state === TRANSITIONS[event].to ? ACCEPTED : FENCED
  }
}

function refused(load: Load, id: string): Verdict {
  const task = load(id)
  if (task === undefined) return { accepted: false, why: 'missing' }
  return { accepted: false, why: 'illegal', state: task.state, task }
}
