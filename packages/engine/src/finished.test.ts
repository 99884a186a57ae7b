import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Engine, openSqliteStore, type Store, type TaskContext } from './index.ts'

type Input = { readonly list: number[] }

test('who waits for the end of a task is told what the store has, whatever came before', async () => {
  const store = openSqliteStore(':memory:')
  let reads = 0
  const counted: Store = {
    ...store,
    get: (id) => {
      reads++
      return store.get(id)
    },
  }
  const engine = new Engine({ store: counted })
  const two = async (task: TaskContext<Input>): Promise<unknown> => {
    await task.step('one', () => 1)
    // A handler may do so, and nobody else sees it.
    task.input.list.push(2)
    return await task.step('two', () => ({ two: 2 }))
  }
  const fails = async (task: TaskContext<Input>): Promise<never> => {
    await two(task)
    throw new RangeError('on purpose')
  }
  const shows = async (task: TaskContext<Input>): Promise<unknown> => {
    task.progress(1, 2, 'half')
    return await two(task)
  }
  const isOpen = Promise.withResolvers<void>()
  const asked = async (task: TaskContext<Input>): Promise<unknown> => {
    await task.step('open', () => isOpen.promise)
    return await two(task)
  }
  for (const [kind, handler] of Object.entries({ two, fails, shows, asked })) {
    engine.define<Input>(kind, handler)
  }
  await engine.start()
  const end = async (kind: string): Promise<number> => {
    const order = { kind, owner: 'ann', metadata: { of: kind }, input: { list: [1] } }
    const { id } = await engine.create(order)
    if (kind === 'asked') {
      await engine.signal(id, 'go', 'yes')
      isOpen.resolve()
    }
    reads = 0
    const [ended, same] = await Promise.all([engine.finished(id), engine.finished(id)])
    const readFor = reads
    assert.deepEqual(ended, await store.get(id))
    assert.deepEqual(same, ended)
    assert.notEqual(same, ended)
    assert.deepEqual(ended.input, { list: [1] })
    return readFor
  }
  assert.equal(await end('two'), 0)
  assert.equal(await end('fails'), 0)
  assert.ok((await end('shows')) > 0)
  assert.ok((await end('asked')) > 0)
  await engine.close()
})
