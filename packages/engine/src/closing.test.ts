import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualWorld, manualEngine } from '../test/manual-world.ts'
import { Engine, openSqliteStore, type Store, type World } from './index.ts'

const ann = { owner: 'ann' } as const

test('closing lets what runs come to rest and gives the rest back for the next start', async () => {
  const store = openSqliteStore(':memory:')
  const kept: Store = { ...store, close: () => Promise.resolve() }
  const { engine, clock } = manualEngine({ store: kept })
  const free = Promise.withResolvers<string>()
  const define = (to: Engine): void => {
    to.define('two', async (task) => {
      const one = await task.step('one', () => free.promise)
      return [one, await task.step('two', () => 'two')]
    })
  }
  define(engine)
  await engine.start()
  const { id } = await engine.create({ kind: 'two', ...ann })
  await clock.settle()
  const closed = engine.close()
  free.resolve('one')
  await closed
  assert.deepEqual(
    (await store.journal(id)).map(({ name }) => name),
    ['one'],
  )
  const next = manualEngine({ store: kept })
  define(next.engine)
  await next.engine.start()
  await next.clock.advance(1)
  assert.deepEqual((await next.engine.get(id))?.result, ['one', 'two'])
  await next.engine.close()
  await store.close()
})

test('closing waits for the store to take what has just ended', async () => {
  const store = openSqliteStore(':memory:')
  const written: string[] = []
  /** Far away: an answer takes longer than anything here. */
  const far: Store = {
    ...store,
    commit: async (ops) => {
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
      written.push(...ops.map(({ op }) => op))
      return await store.commit(ops)
    },
    close: () => Promise.resolve(),
  }
  const { engine, clock } = manualEngine({ store: far })
  const free = Promise.withResolvers<string>()
  engine.define('two', async (task) => {
    await task.step('one', () => free.promise)
    return await task.step('two', () => 'two')
  })
  await engine.start()
  const creation = engine.create({ kind: 'two', ...ann })
  await clock.settle()
  const { id } = await creation
  await clock.settle()
  const closed = engine.close()
  free.resolve('one')
  await closed
  assert.deepEqual(
    (await store.journal(id)).map(({ name, kind }) => [name, kind]),
    [['one', 'done']],
  )
  // Given away only after that: whoever takes it over has all of it.
  assert.deepEqual(written.slice(-2), ['record', 'renew'])
  await store.close()
})

test('a task that is kept from going on while its engine closes wants to go on at once', async () => {
  const store = openSqliteStore(':memory:')
  const kept: Store = { ...store, close: () => Promise.resolve() }
  const free = Promise.withResolvers<string>()
  const long = Promise.withResolvers<string>()
  const define = (to: Engine): void => {
    to.define('long', (task) => task.step('long', () => long.promise))
    to.define('branches', (task) =>
      Promise.race([
        task.wait('never'),
        (async () => {
          await task.step('one', () => free.promise)
          return await task.step('two', () => 'two')
        })(),
      ]),
    )
  }
  const { engine, clock } = manualEngine({ store: kept })
  define(engine)
  await engine.start()
  const { id } = await engine.create({ kind: 'branches', ...ann })
  await engine.create({ kind: 'long', ...ann })
  await clock.settle()
  const closed = engine.close()
  free.resolve('one')
  await clock.settle()
  long.resolve('long')
  await closed
  const next = manualEngine({ store: kept })
  define(next.engine)
  await next.engine.start()
  await next.clock.settle()
  assert.equal((await next.engine.get(id))?.result, 'two')
  await next.engine.close()
  await store.close()
})

test('a creation that is repeated while its task is lost to us begins nothing a second time', async () => {
  const store = openSqliteStore(':memory:')
  let isAway = false
  const away: Store = {
    ...store,
    commit: (ops) => (isAway ? Promise.reject(new Error('away')) : store.commit(ops)),
  }
  const pace = { leaseMs: 60_000, sweepMs: 600_000, drainMs: 0 }
  const { engine, clock } = manualEngine({ store: away, pace })
  let charges = 0
  engine.define('pay', async (task) => {
    await task.attempt('charge', { effect: 'write' }, () => {
      charges++
      isAway = true
    })
  })
  await engine.start()
  const order = { kind: 'pay', ...ann, key: 'once' }
  const { id } = await engine.create(order)
  // The store stays away until the run gives up, and is back before the lease is over.
  await clock.advance(59_990)
  isAway = false
  await clock.advance(9)
  assert.equal((await engine.create(order)).id, id)
  await clock.settle()
  assert.deepEqual([(await engine.get(id))?.state, charges], ['unknown', 1])
  await engine.close()
})

test('a creation whose answer is lost is found by the next try, and run at once', async () => {
  const store = openSqliteStore(':memory:')
  let isLost = true
  const deaf: Store = {
    ...store,
    commit: async (ops) => {
      const verdicts = await store.commit(ops)
      if (isLost && ops.some(({ op }) => op === 'create')) {
        isLost = false
        throw new Error('the answer is lost')
      }
      return verdicts
    },
  }
  const { engine, clock } = manualEngine({ store: deaf })
  engine.define('k', () => 'done')
  await engine.start()
  const made = engine.create({ kind: 'k', ...ann })
  await clock.advance(100)
  const { id } = await made
  await clock.settle()
  assert.equal((await engine.get(id))?.result, 'done')
  await engine.close()
})

test('a deadline, a sleep and a try may be longer than a timer of the machine can be', async () => {
  const DAY_MS = 86_400_000
  const clock = new ManualWorld()
  let armed = 0
  // As Node does it: what is too long for a timer is over at once.
  const after: World['after'] = (ms, then) => {
    armed++
    return clock.world.after(ms > 2 ** 31 - 1 ? 1 : ms, then)
  }
  const world = { ...clock.world, after }
  const engine = new Engine({ store: openSqliteStore(':memory:'), world })
  engine.define('patient', async (task) => {
    const never = new Promise<void>(() => undefined)
    const nap = task.sleep('nap', 50 * DAY_MS)
    await Promise.race([nap, task.step('long', () => never, { timeoutMs: 60 * DAY_MS })])
  })
  await engine.start()
  const { id } = await engine.create({ kind: 'patient', ...ann, deadlineMs: 90 * DAY_MS })
  await clock.settle()
  const before = armed
  await clock.advance(1_000)
  assert.equal((await engine.get(id))?.state, 'working')
  assert.equal(armed, before)
  const closed = engine.close()
  await clock.advance(20_000)
  await closed
})
