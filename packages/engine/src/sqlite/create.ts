import type { CreateOp, Verdict } from '../ops.ts'
import type { Lists } from './lists.ts'
import { IS_OPEN } from './tables.ts'
import { ACCEPTED, type Load, type Prepare } from './verdicts.ts'

/** Makes the applier of `create`: once per id and per key, and never above the owner's limit. */
export function makeCreate(prepare: Prepare, load: Load, lists: Lists): (op: CreateOp) => Verdict {
  const insert = prepare(
    `INSERT INTO tasks (id, kind, version, owner, run, key, parent, undoes, input, metadata, state,
       epoch, worker, due_at, created_at, updated_at, expires_at, deadline_at, poll_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'working', ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  )
  const byKey = prepare('SELECT id FROM tasks WHERE owner = ? AND key = ?')
  const isFull = makeIsFull(prepare)
  return ({ task, ownerOpenMax }) => {
    const { worker, at } = task
    const there = task.key === null ? undefined : byKey.get(task.owner, task.key)
    if (there !== undefined) return exists(load(String(there['id'])))
    if (isFull.test(task.owner, ownerOpenMax)) {
      const same = load(task.id)
      return same ? exists(same) : { accepted: false, why: 'busy' }
    }
    const names = [task.kind, task.version, task.owner, task.run, task.key] as const
    const rest = [task.parent, task.undoes, task.input, task.metadata] as const
    const lease = [worker === null ? 0 : 1, worker, task.dueAt] as const
    const times = [at, at, task.expiresAt, task.deadlineAt, task.pollMs] as const
    const { changes } = insert.run(task.id, ...names, ...rest, ...lease, ...times)
    if (changes === 0) return exists(load(task.id))
    lists.add(task.owner, at, task.id)
    isFull.add(task.owner)
    return ACCEPTED
  }
}

const exists = (task: Verdict['task']): Verdict => ({
  accepted: false,
  why: 'exists',
  ...(task ? { task } : {}),
})

/** Owners whose counts are remembered. */
const OWNERS_MAX = 10_000

interface Bound {
  readonly max: number
  open: number
}

/**
 * Whether an owner has as many open tasks as allowed. Counting reads a row for each, so it is done
 * only when there may be too many: what was counted last, and one more with each creation, is never
 * too little. Nobody else creates tasks in this database, and what a rollback takes back was less.
 */
function makeIsFull(prepare: Prepare): {
  readonly test: (owner: string, max: number) => boolean
  readonly add: (owner: string) => void
} {
  const count = prepare(
    `SELECT count(*) AS open FROM
       (SELECT 1 FROM tasks WHERE owner = ? AND (${IS_OPEN}) LIMIT ?)`,
  )
  const bounds = new Map<string, Bound>()
  return {
    test: (owner, max) => {
      const known = bounds.get(owner)
      if (known?.max === max && known.open < max) return false
      if (bounds.size >= OWNERS_MAX) bounds.clear()
      const open = Number(count.get(owner, max)?.['open'])
      bounds.set(owner, { max, open })
      return open >= max
    },
    add: (owner) => {
      const known = bounds.get(owner)
      if (known) known.open++
    },
  }
}
