import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EXPECTED_FAILURES, isExpectedToFail, type ExpectedFailure } from './expected-failures.ts'
import {
  DIRECT_LEGS,
  GATEWAY_LEGS,
  isMeaningful,
  MEANINGLESS,
  serverName,
  WITHOUT_TASKS,
  type Leg,
} from './legs.ts'
import {
  differencesIn,
  outcomeOf,
  problemsIn,
  tableOf,
  toRow,
  toRows,
  type Check,
  type Played,
  type Row,
} from './report.ts'

const direct: Leg = { target: 'direct', upstream: '2025-11-25', revision: '2025-11-25' }
const through: Leg = { ...direct, target: 'gateway' }
const across: Leg = { ...through, revision: '2026-07-28' }

const played = (scenario: string, ...statuses: Check['status'][]): Played => ({
  scenario,
  checks: statuses.map((status, at) => ({ id: `check-${at}`, status })),
})

const expectation: ExpectedFailure = {
  upstream: '2025-11-25',
  revision: '2025-11-25',
  scenario: 'ping',
  why: 'a test',
}

const rowOf = (leg: Leg, table: ExpectedFailure[], ...statuses: Check['status'][]): Row =>
  toRow(leg, played('ping', ...statuses), table)

test('a row counts what passed, failed and was warned about, and nothing else', () => {
  const row = toRow(
    { ...across, transport: 'stdio' },
    played('ping', 'SUCCESS', 'SUCCESS', 'FAILURE', 'WARNING', 'INFO', 'SKIPPED'),
    [],
  )
  assert.deepEqual(row, {
    target: 'gateway',
    upstream: '2025-11-25',
    revision: '2026-07-28',
    transport: 'stdio',
    scenario: 'ping',
    passed: 2,
    failed: 1,
    warnings: 1,
    expectedFailure: false,
  })
})

test('an HTTP row has no transport member', () => {
  assert.equal('transport' in toRow(through, played('ping', 'SUCCESS')), false)
})

test('a scenario is judged by its failed checks and by what was expected of it', () => {
  assert.equal(outcomeOf(rowOf(direct, [], 'SUCCESS', 'INFO')), 'passed')
  assert.equal(outcomeOf(rowOf(direct, [], 'SUCCESS', 'WARNING')), 'passed')
  assert.equal(outcomeOf(rowOf(direct, [], 'SUCCESS', 'FAILURE')), 'failed')
  assert.equal(outcomeOf(rowOf(direct, [], 'SKIPPED', 'INFO')), 'skipped')
  assert.equal(outcomeOf(rowOf(direct, [expectation], 'FAILURE')), 'expected')
  assert.equal(outcomeOf(rowOf(direct, [expectation], 'SUCCESS')), 'stale')
  assert.equal(outcomeOf(rowOf(direct, [expectation], 'SKIPPED')), 'stale')
})

test('an expectation holds for the target and transport it names, or for all', () => {
  const stdio: Leg = { ...through, transport: 'stdio' }
  const legs = [direct, through, stdio, across]
  const holds = (row: ExpectedFailure) => legs.map((leg) => isExpectedToFail(leg, 'ping', [row]))
  assert.deepEqual(holds(expectation), [true, true, true, false])
  assert.deepEqual(holds({ ...expectation, target: 'gateway' }), [false, true, true, false])
  assert.deepEqual(holds({ ...expectation, transport: 'stdio' }), [false, false, true, false])
  assert.deepEqual(holds({ ...expectation, scenario: 'tools-list' }), [false, false, false, false])
})

test('a run without surprises has no problems', () => {
  const rows = [
    rowOf(direct, [], 'SUCCESS'),
    rowOf(through, [], 'SUCCESS', 'WARNING'),
    toRow(direct, played('tasks', 'FAILURE'), [{ ...expectation, scenario: 'tasks' }]),
  ]
  assert.deepEqual(problemsIn(rows, [direct, through]), [])
})

test('a surprise is a problem in either direction', () => {
  const [failing] = problemsIn([rowOf(direct, [], 'SUCCESS', 'FAILURE')], [])
  assert.match(failing ?? '', /ping fails \(1 of 2 checks\)/)
  const [stale] = problemsIn([rowOf(direct, [expectation], 'SUCCESS')], [])
  assert.match(stale ?? '', /expected to fail and does not/)
})

test('no expectation excuses what the gateway breaks between peers of one era', () => {
  const excuse: ExpectedFailure = { ...expectation, target: 'gateway' }
  const works = rowOf(direct, [excuse], 'SUCCESS')
  const broken = rowOf(through, [excuse], 'FAILURE')
  assert.match(problemsIn([works, broken], [])[0] ?? '', /passes directly, not through us/)
  assert.deepEqual(problemsIn([rowOf(direct, [expectation], 'FAILURE'), broken], []), [])
})

test('a leg on which nothing passed is a problem, and so is one that never ran', () => {
  const rows = [rowOf(direct, [expectation], 'FAILURE')]
  assert.equal(problemsIn(rows, [direct, through]).length, 2)
})

test('checks the gateway loses without failing are named', () => {
  const rows = [rowOf(direct, [], 'SUCCESS', 'SUCCESS'), rowOf(through, [], 'SUCCESS', 'WARNING')]
  assert.deepEqual(differencesIn(rows), [
    'gateway, client 2025-11-25, upstream 2025-11-25: ping: ' +
      '1 passed, 1 warnings; directly 2 passed, 0 warnings',
  ])
})

test('scenarios that make no sense on a pair leave no row there', () => {
  const scenario = 'input-required-result-basic-elicitation'
  assert.deepEqual(toRows(across, [played(scenario, 'FAILURE')]), [])
  const sameEra: Leg = { ...across, upstream: '2026-07-28' }
  assert.equal(toRows(sameEra, [played(scenario, 'SUCCESS')]).length, 1)
})

test('nothing is meaningless within one era, and everything excused says why', () => {
  for (const { upstream, revision } of MEANINGLESS) assert.notEqual(upstream, revision)
  for (const { why } of [...MEANINGLESS, ...WITHOUT_TASKS, ...EXPECTED_FAILURES])
    assert.ok(why.length > 40)
  for (const leg of DIRECT_LEGS.filter(({ fixture }) => fixture === undefined))
    assert.ok(isMeaningful(leg, 'input-required-result-basic-elicitation'))
})

test('tasks are asked of a server of tasks, which is asked of nothing else, and of the gateway', () => {
  const kit: Leg = { ...across, upstream: '2026-07-28', fixture: 'kit' }
  for (const scenario of ['tasks-lifecycle', 'tasks-mrtr-composition', 'tasks-required-task-error'])
    assert.ok(isMeaningful(kit, scenario) && isMeaningful({ ...kit, target: 'direct' }, scenario))
  assert.ok(!isMeaningful(kit, 'ping'))
  assert.ok(!isMeaningful(direct, 'tasks-lifecycle'))
  assert.ok(isMeaningful(across, 'tasks-lifecycle')) // The gateway makes them of plain calls.
  assert.ok(!isMeaningful(across, 'tasks-required-task-error'))
})

test('each upstream of the gateway has a name of its own', () => {
  assert.deepEqual([...new Set(GATEWAY_LEGS.map(serverName))].toSorted(), [
    'kit',
    'kit-stdio',
    'new',
    'new-stdio',
    'old',
    'old-stdio',
  ])
})

test('the table shows each scenario once and each leg beside the other', () => {
  const table = tableOf(
    [rowOf(direct, [], 'SUCCESS'), rowOf(through, [], 'FAILURE')],
    [direct, through],
  )
  assert.match(table, /^ping +ok +FAIL$/m)
  assert.match(table, /^passed +1 +0$/m)
})
