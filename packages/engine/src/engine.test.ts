import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualEngine } from '../test/manual-world.ts'
import { NotDone, openSqliteStore, type Store } from './index.ts'

const ann = { owner: 'ann' } as const

test('a waiting task holds no timer and no run, and an hour of sleep is one row', async () => {
  const { engine, clock } = manualEngine()
  engine.define('sleeper', async (task) => {
    await task.sleep('hour', 3_600_000)
    return task.now()
  })
  engine.define('asker', (task) => task.wait('never'))
  await engine.start()
  const armed = clock.timers
  await Promise.all(Array.from({ length: 50 }, () => engine.create({ kind: 'asker', ...ann })))
  const { id, createdAt } = await engine.create({ kind: 'sleeper', ...ann })
  await clock.settle()
  // One timer of the dispatcher for all that wait for a time.
  assert.equal(clock.timers, armed + 1)
  assert.equal((await engine.get(id))?.state, 'waiting')
  await clock.advance(3_600_000)
  const done = await engine.get(id)
  assert.equal(done?.state, 'completed')
  assert.ok(Number(done.result) >= createdAt + 3_600_000)
  await engine.close()
})

test('a handler that takes another path than its journal is stopped, and told where', async () => {
  const { engine, clock } = manualEngine()
  let name = 'first'
  engine.define('changing', async (task) => {
    await task.step(name, () => 1)
    await task.sleep('pause', 10)
    return 'never comes here'
  })
  await engine.start()
  const { id } = await engine.create({ kind: 'changing', ...ann })
  await clock.settle()
  name = 'renamed'
  await clock.advance(10)
  const task = await engine.get(id)
  assert.equal(task?.error?.code, 'task/nondeterministic')
  assert.match(task.error.message, /Call 1 .* the step "first" .* now the step "renamed"/)
  await engine.close()
})

test('a handler that ends before its journal does is stopped', async () => {
  const { engine, clock } = manualEngine()
  let isShort = false
  engine.define('shrinking', async (task) => {
    if (isShort) return 'short'
    await task.step('one', () => 1)
    return await task.wait('go')
  })
  await engine.start()
  const { id } = await engine.create({ kind: 'shrinking', ...ann })
  await clock.settle()
  isShort = true
  await engine.signal(id, 'go', 1)
  await clock.settle()
  assert.match((await engine.get(id))?.error?.message ?? '', /goes on with call 1, the step "one"/)
  await engine.close()
})

test('tasks go on with the version of the handler they began with', async () => {
  const { engine, clock } = manualEngine()
  const old = async (wait: (name: string) => Promise<unknown>): Promise<string> => {
    await wait('go')
    return 'old'
  }
  engine.define('tool', (task) => old((name) => task.wait(name)), { version: '1' })
  await engine.start()
  const first = await engine.create({ kind: 'tool', ...ann })
  await clock.settle()
  engine.define('tool', () => 'new', { version: '2' })
  const second = await engine.create({ kind: 'tool', ...ann })
  await engine.signal(first.id, 'go', 1)
  await clock.settle()
  assert.deepEqual(
    [(await engine.get(first.id))?.result, (await engine.get(second.id))?.result],
    ['old', 'new'],
  )
  await engine.close()
})

test('a task of a kind that is not known here is put back, and done when it is', async () => {
  const store = openSqliteStore(':memory:')
  const shared: Store = { ...store, isExclusive: false, close: () => Promise.resolve() }
  const first = manualEngine({ store: shared })
  first.engine.define('rare', () => 'done')
  const { id } = await first.engine.create({ kind: 'rare', ...ann })
  const { engine, clock } = manualEngine({ store: shared })
  await engine.start()
  await clock.advance(1_000)
  assert.equal((await engine.get(id))?.state, 'waiting')
  engine.define('rare', () => 'done')
  await clock.advance(60_000)
  assert.equal((await engine.get(id))?.result, 'done')
  await engine.close()
  await store.close()
})

test('a deadline ends a task that works and one that waits', async () => {
  const { engine, clock } = manualEngine()
  let reason: unknown
  engine.define('slow', (task) =>
    task.step('slow', async ({ signal }) => {
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve)
      })
      reason = signal.reason
    }),
  )
  engine.define('waits', (task) => task.wait('never'))
  await engine.start()
  const slow = await engine.create({ kind: 'slow', ...ann, deadlineMs: 100 })
  const waits = await engine.create({ kind: 'waits', ...ann, deadlineMs: 100 })
  await clock.advance(100)
  for (const { id } of [slow, waits]) {
    assert.equal((await engine.get(id))?.error?.code, 'task/deadline')
  }
  assert.ok(reason instanceof Error)
  await engine.close()
})

test('cancelling is final at once, aborts what runs, and notes what came too late', async () => {
  const { engine, clock } = manualEngine()
  const free = Promise.withResolvers<string>()
  let isAborted = false
  engine.define('busy', (task) =>
    task.step('busy', ({ signal }) => {
      signal.addEventListener('abort', () => {
        isAborted = true
      })
      return free.promise
    }),
  )
  await engine.start()
  const { id } = await engine.create({ kind: 'busy', ...ann })
  await clock.settle()
  assert.equal((await engine.cancel(id, 'no longer wanted')).state, 'cancelled')
  assert.ok(isAborted)
  free.resolve('too late')
  await clock.settle()
  const task = await engine.get(id)
  assert.deepEqual([task?.state, task?.error?.message], ['cancelled', 'no longer wanted'])
  const late = (await engine.journal(id)).find(({ kind }) => kind === 'late')
  assert.deepEqual(late?.body, { kind: 'done', value: 'too late' })
  await assert.rejects(engine.cancel(id), { code: 'task/illegal' })
  await engine.close()
})

test('cancelling a parent cancels the child it waits for', async () => {
  const { engine, clock } = manualEngine()
  engine.define('child', (task) => task.wait('never'))
  engine.define('parent', (task) => task.child('one', 'child', null))
  await engine.start()
  const { id } = await engine.create({ kind: 'parent', ...ann })
  await clock.settle()
  await engine.cancel(id)
  const { tasks } = await engine.list(ann)
  assert.deepEqual(
    tasks.map(({ state }) => state),
    ['cancelled', 'cancelled'],
  )
  await engine.close()
})

test('a task that outlives its time fails, can be read for a while, and is gone', async () => {
  const { engine, clock } = manualEngine({ limits: { graceMs: 60_000 } })
  engine.define('waits', (task) => task.wait('never'))
  await engine.start()
  const { id } = await engine.create({ kind: 'waits', ...ann, ttlMs: 30_000 })
  await clock.advance(40_000)
  assert.equal((await engine.get(id))?.error?.code, 'task/expired')
  await clock.advance(70_000)
  assert.equal(await engine.get(id), undefined)
  await engine.close()
})

test('a wait that is not answered in time throws into the handler', async () => {
  const { engine, clock } = manualEngine()
  engine.define('impatient', (task) =>
    task.wait('go', { timeoutMs: 1_000 }).catch((error: unknown) => (error as Error).message),
  )
  await engine.start()
  const { id } = await engine.create({ kind: 'impatient', ...ann })
  await clock.advance(1_000)
  assert.equal((await engine.get(id))?.result, 'No "go" came in time.')
  await engine.close()
})

test('a signal that came before anybody waited is not lost, and counts once', async () => {
  const { engine, clock } = manualEngine()
  engine.define('late', async (task) => {
    await task.sleep('first', 100)
    return [await task.wait('go'), await task.wait('go', { timeoutMs: 50 }).catch(() => 'none')]
  })
  await engine.start()
  const { id } = await engine.create({ kind: 'late', ...ann })
  await engine.signal(id, 'go', 1, { signalId: 's' })
  await engine.signal(id, 'go', 1, { signalId: 's' })
  await clock.advance(200)
  assert.deepEqual((await engine.get(id))?.result, [1, 'none'])
  await engine.close()
})

test('a signal wins a race against a long step that is still running', async () => {
  const { engine, clock } = manualEngine()
  engine.define('race', (task) =>
    Promise.race([task.step('long', () => new Promise(() => undefined)), task.wait('stop')]),
  )
  await engine.start()
  const { id } = await engine.create({ kind: 'race', ...ann })
  await clock.settle()
  await engine.signal(id, 'stop', 'stopped')
  await clock.settle()
  assert.equal((await engine.get(id))?.result, 'stopped')
  await engine.close()
})

test('a write that fails without saying that it did not happen is unknown; NotDone is a failure', async () => {
  const { engine, clock } = manualEngine()
  let tries = 0
  const write = { effect: 'write', retry: { tries: 3, firstMs: 1 } } as const
  engine.define('vague', (task) =>
    task.attempt('send', write, () => {
      throw new Error('the connection broke')
    }),
  )
  engine.define('clear', (task) =>
    task.attempt('send', write, () => {
      tries++
      throw new NotDone('refused')
    }),
  )
  await engine.start()
  const vague = await engine.create({ kind: 'vague', ...ann })
  const clear = await engine.create({ kind: 'clear', ...ann })
  await clock.advance(1_000)
  assert.equal((await engine.get(vague.id))?.state, 'unknown')
  assert.deepEqual([(await engine.get(clear.id))?.error?.message, tries], ['refused', 3])
  const settled = await engine.settle(vague.id, { verdict: 'abandon', reason: 'nobody knows' })
  assert.deepEqual([settled.state, settled.error?.message], ['failed', 'nobody knows'])
  await engine.close()
})

test('of several unknown outcomes one must be named, and each is settled by itself', async () => {
  const { engine, clock } = manualEngine()
  engine.define('both', (task) =>
    Promise.all(
      ['a', 'b'].map((name) =>
        task.attempt(name, { effect: 'write' }, () => {
          throw new Error('broke')
        }),
      ),
    ),
  )
  await engine.start()
  const { id } = await engine.create({ kind: 'both', ...ann })
  await clock.settle()
  await assert.rejects(engine.settle(id, { verdict: 'retry' }), /name one of: a, b/)
  await engine.settle(id, { verdict: 'happened', result: 1 }, 'a')
  await clock.advance(10)
  assert.equal((await engine.get(id))?.state, 'unknown')
  await assert.rejects(engine.settle(id, { verdict: 'retry' }, 'a'), { code: 'task/illegal' })
  await engine.settle(id, { verdict: 'happened', result: 2 }, 'b')
  await clock.advance(10)
  assert.deepEqual((await engine.get(id))?.result, [1, 2])
  await engine.close()
})

test('a try that takes too long is aborted, and what it still gives is noted', async () => {
  const { engine, clock } = manualEngine()
  const free = Promise.withResolvers<string>()
  engine.define('slow', (task) =>
    task.step('slow', () => free.promise, { timeoutMs: 50 }).catch((error: unknown) => error),
  )
  await engine.start()
  const { id } = await engine.create({ kind: 'slow', ...ann })
  await clock.advance(50)
  free.resolve('late')
  await clock.settle()
  const kinds = (await engine.journal(id)).map(({ kind }) => kind)
  assert.deepEqual(kinds, ['threw', 'late'])
  await engine.close()
})

test('an attempt with a handle lets its task go and is resumed by the handle', async () => {
  const { engine, clock } = manualEngine()
  let polls = 0
  engine.define('remote', (task) =>
    task.attempt(
      'remote',
      {
        effect: 'write',
        resume: (handle, context) =>
          ++polls < 3 ? context.later(1_000) : `${JSON.stringify(handle)} done`,
      },
      async (context) => {
        await context.handle('job 7')
        return await context.later(1_000)
      },
    ),
  )
  await engine.start()
  const { id } = await engine.create({ kind: 'remote', ...ann })
  await clock.settle()
  assert.equal((await engine.get(id))?.state, 'waiting')
  await clock.advance(5_000)
  assert.deepEqual([(await engine.get(id))?.result, polls], ['"job 7" done', 3])
  await engine.close()
})

test('progress and status are shown while the task works, and not repeated in a replay', async () => {
  const { engine, clock } = manualEngine()
  engine.define('shows', async (task) => {
    task.progress(1, 4, 'first')
    task.status('at work')
    await task.step('one', () => 1)
    await task.wait('go')
    task.progress(2, 4)
    return await task.wait('end')
  })
  await engine.start()
  const { id } = await engine.create({ kind: 'shows', ...ann })
  await clock.settle()
  const before = await engine.get(id)
  assert.deepEqual(
    [before?.progress, before?.status],
    [{ done: 1, total: 4, message: 'first' }, 'at work'],
  )
  await engine.signal(id, 'go', 1)
  await clock.settle()
  assert.deepEqual((await engine.get(id))?.progress, { done: 2, total: 4 })
  await engine.close()
})

test('a child that was undoable is undone as a task of its own', async () => {
  const { engine, clock } = manualEngine()
  const undone: string[] = []
  engine.define('leaf', (task) =>
    task.step('leaf', () => 1, { undo: () => void undone.push('leaf') }),
  )
  engine.define('tree', async (task) => {
    await task.step('root', () => 1, { undo: () => void undone.push('root') })
    await task.child('grown', 'leaf', null, { isUndoable: true })
  })
  await engine.start()
  const { id } = await engine.create({ kind: 'tree', ...ann })
  await clock.settle()
  const undo = await engine.undo(id)
  await clock.settle()
  assert.equal((await engine.get(undo.id))?.state, 'completed')
  assert.deepEqual(undone, ['leaf', 'root'])
  await engine.close()
})
