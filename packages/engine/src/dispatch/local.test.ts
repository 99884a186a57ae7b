import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemWorld } from '../world.ts'
import { localDispatcher } from './local.ts'

test('what a jump of the clock made due does not wait for a timer of before', async () => {
  let now = 0
  // A machine that slept: its clock went on, and no timer did.
  const world = { ...systemWorld, now: () => now, after: () => () => undefined }
  const dispatcher = localDispatcher(world)
  const ran: string[] = []
  const both = Promise.withResolvers<void>()
  await dispatcher.start(async (task) => {
    if (ran.push(task) === 2) both.resolve()
  })
  dispatcher.hint('tomorrow', 1_000)
  now = 2_000
  dispatcher.hint('now', now)
  await both.promise
  assert.deepEqual(ran, ['tomorrow', 'now'])
  await dispatcher.stop()
})
