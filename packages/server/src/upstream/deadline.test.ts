import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeWorld } from '../../test/upstream/fakes/world.ts'
import { Deadline } from './deadline.ts'

const start = (ms: number) => {
  const world = makeWorld()
  let expired = 0
  const deadline = new Deadline(world, ms, () => expired++)
  return { world, deadline, expired: () => expired }
}

test('it runs out once', () => {
  const { world, expired } = start(100)
  world.pass(99)
  assert.equal(expired(), 0)
  world.pass(1_000)
  assert.equal(expired(), 1)
})

// P-012
test('it stands still while paused, until the last pause is over', () => {
  const { world, deadline, expired } = start(100)
  world.pass(60)
  deadline.pause()
  deadline.pause()
  world.pass(10_000)
  deadline.resume()
  world.pass(10_000)
  deadline.resume()
  world.pass(39)
  assert.equal(expired(), 0)
  world.pass(1)
  assert.equal(expired(), 1)
})

test('once cleared it never runs out, not even when a pause ends', () => {
  const { world, deadline, expired } = start(100)
  deadline.pause()
  deadline.clear()
  deadline.resume()
  world.pass(10_000)
  assert.equal(expired(), 0)
})
