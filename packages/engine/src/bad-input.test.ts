import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { manualEngine } from '../test/manual-world.ts'
import { openSqliteStore, TaskFault, type Store, type TaskFaultCode } from './index.ts'

const ann = { owner: 'ann' } as const
const fault = (code: TaskFaultCode) => (error: unknown) =>
  error instanceof TaskFault && error.code === code

test('an unknown kind, a bad name, a bad id and what JSON cannot say are refused', async () => {
  const { engine } = manualEngine()
  engine.define('k', () => 1)
  await assert.rejects(engine.create({ kind: 'nope', ...ann }), fault('task/unknown-kind'))
  await assert.rejects(engine.create({ kind: 'k', owner: '' }), fault('task/bad-name'))
  await assert.rejects(engine.create({ kind: 'k', owner: 'a\u0000b' }), fault('task/bad-name'))
  await assert.rejects(engine.create({ kind: 'k', owner: '\uD800' }), fault('task/bad-name'))
  await assert.rejects(engine.create({ kind: 'k', ...ann, id: 'short' }), fault('task/bad-name'))
  await assert.rejects(engine.create({ kind: 'k', ...ann, input: 1n }), fault('task/bad-value'))
  assert.deepEqual((await engine.list({})).tasks, [])
  await engine.close()
})

test('a kind is not named like the engine’s own, and a version like nothing a database keeps', async () => {
  const { engine } = manualEngine()
  const handler = (): number => 1
  for (const kind of ['undo-run', '', 'a\nb', 'n'.repeat(501)]) {
    assert.throws(() => engine.define(kind, handler), fault('task/bad-name'), kind)
  }
  for (const version of ['a\u0000b', '\uD800']) {
    assert.throws(() => engine.define('k', handler, { version }), fault('task/bad-name'))
  }
  await engine.close()
})

test('who waits for a task with a signal for hours leaves no listeners behind', async () => {
  const { engine, clock } = manualEngine()
  engine.define('k', (task) => task.wait('never'))
  await engine.start()
  const { id } = await engine.create({ kind: 'k', ...ann })
  const stop = new AbortController()
  const finished = engine.finished(id, stop.signal)
  await clock.advance(60_000)
  assert.ok(getEventListeners(stop.signal, 'abort').length <= 1)
  stop.abort(new Error('enough'))
  await assert.rejects(finished, /enough/)
  assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
  await engine.close()
})

test('the same key means the same task for one owner, and other work under it is refused', async () => {
  const { engine } = manualEngine()
  engine.define('k', (task) => task.wait('never'))
  await engine.start()
  const first = await engine.create({ kind: 'k', ...ann, key: 'once', input: { a: 1 } })
  const again = await engine.create({ kind: 'k', ...ann, key: 'once', input: { a: 1 } })
  assert.equal(again.id, first.id)
  const other = engine.create({ kind: 'k', ...ann, key: 'once', input: { a: 2 } })
  await assert.rejects(other, fault('task/key-reused'))
  const eve = await engine.create({ kind: 'k', owner: 'eve', key: 'once', input: { a: 2 } })
  assert.notEqual(eve.id, first.id)
  await engine.close()
})

test('another owner’s task does not exist, and neither does one that never was', async () => {
  const { engine } = manualEngine()
  engine.define('k', (task) => task.wait('never'))
  await engine.start()
  const { id } = await engine.create({ kind: 'k', ...ann })
  assert.equal((await engine.get(id, 'ann'))?.id, id)
  assert.equal(await engine.get(id, 'eve'), undefined)
  const ghost = 'x'.repeat(22)
  await assert.rejects(engine.cancel(ghost), fault('task/not-found'))
  await assert.rejects(engine.signal(ghost, 'go', 1), fault('task/not-found'))
  await assert.rejects(engine.settle(ghost, { verdict: 'retry' }), fault('task/not-found'))
  await assert.rejects(engine.finished(ghost), fault('task/not-found'))
  await assert.rejects(engine.undo(id), fault('task/illegal'))
  await assert.rejects(engine.settle(id, { verdict: 'retry' }), fault('task/illegal'))
  await engine.close()
})

test('a cursor that did not come from here is refused; one that did goes on where it was', async () => {
  const { engine } = manualEngine()
  engine.define('k', (task) => task.wait('never'))
  await engine.start()
  await Promise.all([1, 2, 3].map(() => engine.create({ kind: 'k', ...ann })))
  for (const cursor of ['', 'abc', '!!!!', Buffer.from('1 ').toString('base64url')]) {
    await assert.rejects(engine.list({ cursor }), fault('task/bad-cursor'))
  }
  const first = await engine.list({ ...ann, limit: 2 })
  const rest = await engine.list({ ...ann, limit: 2, cursor: first.next ?? '' })
  assert.deepEqual([first.tasks.length, rest.tasks.length, rest.next], [2, 1, undefined])
  assert.equal(new Set([...first.tasks, ...rest.tasks].map(({ id }) => id)).size, 3)
  await engine.close()
})

test('an input, a result, a step and a journal over their limits each say so', async () => {
  const limits = { inputBytesMax: 100, valueBytesMax: 200, journalBytesMax: 1_000 }
  const { engine, clock } = manualEngine({ limits })
  const big = 'ü'.repeat(150)
  engine.define('result', () => big)
  engine.define('step', (task) => task.step('big', () => big))
  engine.define('long', async (task) => {
    for (let n = 0; ; n++) await task.step(`s${String(n)}`, () => 'x'.repeat(150))
  })
  await engine.start()
  const input = engine.create({ kind: 'result', ...ann, input: big })
  await assert.rejects(input, fault('task/input-too-large'))
  const codes = {
    result: 'task/value-too-large',
    step: 'task/value-too-large',
    long: 'task/journal-too-large',
  }
  for (const [kind, code] of Object.entries(codes)) {
    const { id } = await engine.create({ kind, ...ann })
    await clock.settle()
    assert.equal((await engine.get(id))?.error?.code, code, kind)
  }
  await engine.close()
})

test('one owner’s tasks in flight have a limit, and another owner does not feel it', async () => {
  const { engine } = manualEngine({ limits: { ownerOpenMax: 2, inboxMax: 1 } })
  engine.define('k', (task) => task.wait('never'))
  await engine.start()
  const { id } = await engine.create({ kind: 'k', ...ann })
  await engine.create({ kind: 'k', ...ann })
  await assert.rejects(engine.create({ kind: 'k', ...ann }), fault('task/owner-busy'))
  await engine.create({ kind: 'k', owner: 'eve' })
  await engine.signal(id, 'a', 1)
  await assert.rejects(engine.signal(id, 'b', 1), fault('task/inbox-full'))
  await engine.cancel(id)
  await engine.create({ kind: 'k', ...ann })
  await engine.close()
})

test('an answer is refused for what was not asked, and for what was answered', async () => {
  const { engine, clock } = manualEngine()
  engine.define('asks', async (task) => {
    await task.wait('name', { ask: 'your name?' })
    return await task.wait('end')
  })
  await engine.start()
  const { id } = await engine.create({ kind: 'asks', ...ann })
  await clock.settle()
  const answer = (name: string): Promise<void> => engine.signal(id, name, 'x', { isExpected: true })
  await assert.rejects(answer('age'), fault('task/not-waiting'))
  await answer('name')
  await assert.rejects(answer('name'), fault('task/not-waiting'))
  await clock.settle()
  await assert.rejects(answer('name'), fault('task/not-waiting'))
  await engine.close()
})

test('when the store cannot be written a creation is refused, and nothing half is left', async () => {
  const store = openSqliteStore(':memory:')
  let isFull = true
  const full: Store = {
    ...store,
    commit: (ops) =>
      isFull ? Promise.reject(new Error('database or disk is full')) : store.commit(ops),
  }
  const { engine, clock } = manualEngine({ store: full })
  engine.define('k', () => 'done')
  const refused = assert.rejects(engine.create({ kind: 'k', ...ann }), fault('store/unavailable'))
  await clock.advance(5_000)
  await refused
  isFull = false
  assert.deepEqual((await engine.list({})).tasks, [])
  await engine.start()
  const { id } = await engine.create({ kind: 'k', ...ann })
  await clock.settle()
  assert.equal((await engine.get(id))?.result, 'done')
  await engine.close()
})

test('a store that fails for a moment delays a task and repeats none of its steps', async () => {
  const store = openSqliteStore(':memory:')
  let failures = 0
  const flaky: Store = {
    ...store,
    commit: async (ops) => {
      const verdicts = await store.commit(ops)
      // Written, and the answer is lost: the worst kind of failure.
      if (ops.some(({ op }) => op === 'record' || op === 'finish') && failures++ % 2 === 0) {
        throw new Error('the connection broke')
      }
      return verdicts
    },
  }
  const { engine, clock } = manualEngine({ store: flaky })
  let runs = 0
  engine.define('k', (task) => task.attempt('once', { effect: 'write' }, () => ++runs))
  await engine.start()
  const { id } = await engine.create({ kind: 'k', ...ann })
  await clock.advance(1_000)
  assert.deepEqual([(await engine.get(id))?.state, runs], ['completed', 1])
  await engine.close()
})
