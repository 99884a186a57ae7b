import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drive } from './tasks/callers.ts'
import { barsOf, cellsOf, type Measured, type Sampled } from './tasks/figures.ts'
import { compare } from './tasks/recovery.ts'
import { markdown, terminalText, type TasksReport } from './tasks/report.ts'
import type { Waiting } from './tasks/waiting.ts'
import { checkOutcome, OUTCOME } from './tasks/work.ts'

const sampled = (id: string, round: number, tasks: number, callers = 64): Sampled => ({
  id,
  callers,
  round,
  tasks,
  elapsedMs: 1_000,
  latenciesMs: new Float32Array(tasks).fill(2),
  cpuMs: 500,
})
const beside = (id: string): string | undefined => (id === 'sqlite' ? undefined : 'sqlite')

test('an engine is compared with ours in the same round', () => {
  const cells = cellsOf(
    [
      sampled('sqlite', 0, 10_000),
      sampled('dbos', 0, 500),
      // Another program ran in this round: both suffer, and their ratio does not.
      sampled('sqlite', 1, 1_000),
      sampled('dbos', 1, 50),
      // Under another load nothing of it counts.
      sampled('sqlite', 0, 1, 1),
    ],
    beside,
  )
  const dbos = cells.find(({ id }) => id === 'dbos')
  assert.deepEqual(dbos?.ratio, { median: 0.05, low: 0.05, high: 0.05 })
  assert.equal(dbos.tasks, 550)
  assert.equal(Math.round(dbos.cpuUsPerTask), 1_818)
  assert.equal(cells.find(({ id }) => id === 'sqlite')?.ratio, undefined)
})

const idle = { heapBytes: 10e6, rssBytes: 60e6, cpuShare: 0 }
const waited = (heapBytes: number, rssBytes: number, cpuShare: number) => ({
  empty: idle,
  waiting: { heapBytes, rssBytes, cpuShare },
  readyMs: 1_000,
  wokenMs: 2,
})
const waiting: Waiting = {
  tasks: 100_000,
  idleMs: 5_000,
  created: waited(30e6, 400e6, 0.001),
  found: waited(30e6, 80e6, 0.002),
}
const recovery = { tasks: 1_000, sentBefore: 500, settledMs: 900, lost: 0, repeated: 0 }
const measured: Measured = {
  engines: cellsOf([sampled('sqlite', 0, 12_000), sampled('dbos', 0, 500)], beside),
  peers: [
    { id: 'dbos', title: 'DBOS' },
    { id: 'restate', title: 'Restate' },
  ],
  http: cellsOf([sampled('none', 0, 1_000), sampled('durable', 0, 700)], (id) =>
    id === 'durable' ? 'none' : undefined,
  ),
  stored: [{ id: 'durable', title: 'durable' }],
  recoveries: [recovery, { ...recovery, settledMs: 1_200 }],
  waiting,
}
const verdicts = (of: Measured): readonly (string | undefined)[] =>
  barsOf(of).map(({ met, missedBy }) => (met ? 'met' : missedBy))

test('bars are met, and a peer that was not measured has none', () => {
  const bars = barsOf(measured)
  assert.ok(bars.every(({ met }) => met))
  assert.equal(bars.length, 8)
  assert.equal(bars[1]?.measured, '24.0× (24.0–24.0)')
  assert.ok(!bars.some(({ name }) => name.includes('Restate')))
})

test('a bar that is missed says by how much', () => {
  const slow: Measured = {
    ...measured,
    engines: cellsOf([sampled('sqlite', 0, 9_000), sampled('dbos', 0, 1_000)], beside),
    http: cellsOf([sampled('none', 0, 1_000), sampled('durable', 0, 500)], (id) =>
      id === 'durable' ? 'none' : undefined,
    ),
    // The slowest of the recoveries counts, and every loss.
    recoveries: [recovery, { ...recovery, settledMs: 5_500, lost: 1, repeated: 2 }],
    waiting: { ...waiting, created: waited(130e6, 400e6, 0.05), found: waited(0, 170e6, 0) },
  }
  const expected = ['1,000', '1.0×', '0.10×', '500 ms', '3', '176 B', '76 B', '4.00 %']
  assert.deepEqual(verdicts(slow), expected)
})

test('a task is lost when it is not completed or never sent its effect; an effect is sent once', () => {
  const states = new Map([
    ['a', 'completed'],
    ['b', 'completed'],
    ['c', 'unknown'],
    ['d', 'completed'],
  ])
  const found = compare(new Set(['a', 'b', 'c', 'e']), states, ['a', 'c', 'd', 'd'])
  // "b" never sent, "c" is not completed, "e" is gone; "d" was not acknowledged and sent twice.
  assert.deepEqual(found, { lost: 3, repeated: 1 })
})

test('callers go on until it was measured, and only what ends meanwhile counts', async () => {
  const busy = new Set<number>()
  let tasks = 0
  const done = await drive({ callers: 3, warmMs: 1, measureMs: 20 }, async (caller) => {
    assert.ok(!busy.has(caller), 'a caller has one task at a time')
    busy.add(caller)
    await new Promise((resolve) => setImmediate(resolve))
    busy.delete(caller)
    tasks++
  })
  assert.ok(done.tasks >= 3 && done.tasks < tasks)
  assert.equal(done.latenciesMs.length, done.tasks)
})

test('it is measured for longer until every caller could have ended a task', async () => {
  const slow = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30))
  const { tasks } = await drive({ callers: 4, warmMs: 0, measureMs: 1 }, slow)
  assert.ok(tasks >= 4)
})

test('a task that goes wrong ends the measuring', async () => {
  const wrong = (): Promise<void> => Promise.reject(new Error('wrong'))
  await assert.rejects(drive({ callers: 2, warmMs: 5, measureMs: 5 }, wrong), /wrong/)
  checkOutcome({ ...OUTCOME })
  assert.throws(() => {
    checkOutcome({ ...OUTCOME, ok: false })
  }, /wrong result/)
})

test('a report shows the bars, every cell, who is missing and where the time goes', () => {
  const report: TasksReport = {
    machine: {
      date: '2026-01-01 00:00',
      commit: 'abc1234',
      node: 'v24.0.0',
      platform: 'linux x64',
      cpu: 'a processor',
      cores: 2,
      memoryGib: 8,
      fsyncMs: 1,
    },
    seconds: 1,
    rounds: 1,
    titles: { sqlite: 'ours', dbos: 'DBOS', none: 'forgetful', durable: 'durable' },
    bars: barsOf(measured),
    fdatasyncs: { median: 3_000, low: 2_500, high: 3_500 },
    engines: measured.engines,
    absent: [{ title: 'Restate', why: 'there is no network' }],
    http: measured.http,
    recoveries: measured.recoveries,
    waiting,
    profile: {
      tasks: 1_000,
      busyUs: 80,
      modules: [{ name: 'packages/engine/src/run.ts', us: 30 }],
      functions: [{ name: 'write packages/engine/src/pen.ts:9', us: 12 }],
      within: [],
    },
  }
  const text = markdown(report)
  const parts = [
    '24.0×',
    'abc1234',
    '3,000 fdatasync/s (2,500–3,500)',
    'Restate was not measured: there is no network.',
    '| DBOS | 500 | 0.042× |',
    '| durable | 700 | 0.70× |',
    '| 2 | 1,000 | 500 | 1,200 | 0 | 0 |',
    '| where they were created | 200 | 3,400 |',
    'Business Source License 1.1',
    '`write packages/engine/src/pen.ts:9`',
  ]
  for (const part of parts) assert.ok(text.includes(part), part)
  assert.match(terminalText(report), /DBOS +500 +0\.042×/)
})
