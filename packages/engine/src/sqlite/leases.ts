import { sqlFrom, TRANSITIONS } from '../machine.ts'
import type { ClaimOp, RenewOp, SuspendOp, TakeoverOp, Verdict } from '../ops.ts'
import type { Row } from '../row.ts'
import { ACCEPTED, FENCED, type Prepare } from './verdicts.ts'

/** Who works on what, and until when. */
export interface Leases {
  readonly claim: (op: ClaimOp) => Row | undefined
  readonly renew: (op: RenewOp) => Verdict
  readonly suspend: (op: SuspendOp) => Verdict
  readonly takeover: (op: TakeoverOp) => Verdict
}

/** Makes the appliers of `claim`, `renew`, `suspend` and `takeover`. */
export function makeLeases(prepare: Prepare): Leases {
  const claim = prepare(
    `UPDATE tasks SET state = '${TRANSITIONS.claim.to}', epoch = epoch + 1, worker = ?, due_at = ?, updated_at = max(updated_at, ?)
     WHERE id = ? AND state IN (${sqlFrom('claim')}) AND due_at <= ? RETURNING *`,
  )
  const renew = prepare(
    `UPDATE tasks SET due_at = ? WHERE id = ? AND epoch = ? AND state IN (${sqlFrom('suspend')})`,
  )
  // A signal that came while the task was let go must wake it: the writer did not know of it.
  const suspend = prepare(
    `UPDATE tasks SET state = '${TRANSITIONS.suspend.to}', worker = NULL,
       due_at = CASE WHEN inbox > ? THEN ? ELSE ? END, waits = ?, status = coalesce(?, status),
       updated_at = max(updated_at, ?)
     WHERE id = ? AND epoch = ? AND state IN (${sqlFrom('suspend')}) RETURNING inbox`,
  )
  // The same op once more: its first answer was lost on the way.
  const isSuspended = prepare(
    `SELECT inbox FROM tasks WHERE id = ? AND epoch = ? AND state = '${TRANSITIONS.suspend.to}'`,
  )
  const takeover = prepare(
    `UPDATE tasks SET due_at = ?, worker = NULL
     WHERE worker IS NOT NULL AND state IN (${sqlFrom('suspend')})`,
  )
  return {
    claim: ({ worker, until, at, task }) => claim.get(worker, until, at, task, at),
    renew: ({ until, task, epoch }) =>
      renew.run(until, task, epoch).changes > 0 ? ACCEPTED : FENCED,
    suspend: (op) => {
      const { inbox, at, dueAt, waits, status, task, epoch } = op
      const row =
        suspend.get(inbox, at, dueAt, waits, status, at, task, epoch) ??
        isSuspended.get(task, epoch)
      if (row === undefined) return FENCED
      return Number(row['inbox']) > inbox ? { accepted: true, due: [task] } : ACCEPTED
    },
    takeover: ({ at }) => {
      takeover.run(at)
      return ACCEPTED
    },
  }
}
