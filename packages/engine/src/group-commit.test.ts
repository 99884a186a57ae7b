import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { GroupCommit, openDatabase, StoreLocked } from './index.ts'

function fresh(): { readonly db: ReturnType<typeof openDatabase>; readonly group: GroupCommit } {
  const db = openDatabase(':memory:')
  db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY)')
  return { db, group: new GroupCommit(db) }
}
const ids = (db: ReturnType<typeof openDatabase>): readonly number[] =>
  db
    .prepare('SELECT id FROM t ORDER BY id')
    .all()
    .map((row) => Number(row['id']))

test('a write that fails is undone alone; its neighbours in the same commit stand', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 30 }),
      async (wanted) => {
        const { db, group } = fresh()
        const insert = db.prepare('INSERT INTO t (id) VALUES (?)')
        const settled = await Promise.allSettled(
          wanted.map((id) => group.commit(() => void insert.run(id))),
        )
        // The first of equal ids wins whatever the batch was, and each caller learns its own fate.
        const expected = wanted.map((id, at) => wanted.indexOf(id) === at)
        assert.deepEqual(
          settled.map(({ status }) => status === 'fulfilled'),
          expected,
        )
        assert.deepEqual(
          ids(db),
          [...new Set(wanted)].toSorted((a, b) => a - b),
        )
        db.close()
      },
    ),
    { numRuns: 50 },
  )
})

test('a write behind is carried by the next urgent commit', async () => {
  const { db, group } = fresh()
  const insert = db.prepare('INSERT INTO t (id) VALUES (?)')
  const behind = group.commit(() => void insert.run(1), 60_000)
  await group.commit(() => void insert.run(2))
  await behind
  assert.deepEqual(ids(db), [1, 2])
  db.close()
})

test('flush settles what was handed in before it returns to the event loop', async () => {
  const { db, group } = fresh()
  const behind = group.commit(() => {
    db.exec('INSERT INTO t (id) VALUES (7)')
  }, 60_000)
  group.flush()
  assert.deepEqual(ids(db), [7])
  await behind
  db.close()
})

test('a second owner of the same file is turned away with StoreLocked', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-'))
  const first = openDatabase(join(folder, 'a.db'))
  assert.throws(() => openDatabase(join(folder, 'a.db')), StoreLocked)
  first.close()
  openDatabase(join(folder, 'a.db')).close()
  rmSync(folder, { recursive: true })
})
