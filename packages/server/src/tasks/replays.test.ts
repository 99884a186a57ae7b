import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemWorld, type World } from '#base'
import { makeReplays } from './replays.ts'

function fresh(): { readonly pass: () => void; readonly once: ReturnType<typeof replays>['once'] } {
  const timers: (() => void)[] = []
  const world: World = {
    ...systemWorld,
    after: (_ms, run) => {
      timers.push(run)
      return () => undefined
    },
  }
  return { pass: () => timers.splice(0).forEach((run) => run()), once: replays(world).once }
}
const replays = (world: World) => makeReplays<string>(world, (outcome) => outcome !== 'cancelled')

// I-013, BR-035
test('the same request again gets what came of the first, while it runs and for a while after', async () => {
  const { once, pass } = fresh()
  let runs = 0
  const run = async (): Promise<string> => `run ${String(++runs)}`
  assert.deepEqual(await Promise.all([once('a', run), once('a', run)]), ['run 1', 'run 1'])
  assert.equal(await once('a', run), 'run 1')
  assert.equal(await once('b', run), 'run 2')
  pass()
  assert.equal(await once('a', run), 'run 3')
})

test('what was cancelled is not remembered', async () => {
  const { once } = fresh()
  assert.equal(await once('a', async () => 'cancelled'), 'cancelled')
  assert.equal(await once('a', async () => 'done'), 'done')
})

test('what failed to begin is not remembered, and leaves no trace', async () => {
  const { once } = fresh()
  await assert.rejects(once('a', () => Promise.reject(new Error('busy'))))
  assert.equal(await once('a', async () => 'done'), 'done')
})
