import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeWorld } from '../../test/upstream/fakes/world.ts'
import { backoffMs } from './backoff.ts'

// S-009
test('waits grow, are jittered over their upper half, and stay bounded', () => {
  const world = makeWorld() // Chance is one half here.
  const bounds = { firstMs: 200, maxMs: 30_000 }
  assert.deepEqual(
    [1, 2, 3, 100].map((failures) => backoffMs(world, failures, bounds)),
    [150, 300, 600, 22_500],
  )
})
