import assert from 'node:assert/strict'
import { test } from 'node:test'
import { turns, turnsIn, verdictIn } from './scenarios.ts'

test('Every scenario about OAuth clients that our revisions and the extensions name is played.', async () => {
  const all = await turns()
  const of = (revision: string, isExtension = false) =>
    all.filter((one) => one.revision === revision && one.isExtension === isExtension).length
  assert.equal(of('2025-11-25'), 14)
  assert.equal(of('2026-07-28'), 25)
  assert.equal(of('2026-07-28', true), 6)
})

test('A scenario of another revision is not ours.', () => {
  const list =
    '  - auth/old [2025-03-26]\n  - auth/new [2025-11-25,2026-07-28]\n  - tools [extension]\n'
  assert.deepEqual(
    turnsIn(list).map(({ scenario, revision }) => `${scenario} ${revision}`),
    ['auth/new 2025-11-25', 'auth/new 2026-07-28'],
  )
})

test('A scenario that says nothing, or fails one check, has not passed.', () => {
  assert.equal(verdictIn('').isPassed, false)
  assert.equal(verdictIn('Passed: 0/0, 0 failed, 0 warnings\nOVERALL: PASSED').isPassed, false)
  assert.equal(verdictIn('Passed: 3/4, 1 failed, 0 warnings\nOVERALL: FAILED').isPassed, false)
  assert.equal(verdictIn('Passed: 4/4, 0 failed, 0 warnings\nOVERALL: PASSED').isPassed, true)
})
