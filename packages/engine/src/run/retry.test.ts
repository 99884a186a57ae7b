import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { systemWorld } from '../world.ts'
import { pauseAfter } from './retry.ts'

test('pauses grow by the factor up to their limit, less at most the jitter', () => {
  const policy = { tries: 100, firstMs: 100, maxMs: 5_000, factor: 2, jitter: 0.5 }
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 99 }), (failed) => {
      const full = Math.min(5_000, 100 * 2 ** (failed - 1))
      const pause = pauseAfter(policy, failed, undefined, systemWorld)
      assert.ok(pause !== undefined && pause <= full && pause >= full / 2 - 1)
    }),
  )
})

test('there is no pause after the last try, without a policy, or for what will not go away', () => {
  assert.equal(pauseAfter({ tries: 3 }, 3, undefined, systemWorld), undefined)
  assert.equal(pauseAfter(undefined, 1, undefined, systemWorld), undefined)
  const when = (error: unknown): boolean => error !== 'fatal'
  assert.equal(pauseAfter({ tries: 3, when }, 1, 'fatal', systemWorld), undefined)
  assert.notEqual(pauseAfter({ tries: 3, when }, 1, 'brief', systemWorld), undefined)
})
