import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  bossDispatcher,
  connectPostgres,
  Engine,
  postgresStore,
  systemWorld,
  type Store,
} from '../../src/index.ts'
import { findPostgres, startPostgres, type RunningPostgres } from './start-postgres.ts'
import { storeSuite } from './suite.ts'

const found = findPostgres()

if ('why' in found) {
  test('Postgres: the suite did not run', { skip: found.why }, () => undefined)
} else {
  let server: RunningPostgres
  let schemas = 0
  before(async () => {
    server = await startPostgres(found.bin)
  })
  after(() => server.stop())

  const openIn = async (schema: string): Promise<Store> => {
    const { connectionString } = server
    return await postgresStore(await connectPostgres({ connectionString }, systemWorld), schema)
  }
  storeSuite('Postgres', () => openIn(`s${String(schemas++)}`))

  test('Postgres: pg-boss spreads tasks over processes, and each is run once', async () => {
    const ran: string[] = []
    const engine = async (who: string, concurrency: number): Promise<Engine> => {
      const { connectionString } = server
      const dispatcher = await bossDispatcher({ connectionString, concurrency: 8 }, systemWorld)
      const made = new Engine({ store: await openIn('spread'), dispatcher, concurrency })
      made.define<number>('job', async (task) => {
        await task.step('work', () => ran.push(`${String(task.input)} by ${who}`))
        await task.sleep('rest', 5)
        return await task.wait('go')
      })
      await made.start()
      return made
    }
    // Whoever creates has no room to run anything at once: everything goes through pg-boss.
    const a = await engine('a', 0)
    const b = await engine('b', 0)
    const tasks = await Promise.all(
      Array.from({ length: 40 }, (_, n) => a.create({ kind: 'job', owner: 'ann', input: n })),
    )
    await Promise.all(tasks.map(({ id }) => b.signal(id, 'go', 'gone')))
    const done = await Promise.all(tasks.map(({ id }) => b.finished(id)))
    assert.ok(done.every(({ result }) => result === 'gone'))
    assert.equal(new Set(ran.map((line) => line.split(' ')[0])).size, 40)
    assert.equal(ran.length, 40)
    await Promise.all([a.close(), b.close()])
  })

  test('Postgres: a transaction whose connection is cut fails, and the next one has another', async () => {
    const { connectionString } = server
    const one = await connectPostgres({ connectionString, connections: 1 }, systemWorld)
    const other = await connectPostgres({ connectionString, connections: 1 }, systemWorld)
    const cut = one.transact(async (query) => {
      const pid = (await query('SELECT pg_backend_pid() AS pid')).rows[0]?.['pid']
      await other.query('SELECT pg_terminate_backend($1, 5000)', [pid])
      // Nobody asks anything when the news of it comes.
      while ((await query('SELECT 1')).rows.length === 1);
    })
    await assert.rejects(cut, /connection|terminat/i)
    assert.equal((await one.transact((query) => query('SELECT 1'))).rows.length, 1)
    await Promise.all([one.close(), other.close()])
  })

  test('Postgres: two processes that open an empty database at once both find it ready', async () => {
    const stores = await Promise.all([openIn('race'), openIn('race'), openIn('race')])
    await Promise.all(stores.map((store) => store.close()))
  })
}
