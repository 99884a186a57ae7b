import { SQL_OPEN } from '../machine.ts'
import type { CreateOp, Verdict } from '../ops.ts'
import { ACCEPTED, type Load, type Prepare } from './verdicts.ts'

/** Makes the applier of `create`: once per id and per key, and never above the owner's limit. */
export function makeCreate(prepare: Prepare, load: Load): (op: CreateOp) => Verdict {
  const insert = prepare(
    `INSERT INTO tasks (id, kind, version, owner, run, key, parent, undoes, input, metadata, state,
       epoch, worker, due_at, created_at, updated_at, expires_at, deadline_at, poll_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'working', ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  )
  const byKey = prepare('SELECT id FROM tasks WHERE owner = ? AND key = ?')
  // Not a count: looking for the one too many is a tenth of the work.
  const isFull = prepare(
    `SELECT 1 FROM tasks WHERE owner = ? AND state IN (${SQL_OPEN}) LIMIT 1 OFFSET ?`,
  )
  return ({ task, ownerOpenMax }) => {
    const { worker, at } = task
    const there = task.key === null ? undefined : byKey.get(task.owner, task.key)
    if (there !== undefined) return exists(load(String(there['id'])))
    if (isFull.get(task.owner, ownerOpenMax - 1) !== undefined) {
      const same = load(task.id)
      return same ? exists(same) : { accepted: false, why: 'busy' }
    }
    const names = [task.kind, task.version, task.owner, task.run, task.key] as const
    const rest = [task.parent, task.undoes, task.input, task.metadata] as const
    const lease = [worker === null ? 0 : 1, worker, task.dueAt] as const
    const times = [at, at, task.expiresAt, task.deadlineAt, task.pollMs] as const
    const { changes } = insert.run(task.id, ...names, ...rest, ...lease, ...times)
    return changes > 0 ? ACCEPTED : exists(load(task.id))
  }
}

const exists = (task: Verdict['task']): Verdict => ({
  accepted: false,
  why: 'exists',
  ...(task ? { task } : {}),
})
