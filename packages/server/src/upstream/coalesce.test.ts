import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeWorld } from '../../test/upstream/fakes/world.ts'
import { coalesce } from './coalesce.ts'
import type { UpstreamEvent } from './upstream.ts'

// L-017
test('changes that follow closely are told as one, and none is lost', () => {
  const world = makeWorld()
  const told: UpstreamEvent[] = []
  const emit = coalesce(world, (event) => told.push(event))
  const change = { kind: 'list-changed', list: 'tools' } as const
  for (let at = 0; at < 10; at++) emit(change)
  emit({ kind: 'list-changed', list: 'prompts' })
  assert.equal(told.length, 2)
  world.pass(200)
  assert.deepEqual(told.at(-1), change)
  assert.equal(told.length, 3)
  world.pass(1_000)
  emit(change)
  assert.equal(told.length, 4)
})
