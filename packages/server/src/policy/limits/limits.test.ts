// What limits let through, whoever asks in whichever order, on how many nodes, and whatever crashes.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { systemWorld, type World } from '#base'
import { openStore, RECORD_TABLES, storeRecords, type Records } from '#store'
import { silentLog } from '#telemetry'
import type { Metered } from '../quotas.ts'
import { makeBudget } from './budget.ts'
import { Counters, type Limit, type Took } from './limit.ts'
import { openQuotas } from './open-quotas.ts'
import type { QuotaSpec, RateSpec } from './quota-spec.ts'
import { makeRate } from './rate.ts'
import { makeSharedAtOnce } from './shared-at-once.ts'
import { makeSharedRate } from './shared-rate.ts'
import { spanEnds, type Span } from './span.ts'

const START = Date.parse('2026-11-23T10:00:00Z')

/** A world whose clock stands still until it is moved. */
function clocked(): { readonly world: World; at: number } {
  const clock = {
    at: START,
    world: {
      ...systemWorld,
      now: () => clock.at,
      monotonic: () => clock.at - START,
      wait: (_ms: number, signal?: AbortSignal) =>
        new Promise<void>((_, reject) => {
          signal?.addEventListener('abort', () => reject(new Error('aborted')))
        }),
    },
  }
  return clock
}

function openRecords(context: TestContext, world: World): Records {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-limits-'))
  const store = openStore(join(folder, 'x.db'), [RECORD_TABLES])
  context.after(() => {
    store.close()
    rmSync(folder, { recursive: true })
  })
  return storeRecords(world, store)
}

const SPEC: QuotaSpec = { name: 'calm', of: [], match: {} }
let names = 0
/** Counters of one story are not those of another. */
const fresh = (): QuotaSpec => ({ ...SPEC, name: `calm${String(++names)}` })

/** In no span of these moments more than the bucket allows. */
function isWithin(admitted: readonly number[], { calls, perMs, burst }: RateSpec, more = 0): void {
  for (let from = 0; from < admitted.length; from++) {
    for (let to = from; to < admitted.length; to++) {
      const spanMs = (admitted[to] ?? 0) - (admitted[from] ?? 0)
      const most = burst + more + Math.floor((spanMs * calls) / perMs)
      assert.ok(to - from + 1 <= most, `${String(to - from + 1)} in ${String(spanMs)} ms`)
    }
  }
}

const rates = fc.record({
  calls: fc.integer({ min: 1, max: 50 }),
  perMs: fc.integer({ min: 1_000, max: 10_000 }),
  burst: fc.integer({ min: 1, max: 30 }),
})
const steps = fc.array(
  fc.record({
    afterMs: fc.constantFrom(0, 0, 0, 1, 7, 100, 900, 1_500),
    node: fc.nat(2),
    hasLeft: fc.boolean(),
    leavesLate: fc.boolean(),
  }),
  { maxLength: 150 },
)

test('a rate never lets more through than its burst and what time brings', async () => {
  // QU-002
  await fc.assert(
    fc.asyncProperty(rates, steps, async (rate, taken) => {
      const clock = clocked()
      const limit = makeRate(clock.world, fresh(), rate)
      const admitted: number[] = []
      const late: (() => void)[] = []
      for (const { afterMs, hasLeft, leavesLate } of taken) {
        clock.at += afterMs
        const took = await limit.take({})
        if (took.kind !== 'taken') continue
        if (hasLeft) admitted.push(clock.at)
        if (leavesLate) late.push(() => took.leave(hasLeft))
        else took.leave(hasLeft)
        if (late.length > 3) late.splice(0).forEach((leave) => leave())
      }
      isWithin(admitted, rate)
    }),
    { numRuns: 200 },
  )
})

test('a refused call of a rate goes through when it is told that it will', async () => {
  await fc.assert(
    fc.asyncProperty(rates, async (rate) => {
      const clock = clocked()
      const limit = makeRate(clock.world, fresh(), rate)
      for (let at = 0; at < rate.burst; at++) assert.equal((await limit.take({})).kind, 'taken')
      const full = await limit.take({})
      assert.ok(full.kind === 'full' && full.againMs !== undefined)
      clock.at += full.againMs - 1
      assert.equal((await limit.take({})).kind, 'full')
      clock.at += 1
      assert.equal((await limit.take({})).kind, 'taken')
    }),
    { numRuns: 50 },
  )
})

test('a rate of three nodes lets through one block more for each further node, and no more', async (context) => {
  // QU-005
  const clock = clocked()
  const records = openRecords(context, clock.world)
  await fc.assert(
    fc.asyncProperty(rates, steps, async (rate, taken) => {
      const spec = fresh()
      const nodes = Array.from({ length: 3 }, () =>
        makeSharedRate({ world: clock.world, records }, spec, rate),
      )
      const admitted: number[] = []
      for (const { afterMs, node } of taken) {
        clock.at += afterMs
        const took = await nodes[node]?.take({})
        if (took?.kind !== 'taken') continue
        took.leave(true)
        admitted.push(clock.at)
      }
      isWithin(admitted, rate, 2 * Math.max(1, Math.floor(rate.burst / 8)))
    }),
    { numRuns: 15 },
  )
})

const DAY: Span = { kind: 'calendar', unit: 'day', timeZone: 'UTC' }
const happenings = fc.array(
  fc.record({
    node: fc.nat(2),
    what: fc.constantFrom('take', 'take', 'take', 'take', 'take', 'return', 'crash', 'stop'),
  }),
  { maxLength: 120 },
)

/** How many calls are left. */
async function restOf(limit: Limit, clock: { at: number }): Promise<number> {
  let rest = 0
  // What was believed to be empty is looked at again.
  for (let missed = 0; missed < 2;) {
    const took = await limit.take({})
    if (took.kind === 'taken') rest++
    else {
      clock.at += 1_000
      missed++
    }
  }
  return rest
}

test('a budget is never exceeded, whichever nodes crash, and all of it is there when none does', async (context) => {
  // QU-003, QU-005
  const clock = clocked()
  const records = openRecords(context, clock.world)
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 100 }), happenings, async (calls, happened) => {
      const spec = fresh()
      const open = (): Limit =>
        makeBudget({ world: clock.world, records }, spec, { calls, per: DAY })
      const nodes = [open(), open(), open()]
      let admitted = 0
      let crashes = 0
      for (const { node, what } of happened) {
        if (what === 'crash' || what === 'stop') {
          if (what === 'stop') await nodes[node]?.close()
          else crashes++
          nodes[node] = open()
          continue
        }
        const took: Took | undefined = await nodes[node]?.take({})
        if (took?.kind !== 'taken') continue
        if (what === 'take') admitted++
        took.leave(what === 'take')
      }
      await Promise.all(nodes.map((one) => one.close()))
      admitted += await restOf(open(), clock)
      assert.ok(admitted <= calls, `${String(admitted)} of ${String(calls)}`)
      if (crashes === 0) assert.equal(admitted, calls)
      // Each crash cost at most one block.
      else assert.ok(admitted >= calls - crashes * Math.max(1, Math.floor(calls / 16)))
      clock.at = START
    }),
    { numRuns: 25 },
  )
})

test('a budget is there again when its span begins anew, and says when that is', async (context) => {
  const clock = clocked()
  const records = openRecords(context, clock.world)
  const limit = makeBudget({ world: clock.world, records }, fresh(), { calls: 2, per: DAY })
  assert.equal((await limit.take({})).kind, 'taken')
  assert.equal((await limit.take({})).kind, 'taken')
  const full = await limit.take({})
  assert.deepEqual(full, { kind: 'full', againMs: 14 * 3_600_000 })
  clock.at += 14 * 3_600_000
  assert.equal((await limit.take({})).kind, 'taken')
})

test('32 callers on two nodes get exactly what a budget has', async (context) => {
  const records = openRecords(context, systemWorld)
  const spec = fresh()
  const open = (): Limit =>
    makeBudget({ world: systemWorld, records }, spec, { calls: 20, per: DAY })
  const nodes = [open(), open()]
  const asked = Array.from({ length: 32 }, async (_, at) => nodes[at % 2]?.take({}))
  const took = (await Promise.all(asked)).filter((one) => one?.kind === 'taken')
  assert.equal(took.length, 20)
})

test('on all nodes together no more calls are under way than allowed', async (context) => {
  // QU-005
  const clock = clocked()
  const records = openRecords(context, clock.world)
  const rooms = { world: clock.world, records, log: silentLog }
  const open = (): Limit => makeSharedAtOnce(rooms, SPEC, 5)
  const nodes = [open(), open(), open()]
  const took = await Promise.all(
    Array.from({ length: 24 }, async (_, at) => nodes[at % 3]?.take({})),
  )
  const inside = took.flatMap((one) => (one?.kind === 'taken' ? [one] : []))
  // Those of one node that ask at one moment may stand in each other's way: never the other way round.
  assert.ok(inside.length >= 1 && inside.length <= 5)
  for (const one of inside) one.leave(true)
  await Promise.all(nodes.slice(1).map((node) => node?.close()))
  const again = []
  for (let at = 0; at < 6; at++) again.push(await nodes[0]?.take({}))
  assert.deepEqual(
    again.map((one) => one?.kind),
    ['taken', 'taken', 'taken', 'taken', 'taken', 'full'],
  )
  // It is gone without a word: what it had counts for a minute.
  await nodes[0]?.close()
  const other = open()
  assert.equal((await other.take({})).kind, 'full')
  clock.at += 60_001
  assert.equal((await other.take({})).kind, 'taken')
  await other.close()
})

const METERED: Metered = {
  who: { proof: 'local', id: 'local' },
  client: 'desk',
  view: '',
  server: 'mail',
  name: 'send',
  effect: 'write',
}

test('a call is taken from every limit it falls under, or from none', async (context) => {
  // QU-001
  const clock = clocked()
  const records = openRecords(context, clock.world)
  const quotas = openQuotas(
    { world: clock.world, records, log: silentLog, isShared: false, groupsOf: () => ['ops'] },
    [
      { name: 'all', of: ['principal'], match: {}, rate: { calls: 3, perMs: 60_000, burst: 3 } },
      { name: 'mail', of: [], match: { server: ['mail'], group: ['ops'] }, atOnce: 1 },
      { name: 'other', of: [], match: { group: ['none'] }, atOnce: 1 },
    ],
  )
  const first = await quotas.enter(METERED)
  assert.ok(first.kind === 'in')
  const left = async (): Promise<readonly number[]> =>
    (await quotas.list()).filter(({ quota }) => quota === 'all').map((line) => line.left)
  for (let at = 0; at < 10; at++) assert.equal((await quotas.enter(METERED)).kind, 'full')
  assert.deepEqual(await left(), [2])
  first.leave(true)
  first.leave(false)
  assert.deepEqual(await left(), [2], 'leaving twice gives nothing back')
  const second = await quotas.enter(METERED)
  assert.ok(second.kind === 'in')
  second.leave(false)
  assert.deepEqual(await left(), [2], 'what did not leave costs nothing')
  await quotas.reset({ quota: 'all' })
  assert.deepEqual(await left(), [])
  await quotas.close()
})

test('names that are made up cost no memory: what is beyond is counted together', () => {
  const counters = new Counters<{ count: number }>(
    () => ({ count: 0 }),
    ({ count }) => count === 0,
    10,
  )
  for (let at = 0; at < 100; at++) counters.of({ client: String(at) }).count++
  assert.ok([...counters.all()].length <= 11)
  assert.equal(
    [...counters.all()].reduce((sum, { value }) => sum + value.count, 0),
    100,
  )
})

test('what is beyond the counters of a budget is one budget, however many names are made up', async (context) => {
  const clock = clocked()
  const rooms = { world: clock.world, records: openRecords(context, clock.world), countersMax: 2 }
  const budget = { calls: 48, per: { kind: 'length', ms: 3_600_000 } } as const
  const limit = makeBudget(rooms, fresh(), budget)
  const takes = async (principal: string): Promise<number> => {
    let taken = 0
    // What was found empty is believed to be empty for a moment.
    clock.at += 1_000
    while ((await limit.take({ principal })).kind === 'taken') taken++
    return taken
  }
  // Two that have calls left stay; all further ones share what one may have.
  for (const one of ['ada', 'bob'])
    assert.equal((await limit.take({ principal: one })).kind, 'taken')
  const further = [await takes('eve'), await takes('eve2'), await takes('eve3')]
  assert.deepEqual(further, [48, 0, 0])
})

test('days, weeks and months end when they do where the calendar hangs', () => {
  const timeZone = 'Europe/Vienna'
  const ends = (unit: 'day' | 'week' | 'month', at: string): string =>
    new Date(spanEnds({ kind: 'calendar', unit, timeZone })(Date.parse(at))).toISOString()
  assert.equal(ends('day', '2026-11-23T10:00:00Z'), '2026-11-23T23:00:00.000Z')
  // Clocks are put forward on the one day, and back on the other.
  assert.equal(ends('day', '2026-03-29T10:00:00Z'), '2026-03-29T22:00:00.000Z')
  assert.equal(ends('day', '2026-10-24T23:30:00Z'), '2026-10-25T23:00:00.000Z')
  assert.equal(ends('week', '2026-11-29T22:59:59Z'), '2026-11-29T23:00:00.000Z')
  assert.equal(ends('week', '2026-11-29T23:00:00Z'), '2026-12-06T23:00:00.000Z')
  assert.equal(ends('month', '2026-12-31T22:00:00Z'), '2026-12-31T23:00:00.000Z')
})
