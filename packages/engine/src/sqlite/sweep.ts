import { sqlFrom, SQL_OPEN } from '../machine.ts'
import type { ForgetOp, SweepOp, Verdict } from '../ops.ts'
import type { Prepare } from './verdicts.ts'
import { endFromOutside } from './endings.ts'
import type { Inbox } from './inbox.ts'
import type { Lines } from './lines.ts'
import type { Lists } from './lists.ts'

/** Makes the applier of `sweep`. A task whose outcome is unknown outlives any time to live. */
export function makeSweep(from: {
  readonly prepare: Prepare
  readonly addLines: Lines['add']
  readonly tellParent: Inbox['tellParent']
  readonly lists: Lists
}): (op: SweepOp) => Verdict {
  const { prepare, addLines, tellParent, lists } = from
  const expire = endFromOutside(prepare, 'expire')
  const overdue = prepare(
    `SELECT id FROM tasks WHERE expires_at <= ? AND state IN (${sqlFrom('expire')}) LIMIT ?`,
  )
  const gone = prepare(
    `SELECT id, owner, created_at FROM tasks
     WHERE expires_at <= ? AND state NOT IN (${SQL_OPEN}) LIMIT ?`,
  )
  const remove = makeRemoval(prepare, lists)
  return ({ at, graceMs, error, limit }) => {
    const expired = overdue.all(at, limit).map((row) => String(row['id']))
    const due = expired.flatMap((id) => {
      const epoch = Number(expire.get(error, at + graceMs, at, id)?.['epoch'])
      const line = { seq: 0, at, what: 'task', kind: 'expired', call: 0, name: '' } as const
      addLines(id, epoch, [{ ...line, body: error }])
      return tellParent(id, at)
    })
    return { accepted: true, due, expired, deleted: remove(gone.all(at, limit)) }
  }
}

/** Makes the applier of `forget`. */
export function makeForget(prepare: Prepare, lists: Lists): (op: ForgetOp) => Verdict {
  const remove = makeRemoval(prepare, lists)
  const final = prepare(
    `SELECT id, owner, created_at FROM tasks
     WHERE owner = ? AND created_at <= ? AND state NOT IN (${SQL_OPEN}) LIMIT ?`,
  )
  return ({ owner, before, limit }) => ({
    accepted: true,
    deleted: remove(final.all(owner, before, limit)),
  })
}

type Row = Readonly<Record<string, unknown>>

/** Deletes tasks with all that was recorded of them; returns how many. */
function makeRemoval(prepare: Prepare, lists: Lists): (tasks: readonly Row[]) => number {
  const removals = [
    prepare('DELETE FROM tasks WHERE id = ?'),
    prepare('DELETE FROM journal WHERE task = ?'),
    prepare('DELETE FROM signals WHERE task = ?'),
  ]
  return (tasks) => {
    if (tasks.length > 0) lists.sort()
    for (const row of tasks) {
      const id = String(row['id'])
      for (const removal of removals) removal.run(id)
      lists.remove(String(row['owner']), Number(row['created_at']), id)
    }
    return tasks.length
  }
}
