import { toTask } from '../row.ts'
import type { TaskQuery } from '../store.ts'
import type { Task } from '../task.ts'
import { IS_OPEN } from './tables.ts'
import type { Prepare } from './verdicts.ts'

/**
 * New tasks that are sorted in together. In a list sorted by owner each owner's tasks end on a page
 * of their own, and a commit would write one for every owner that it has a task of. Those that were
 * not sorted in yet are read through for every list.
 */
const FRESH_MAX = 2_048

/** What lists of one owner are read from. */
export interface Lists {
  readonly add: (owner: string, createdAt: number, id: string) => void
  /** Sorts everything in. */
  readonly sort: () => void
  /** Takes out a task that was sorted in. */
  readonly remove: (owner: string, createdAt: number, id: string) => void
}

/** Makes what keeps the lists, inside a transaction that somebody else opened. */
export function makeLists(prepare: Prepare): Lists {
  const insert = prepare('INSERT INTO tasks_fresh (owner, created_at, id) VALUES (?, ?, ?)')
  const count = prepare('SELECT count(*) AS fresh FROM tasks_fresh')
  const move = prepare(
    `INSERT INTO tasks_sorted SELECT owner, created_at, id FROM tasks_fresh
     ORDER BY owner, created_at, id ON CONFLICT DO NOTHING`,
  )
  const clear = prepare('DELETE FROM tasks_fresh')
  const remove = prepare('DELETE FROM tasks_sorted WHERE owner = ? AND created_at = ? AND id = ?')
  // After a rollback it may be wrong: then it is sorted a little sooner, or later.
  let fresh: number | undefined
  const sort = (): void => {
    move.run()
    clear.run()
    fresh = 0
  }
  return {
    add: (owner, createdAt, id) => {
      fresh ??= Number(count.get()?.['fresh'])
      if (++fresh > FRESH_MAX) sort()
      insert.run(owner, createdAt, id)
    },
    sort,
    remove: (owner, createdAt, id) => {
      remove.run(owner, createdAt, id)
    },
  }
}

/** Reads one page of a listing. */
export function readList(prepare: Prepare, query: TaskQuery): readonly Task[] {
  const { owner, run, limit } = query
  const isByOwner = owner !== undefined && run === undefined
  if (!isByOwner) return readFrom(prepare, 'tasks', query)
  return [...readFrom(prepare, 'tasks_sorted', query), ...readFrom(prepare, 'tasks_fresh', query)]
    .toSorted(newestFirst)
    .slice(0, limit)
}

/** How many there are in each state that is not final. */
export function countOpen(prepare: Prepare): Readonly<Record<string, number>> {
  const sql = `SELECT state, count(*) AS tasks FROM tasks WHERE ${IS_OPEN} GROUP BY state`
  const rows = prepare(sql).all()
  return Object.fromEntries(rows.map((row) => [String(row['state']), Number(row['tasks'])]))
}

const newestFirst = (one: Task, other: Task): number =>
  other.createdAt - one.createdAt || (one.id < other.id ? 1 : -1)

/** The conditions are only what is asked for, so that an index can answer. */
function readFrom(
  prepare: Prepare,
  list: 'tasks' | 'tasks_sorted' | 'tasks_fresh',
  { owner, run, states, after, limit }: TaskQuery,
): readonly Task[] {
  const parts: readonly (readonly [string, ...(string | number)[]])[] = [
    ...(owner === undefined ? [] : [[`${list}.owner = ?`, owner] as const]),
    ...(run === undefined ? [] : [['tasks.run = ?', run] as const]),
    ...(states === undefined
      ? []
      : [[`tasks.state IN (${states.map(() => '?').join(', ')})`, ...states] as const]),
    ...(after
      ? [[`(${list}.created_at, ${list}.id) < (?, ?)`, after.createdAt, after.id] as const]
      : []),
  ]
  const where = parts.length === 0 ? '' : `WHERE ${parts.map(([sql]) => sql).join(' AND ')}`
  // Crossed, so that the list is walked in its order, and no further than the page goes.
  const from = list === 'tasks' ? list : `${list} CROSS JOIN tasks ON tasks.id = ${list}.id`
  const order = `ORDER BY ${list}.created_at DESC, ${list}.id DESC LIMIT ?`
  return prepare(`SELECT tasks.* FROM ${from} ${where} ${order}`)
    .all(...parts.flatMap(([, ...values]) => values), limit)
    .map(toTask)
}
