import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Engine, openSqliteStore } from './index.ts'

test('no more tasks run at once than allowed, however many are created at once', async () => {
  const engine = new Engine({ store: openSqliteStore(':memory:'), concurrency: 4 })
  let running = 0
  let most = 0
  engine.define('counted', async (task) => {
    running++
    most = Math.max(most, running)
    await task.step('one', () => 1)
    await task.step('two', () => 2)
    running--
    return 'done'
  })
  await engine.start()
  const order = { kind: 'counted', owner: 'ann' }
  const refused = engine.create({ ...order, input: 1n })
  await assert.rejects(refused)
  const created = await Promise.all(Array.from({ length: 100 }, () => engine.create(order)))
  const ended = await Promise.all(created.map(({ id }) => engine.finished(id)))
  assert.ok(ended.every(({ result }) => result === 'done'))
  // All places are in use again: the refused creation has given its own back.
  assert.equal(most, 4)
  await engine.close()
})
