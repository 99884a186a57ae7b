import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ManualWorld } from '../test/manual-world.ts'
import { TaskFault } from './index.ts'
import { later, TIMER_MS_MAX, toMs } from './world.ts'

test('a timer fires once, at its time, however far that is, and not when it was called off', async () => {
  const clock = new ManualWorld()
  const ms = TIMER_MS_MAX * 2 + 5
  let fired = 0
  let never = 0
  later(clock.world, ms, () => fired++)
  const off = later(clock.world, ms, () => never++)
  await clock.advance(ms - 1)
  assert.equal(fired, 0)
  off()
  await clock.advance(TIMER_MS_MAX)
  assert.deepEqual([fired, never, clock.timers], [1, 0, 0])
})

test('a duration is a whole number of milliseconds that can be added to any time, or refused', () => {
  fc.assert(
    fc.property(fc.double(), (ms) => {
      if (Number.isNaN(ms)) {
        assert.throws(() => toMs('it', ms), TaskFault)
        return
      }
      const whole = toMs('it', ms)
      assert.ok(Number.isSafeInteger(whole) && whole >= 0)
      assert.ok(Number.isSafeInteger(Date.now() + whole))
      if (ms >= 0 && ms <= 1e12) assert.ok(whole >= ms && whole <= ms + 1)
    }),
  )
})
