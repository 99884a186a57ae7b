import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { barsOf, cellsOf, type Sampled, type StartFigures } from './call/figures.ts'
import { markdown, terminalText, type CallReport } from './call/report.ts'
import { summarize, type CpuProfile } from './profile.ts'
import { median, percentile } from './statistics.ts'
import { markdownTable, textTable } from './text-table.ts'

test('a percentile is one of the samples, and no more than its share of them lies below it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ noNaN: true, min: 0, max: 1e6 }), { minLength: 1 }),
      fc.double({ noNaN: true, min: 0, max: 1 }),
      (samples, q) => {
        const found = percentile(samples, q)
        assert.ok(samples.includes(found))
        const below = samples.filter((one) => one < found).length
        assert.ok(below <= Math.ceil(q * samples.length))
      },
    ),
  )
  assert.equal(percentile([3, 1, 2, 4], 0.5), 2)
  assert.equal(percentile([3, 1, 2, 4], 0.99), 4)
  assert.ok(Number.isNaN(percentile([], 0.5)))
})

test('the median of an even number of values lies between the two in the middle', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5)
  assert.equal(median([9, 1, 5]), 5)
})

const sampled = (
  target: Sampled['target'],
  round: number,
  calls: number,
  latencyMs: number,
  clients = 64,
): Sampled => ({
  target,
  clients,
  round,
  calls,
  elapsedMs: 1_000,
  latenciesMs: new Float32Array(calls).fill(latencyMs),
  cpuMs: 500,
  loadCpuMs: 250,
  rssBytes: 100e6,
})

test('a target is compared with the bare proxy of the same round', () => {
  const cells = cellsOf([
    sampled('bare', 0, 1_000, 1),
    sampled('read', 0, 500, 2),
    // Another program ran in this round: both suffer, and their ratio does not.
    sampled('bare', 1, 100, 10),
    sampled('read', 1, 50, 11),
  ])
  const read = cells.find(({ target }) => target === 'read')
  assert.deepEqual(read?.ratio, { median: 0.5, low: 0.5, high: 0.5 })
  assert.equal(read.moreMs.median, 1)
  assert.equal(Math.round(read.cpuUsPerCall), 1_818)
  assert.equal(read.loadShare, 0.25)
  assert.equal(read.rssMb, 100)
})

const starts: readonly StartFigures[] = [
  {
    kind: 'stored',
    times: 1,
    listeningMs: 400,
    answeredMs: { median: 1_500, low: 1_400, high: 1_600 },
    rssMb: 100,
    idleMb: 101,
  },
]

test('a bar that is missed says by how much', () => {
  const cells = cellsOf([
    sampled('bare', 0, 1_000, 1),
    sampled('read', 0, 450, 2),
    sampled('bare', 0, 1_000, 0.5, 1),
    sampled('read', 0, 700, 1.25, 1),
  ])
  const bars = barsOf(cells, starts)
  assert.deepEqual(
    bars.map(({ met, missedBy }) => (met ? 'met' : missedBy)),
    ['0.15×', 'met', '500 ms', 'met'],
  )
})

const profile: CpuProfile = {
  startTime: 0,
  endTime: 100,
  nodes: [
    { id: 1, callFrame: frame('(root)', ''), children: [2, 4, 5] },
    { id: 2, callFrame: frame('outer', 'file:///home/packages/server/src/a.ts', 9), children: [3] },
    {
      id: 3,
      callFrame: frame('outer', 'file:///home/packages/server/src/a.ts', 9),
      children: [6, 7],
    },
    { id: 4, callFrame: frame('(idle)', '') },
    { id: 5, callFrame: frame('(garbage collector)', '') },
    { id: 6, callFrame: frame('dispatch', 'file:///home/node_modules/undici/lib/client.js') },
    { id: 7, callFrame: frame('writev', '') },
  ],
  samples: [2, 3, 4, 5, 6, 7],
  timeDeltas: [10, 10, 50, 5, 15, 10],
}

function frame(functionName: string, url: string, lineNumber = 0) {
  return { functionName, url, lineNumber }
}

test('a profile is summed up by module, without waiting, and counts recursion once', () => {
  const { busyUs, modules, within } = summarize(profile, '/home')
  assert.equal(busyUs, 50)
  assert.deepEqual(modules, [
    { name: 'packages/server/src/a.ts', us: 20 },
    { name: 'undici', us: 15 },
    { name: 'native writev', us: 10 },
    { name: '(garbage collector)', us: 5 },
  ])
  assert.deepEqual(within, [{ name: 'outer packages/server/src/a.ts:10', us: 45 }])
})

test('only the window of a profile counts; a window on another clock is ignored', () => {
  assert.equal(summarize(profile, '/home', { fromUs: 0, toUs: 20 }).busyUs, 20)
  assert.equal(summarize(profile, '/home', { fromUs: 5_000, toUs: 6_000 }).busyUs, 50)
})

test('a report shows the bars, every cell and where the time goes', () => {
  const cells = cellsOf([sampled('bare', 0, 1_000, 1), sampled('read', 0, 450, 2)])
  const report: CallReport = {
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
    bars: barsOf(cells, starts),
    cells,
    memory: [{ target: 'read', idleMb: 100, afterMb: 120 }],
    starts,
    profile: {
      calls: 1_000,
      busyUs: 100,
      bareBusyUs: 50,
      modules: [{ name: 'undici', us: 30, bareUs: 20 }],
      functions: [{ name: 'call packages/server/src/gateway/call.ts:31', us: 12 }],
      within: [],
    },
  }
  const text = markdown(report)
  for (const part of ['0.45×', 'no, by 0.15×', 'bare Node proxy', 'abc1234', '`undici`', '10.0']) {
    assert.ok(text.includes(part), part)
  }
  assert.match(terminalText(report), /Countersign, read +450/)
})

test('tables line up on a terminal, and a pipe does not break a row of Markdown', () => {
  const rows = [
    ['', 'n'],
    ['a|b', '12'],
  ]
  assert.equal(textTable(rows), '      n\na|b  12')
  assert.equal(markdownTable(rows), '|  | n |\n| --- | ---: |\n| a\\|b | 12 |')
})
