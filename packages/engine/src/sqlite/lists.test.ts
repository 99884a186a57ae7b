import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DatabaseSync } from 'node:sqlite'
import { sqliteStore, TASK_TABLES, type Op, type Store } from '../index.ts'

const MANY = 5_000

function open(db: DatabaseSync): Store {
  return sqliteStore({
    prepare: (sql) => db.prepare(sql),
    commit: async (write) => write(),
    close: () => {
      db.close()
    },
  })
}

const idOf = (n: number): string => `task-${String(n).padStart(20, '0')}`
const birth = (n: number): Op => ({
  op: 'create',
  by: null,
  ownerOpenMax: MANY,
  task: {
    id: idOf(n),
    kind: 'any',
    version: '',
    owner: `owner ${String(n % 3)}`,
    run: null,
    key: null,
    parent: null,
    undoes: null,
    input: 'null',
    metadata: 'null',
    worker: null,
    dueAt: n,
    // Times come back: ids decide among equals.
    at: Math.trunc(n / 7) % 500,
    expiresAt: n,
    deadlineAt: null,
    pollMs: 1,
  },
})

/** Every task of an owner, page by page. */
async function listed(store: Store, owner: string): Promise<readonly string[]> {
  const ids: string[] = []
  for (let after: { createdAt: number; id: string } | undefined; ;) {
    const page = await store.list({ owner, limit: 100, ...(after ? { after } : {}) })
    ids.push(...page.map(({ id }) => id))
    after = page.at(-1)
    if (!after) return ids
  }
}

const wanted = (from: number, to: number): readonly string[] => {
  const births = Array.from({ length: to - from }, (_, n) => birth(from + n))
  const tasks = births.flatMap((op) => (op.op === 'create' ? op.task : []))
  return tasks
    .filter(({ owner }) => owner === 'owner 1')
    .toSorted((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
    .map(({ id }) => id)
}

test('a list is the same whichever of its tasks were sorted in, and forgets what is deleted', async () => {
  const db = new DatabaseSync(':memory:')
  for (const step of TASK_TABLES) db.exec(step)
  const store = open(db)
  for (let n = 0; n < MANY; n++) await store.commit([birth(n)])
  const fresh = db.prepare('SELECT count(*) AS n FROM tasks_fresh')
  const sorted = db.prepare('SELECT count(*) AS n FROM tasks_sorted')
  assert.ok(Number(fresh.get()?.['n']) > 0 && Number(sorted.get()?.['n']) > 0)
  assert.deepEqual(await listed(store, 'owner 1'), wanted(0, MANY))
  const sweep: Op = { op: 'sweep', at: 999, graceMs: 1, error: '{}', limit: MANY }
  await store.commit([sweep])
  assert.deepEqual(await listed(store, 'owner 1'), wanted(0, MANY))
  await store.commit([{ ...sweep, at: 1_000 }])
  assert.deepEqual(await listed(store, 'owner 1'), wanted(1_000, MANY))
  assert.equal(Number(sorted.get()?.['n']) + Number(fresh.get()?.['n']), MANY - 1_000)
  await store.close()
})

test('tasks from before there were lists are listed', async () => {
  const db = new DatabaseSync(':memory:')
  const [first = '', ...rest] = TASK_TABLES
  db.exec(first)
  db.exec(`INSERT INTO tasks (id, kind, version, owner, input, metadata, state, epoch, created_at,
      updated_at, expires_at, poll_ms)
    VALUES ('${idOf(1)}', 'any', '', 'ann', 'null', 'null', 'completed', 1, 5, 5, 9, 1)`)
  for (const step of rest) db.exec(step)
  const store = open(db)
  assert.deepEqual(await listed(store, 'ann'), [idOf(1)])
  await store.close()
})
