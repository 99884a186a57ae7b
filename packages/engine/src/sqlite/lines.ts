import type { NewEntry } from '../journal.ts'
import type { LateOp, Verdict } from '../ops.ts'
import type { Row } from '../row.ts'
import type { Task } from '../task.ts'
import { ACCEPTED, type Prepare } from './verdicts.ts'

/** The journal, line by line. */
export interface Lines {
  readonly add: (task: string, epoch: number, entries: readonly NewEntry[]) => void
  readonly late: (op: LateOp, task: Task | undefined) => Verdict
  readonly of: (task: string) => readonly Row[]
}

/** Makes what writes and reads the journal. A line that is there already is left as it is. */
export function makeLines(prepare: Prepare): Lines {
  const insert = prepare(
    `INSERT INTO journal (task, epoch, seq, at, what, kind, call, name, body)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  )
  const select = prepare('SELECT * FROM journal WHERE task = ? ORDER BY epoch, seq')
  const add: Lines['add'] = (task, epoch, entries) => {
    for (const { seq, at, what, kind, call, name, body } of entries) {
      insert.run(task, epoch, seq, at, what, kind, call, name, body)
    }
  }
  return {
    add,
    late: ({ task, epoch, entry }, there) => {
      if (there === undefined) return { accepted: false, why: 'missing' }
      add(task, epoch, [entry])
      return ACCEPTED
    },
    of: (task) => select.all(task),
  }
}
