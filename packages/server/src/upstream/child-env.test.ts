import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeWorld } from '../../test/upstream/fakes/world.ts'
import { inheritedEnv } from './child-env.ts'

test('a child inherits names from a list, and no functions', () => {
  const env = new Map([
    ['PATH', '/bin'],
    ['HOME', '() { evil; }'],
    ['AWS_SECRET_ACCESS_KEY', 'x'],
  ])
  const world = { ...makeWorld(), env: (name: string) => env.get(name) }
  assert.deepEqual(inheritedEnv(world), { PATH: '/bin' })
  env.set('SYSTEMROOT', 'C:')
  assert.deepEqual(inheritedEnv({ ...world, platform: 'win32' }), {
    PATH: '/bin',
    SYSTEMROOT: 'C:',
  })
})
