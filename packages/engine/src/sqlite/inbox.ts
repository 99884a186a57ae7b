import { isFinal } from '../machine.ts'
import type { SignalOp, Verdict } from '../ops.ts'
import { isExpecting } from '../names.ts'
import type { Row } from '../row.ts'
import type { Task } from '../task.ts'
import { ACCEPTED, type Prepare } from './verdicts.ts'

/** Signals: left once, delivered once. */
export interface Inbox {
  readonly signal: (op: SignalOp, task: Task | undefined) => Verdict
  readonly deliver: (task: string, id: string) => void
  readonly waiting: (task: string) => readonly Row[]
  /** Leaves the outcome of a finished child for its parent; names the parent when that woke it. */
  readonly tellParent: (task: string, at: number) => readonly string[]
}

/** Makes the applier of `signal`, and what delivers. */
export function makeInbox(prepare: Prepare): Inbox {
  const insert = prepare(
    `INSERT INTO signals (task, id, seq, at, name, payload)
     SELECT id, ?, inbox + 1, ?, ?, ? FROM tasks WHERE id = ? ON CONFLICT DO NOTHING`,
  )
  // A working task learns of the signal by the count, a waiting one by being due.
  const count = prepare(
    `UPDATE tasks SET inbox = inbox + 1,
       due_at = CASE WHEN state = 'waiting' THEN min(coalesce(due_at, ?), ?) ELSE due_at END
     WHERE id = ? RETURNING state`,
  )
  const deliver = prepare('UPDATE signals SET delivered = 1 WHERE task = ? AND id = ?')
  const waiting = prepare(
    'SELECT id, name, payload FROM signals WHERE task = ? AND delivered = 0 ORDER BY seq',
  )
  const pending = prepare(
    `SELECT count(*) AS all_of, coalesce(sum(name = ?), 0) AS same FROM
       (SELECT name FROM signals WHERE task = ? AND delivered = 0 LIMIT ?)`,
  )
  const child = prepare('SELECT parent, state, result, error FROM tasks WHERE id = ?')
  const leave = (task: string, id: string, at: number, name: string, payload: string): boolean => {
    if (insert.run(id, at, name, payload, task).changes === 0) return false
    return count.get(at, at, task)?.['state'] === 'waiting'
  }
  return {
    signal: ({ task: id, id: signalId, at, name, payload, expected, inboxMax }, task) => {
      if (task === undefined) return { accepted: false, why: 'missing' }
      if (isFinal(task.state)) return { accepted: false, why: 'illegal', state: task.state, task }
      const there = pending.get(name, id, inboxMax)
      const isAnswered = Number(there?.['same']) > 0
      if (expected && (isAnswered || !isExpecting(task, name))) {
        return { accepted: false, why: 'not-waiting', state: task.state, task }
      }
      if (Number(there?.['all_of']) >= inboxMax) return { accepted: false, why: 'full' }
      return leave(id, signalId, at, name, payload) ? { accepted: true, due: [id] } : ACCEPTED
    },
    deliver: (task, id) => {
      deliver.run(task, id)
    },
    waiting: (task) => waiting.all(task),
    tellParent: (task, at) => {
      const row = child.get(task)
      const parent = row?.['parent']
      if (typeof parent !== 'string') return []
      const payload = `{"state":"${String(row?.['state'])}","result":${orNull(row?.['result'])},"error":${orNull(row?.['error'])}}`
      const name = `child:${task}`
      return leave(parent, name, at, name, payload) ? [parent] : []
    },
  }
}

const orNull = (value: unknown): string => (typeof value === 'string' ? value : 'null')
