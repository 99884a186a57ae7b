import { sqlFrom, SQL_OPEN } from '../machine.ts'
import type { SweepOp, Verdict } from '../ops.ts'
import type { Prepare } from './verdicts.ts'
import { endFromOutside } from './endings.ts'
import type { Inbox } from './inbox.ts'
import type { Lines } from './lines.ts'

/** Makes the applier of `sweep`. A task whose outcome is unknown outlives any time to live. */
export function makeSweep(
  prepare: Prepare,
  addLines: Lines['add'],
  tellParent: Inbox['tellParent'],
): (op: SweepOp) => Verdict {
  const expire = endFromOutside(prepare, 'expire')
  const overdue = prepare(
    `SELECT id FROM tasks WHERE expires_at <= ? AND state IN (${sqlFrom('expire')}) LIMIT ?`,
  )
  const gone = prepare(
    `SELECT id FROM tasks WHERE expires_at <= ? AND state NOT IN (${SQL_OPEN}) LIMIT ?`,
  )
  const removals = [
    prepare('DELETE FROM tasks WHERE id = ?'),
    prepare('DELETE FROM journal WHERE task = ?'),
    prepare('DELETE FROM signals WHERE task = ?'),
  ]
  return ({ at, graceMs, error, limit }) => {
    const expired = overdue.all(at, limit).map((row) => String(row['id']))
    const due = expired.flatMap((id) => {
      const epoch = Number(expire.get(error, at + graceMs, at, id)?.['epoch'])
      const line = { seq: 0, at, what: 'task', kind: 'expired', call: 0, name: '' } as const
      addLines(id, epoch, [{ ...line, body: error }])
      return tellParent(id, at)
    })
    const deleted = gone.all(at, limit).map((row) => String(row['id']))
    for (const id of deleted) for (const removal of removals) removal.run(id)
    return { accepted: true, due, expired, deleted: deleted.length }
  }
}
