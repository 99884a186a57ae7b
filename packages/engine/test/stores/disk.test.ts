import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import {
  Engine,
  GroupCommit,
  openDatabase,
  openSqliteStore,
  sqliteStore,
  StoreUnwritable,
  TaskFault,
  type Store,
} from '../../src/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-disk-'))
after(() => {
  rmSync(folder, { recursive: true, force: true })
})

const ann = { owner: 'ann' } as const
const isUnavailable = (error: unknown): boolean =>
  error instanceof TaskFault && error.code === 'store/unavailable'

/** Makes a real disk fail under an engine: as one that is full, or was mounted read-only. */
interface Trouble {
  readonly begin: (db: DatabaseSync) => void
  readonly end: (db: DatabaseSync) => void
}
const pages = (db: DatabaseSync): number =>
  Number(db.prepare('PRAGMA page_count').get()?.['page_count'])
const TROUBLES: Readonly<Record<string, Trouble>> = {
  'a full disk': {
    begin: (db) => {
      db.exec(`PRAGMA max_page_count = ${String(pages(db))}`)
    },
    end: (db) => {
      db.exec('PRAGMA max_page_count = 1000000')
    },
  },
  'a disk that became read-only': {
    begin: (db) => {
      db.exec('PRAGMA query_only = ON')
    },
    end: (db) => {
      db.exec('PRAGMA query_only = OFF')
    },
  },
}

function open(path: string): { readonly db: DatabaseSync; readonly store: Store } {
  // The tables first, as a store of its own makes them.
  void openSqliteStore(path).close()
  const db = openDatabase(path)
  const group = new GroupCommit(db)
  const close = (): void => {
    group.close()
    db.close()
  }
  const store = sqliteStore({
    prepare: (sql) => db.prepare(sql),
    commit: (write) => group.commit(write),
    close,
  })
  return { db, store }
}

/** More than any page that is there has room for. */
const LARGE = 'x'.repeat(20_000)

for (const [name, { begin, end }] of Object.entries(TROUBLES)) {
  const path = join(folder, `${name.replaceAll(' ', '-')}.db`)

  test(`${name}: a creation is refused whole, and what runs goes on when there is room`, async () => {
    const { db, store } = open(path)
    let isFailing = false
    const failed = Promise.withResolvers<void>()
    const watched: Store = {
      ...store,
      commit: async (ops) => {
        try {
          return await store.commit(ops)
        } catch (error) {
          if (ops.some(({ op }) => op === 'record')) failed.resolve()
          throw error
        }
      },
    }
    const engine = new Engine({ store: watched })
    const effects: string[] = []
    const entered = Promise.withResolvers<void>()
    const free = Promise.withResolvers<void>()
    engine.define('write', async (task) => {
      const effect = { effect: 'write' } as const
      await task.attempt('first', effect, async () => {
        effects.push('first')
        entered.resolve()
        await free.promise
        return LARGE
      })
      await task.attempt('second', effect, () =>
        effects.push(`second, failing: ${String(isFailing)}`),
      )
      return 'done'
    })
    await engine.start()
    const { id } = await engine.create({ kind: 'write', ...ann })
    await entered.promise
    begin(db)
    isFailing = true
    const refused = engine.create({ kind: 'write', ...ann, key: 'refused', input: LARGE })
    await assert.rejects(refused, isUnavailable)
    free.resolve()
    await failed.promise
    assert.deepEqual((await engine.list(ann)).tasks.length, 1)
    isFailing = false
    end(db)
    assert.equal((await engine.finished(id)).result, 'done')
    assert.deepEqual(effects, ['first', 'second, failing: false'])
    await engine.close()

    const again = openSqliteStore(path)
    assert.equal((await again.get(id))?.state, 'completed')
    assert.deepEqual(
      (await again.journal(id)).map(({ kind }) => kind),
      ['began', 'done', 'began', 'done'],
    )
    assert.equal((await again.list({ limit: 9 })).length, 1)
    await again.close()
    const check = openDatabase(path)
    assert.equal(check.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok')
    check.close()
  })

  test(`${name}: what could not be written before the end is unknown, and not done again`, async () => {
    const { db, store } = open(`${path}2`)
    const engine = new Engine({ store, pace: { drainMs: 100 } })
    let effects = 0
    const entered = Promise.withResolvers<void>()
    const free = Promise.withResolvers<string>()
    const define = (to: Engine): void => {
      to.define('write', (task) =>
        task.attempt('once', { effect: 'write' }, () => {
          effects++
          entered.resolve()
          return free.promise
        }),
      )
    }
    define(engine)
    await engine.start()
    const { id } = await engine.create({ kind: 'write', ...ann })
    await entered.promise
    begin(db)
    const closed = engine.close()
    free.resolve(LARGE)
    await closed

    const next = new Engine({ store: openSqliteStore(`${path}2`) })
    define(next)
    await next.start()
    assert.equal((await next.finished(id)).state, 'unknown')
    assert.equal(effects, 1)
    await next.settle(id, { verdict: 'happened', result: 'seen' })
    assert.equal((await next.finished(id)).result, 'seen')
    await next.close()
  })
}

test('closing writes what is known: a step that has just ended is not done again', async () => {
  const path = join(folder, 'held.db')
  const steps: string[] = []
  const both = Promise.withResolvers<void>()
  const define = (to: Engine): void => {
    to.define('steps', async (task) => {
      const step = (name: string): Promise<number> => task.step(name, () => steps.push(name))
      await step('one')
      if (steps.length === 1) both.resolve()
      return await step('two')
    })
  }
  const engine = new Engine({ store: openSqliteStore(path) })
  define(engine)
  await engine.start()
  const { id } = await engine.create({ kind: 'steps', ...ann })
  await both.promise
  await engine.close()
  const next = new Engine({ store: openSqliteStore(path) })
  define(next)
  await next.start()
  assert.equal((await next.finished(id)).state, 'completed')
  assert.deepEqual(steps, ['one', 'two'])
  await next.close()
})

const whoever = process.getuid?.()
test(
  'a file, or a folder, that cannot be written is refused in words, and left as it is',
  { skip: whoever === undefined && 'no users here' },
  async () => {
    const place = mkdtempSync(join(folder, 'read-only-'))
    const path = join(place, 'a.db')
    await openSqliteStore(path).close()
    if (whoever === 0) for (const each of [folder, place, path]) chownSync(each, 65_534, 65_534)
    // Root may write everywhere, so it becomes somebody who may not.
    if (whoever === 0) process.seteuid?.(65_534)
    try {
      chmodSync(path, 0o400)
      assert.throws(() => openSqliteStore(path), StoreUnwritable)
      chmodSync(path, 0o600)
      chmodSync(place, 0o500)
      for (const file of ['a.db', 'b.db', 'deeper/b.db']) {
        assert.throws(
          () => openSqliteStore(join(place, file)),
          /cannot be written: .*read-only or full/,
        )
      }
      assert.deepEqual(readdirSync(place), ['a.db'])
      chmodSync(place, 0o700)
      await openSqliteStore(path).close()
    } finally {
      if (whoever === 0) process.seteuid?.(0)
    }
  },
)
