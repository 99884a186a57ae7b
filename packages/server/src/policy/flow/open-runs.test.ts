import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LOCAL, type TokenPrincipal } from '#auth'
import { systemWorld } from '#base'
import { openStore, RECORD_TABLES, storeRecords } from '#store'
import type { RunAsked } from '../runs.ts'
import { openRuns } from './open-runs.ts'

const MINUTE_MS = 60_000
const SETTINGS = { windowMs: 30 * MINUTE_MS, namedMs: 24 * 60 * MINUTE_MS }

const token = (subject: string, client = 'agent'): TokenPrincipal => ({
  id: `https://idp.example#${subject}`,
  proof: 'bearer',
  issuer: 'https://idp.example',
  subject,
  client,
  scopes: [],
  actors: [],
  tokenId: 't',
  expiresAt: 0,
  stepUp: 'off',
})
const ada = token('ada')

function begin() {
  const clock = { now: Date.parse('2026-11-22T12:00:00Z') }
  const world = { ...systemWorld, now: () => clock.now }
  const records = storeRecords(world, openStore(':memory:', [RECORD_TABLES]))
  const notes: unknown[] = []
  const ledger = { note: async (kind: string, body: object) => void notes.push({ kind, ...body }) }
  const node = () => openRuns({ world, records, ledger: ledger as never }, SETTINGS)
  const runs = node()
  const seen = async (who: Parameters<typeof runs.of>[0], asked: Partial<RunAsked>, on = runs) => {
    const run = await on.of(who, { handle: undefined, client: 'agent', ...asked })
    assert.ok(run)
    return run
  }
  const touch = async (handle: string | undefined, labels: readonly string[], who = ada) =>
    runs.touch(who, await seen(who, { handle }), { call: 'call_1', labels })
  return { clock, records, notes, node, runs, seen, touch }
}

// PO-063
test('what was called counts for its run and for its principal, on whichever node', async () => {
  const { seen, touch, node, notes } = begin()
  await touch('nightly 4', ['untrusted'])
  const run = await seen(ada, { handle: 'nightly 4' }, node())
  assert.deepEqual(run, { id: 'nightly 4', labels: ['untrusted'], recent: ['untrusted'] })
  assert.deepEqual(notes, [
    {
      kind: 'run.labelled',
      principal: ada.id,
      run: 'nightly 4',
      call: 'call_1',
      labels: ['untrusted'],
    },
  ])
  await touch('nightly 4', ['untrusted'])
  assert.equal(notes.length, 1, 'it has not grown')
})

// PO-064
test('a new handle has a clean run, and its principal what it had', async () => {
  const { seen, touch } = begin()
  await touch('one', ['private', 'untrusted'])
  const other = await seen(ada, { handle: 'two' })
  assert.deepEqual(other.labels, [])
  assert.deepEqual(other.recent, ['private', 'untrusted'])
})

// PO-065
test('the same handle of another principal is another run', async () => {
  const { seen, touch } = begin()
  await touch('one', ['untrusted'])
  for (const who of [token('bob'), LOCAL]) {
    const run = await seen(who, { handle: 'one' })
    assert.deepEqual([run.labels, run.recent], [[], []])
  }
})

// PO-066
test('without a handle the calls of one client within the window are one run', async () => {
  const { seen, touch, clock } = begin()
  await touch(undefined, ['untrusted'])
  clock.now += 29 * MINUTE_MS
  assert.deepEqual((await seen(ada, {})).labels, ['untrusted'])
  await touch(undefined, ['private'])
  clock.now += 5 * MINUTE_MS
  assert.deepEqual((await seen(ada, {})).labels, ['private'], 'each label has its own time')
  const other = await seen(token('ada', 'other'), {})
  assert.deepEqual([other.labels, other.recent], [[], ['private']])
  clock.now += 34 * MINUTE_MS
  assert.deepEqual((await seen(ada, {})).recent, [])
})

// PO-066
test('a run that was named keeps its labels when the window is long over', async () => {
  const { seen, touch, clock } = begin()
  await touch('long', ['untrusted'])
  clock.now += 23 * 60 * MINUTE_MS
  const run = await seen(ada, { handle: 'long' })
  assert.deepEqual([run.labels, run.recent], [['untrusted'], []])
  clock.now += 4 * 60 * MINUTE_MS
  assert.deepEqual((await seen(ada, { handle: 'long' })).labels, [])
})

// PO-067
test('of two calls that leave at once, one is told of the other', async () => {
  for (let round = 0; round < 20; round++) {
    const { runs, node, seen } = begin()
    const [first, second] = [await seen(ada, { handle: 'r' }), await seen(ada, { handle: 'r' })]
    const left = await Promise.all([
      runs.touch(ada, first, { call: 'a', labels: ['untrusted'] }),
      node().touch(ada, second, { call: 'b', labels: ['outward'] }),
    ])
    const told = left.flatMap(({ labels, recent }) => [labels.length, recent.length])
    assert.deepEqual(
      told.toSorted((one, other) => one - other),
      [0, 0, 1, 1],
      'exactly one saw what the other had left',
    )
  }
})

test('many at once lose nothing', async () => {
  const { touch, seen } = begin()
  const labels = ['untrusted', 'private', 'outward', 'destructive']
  await Promise.all(
    Array.from({ length: 200 }, (_, at) => touch(`r${String(at % 10)}`, [labels[at % 4] ?? ''])),
  )
  const run = await seen(ada, { handle: 'r0' })
  assert.deepEqual(run.recent, labels.toSorted())
  assert.deepEqual(run.labels, ['outward', 'untrusted'])
})

// PO-068
test('whoever names ever new runs does not get ever new room', async () => {
  const { touch, seen, records } = begin()
  for (let at = 0; at < 1_005; at++) await touch(`run ${String(at)}`, ['private'])
  await touch('one more', ['untrusted'])
  const kept = await records.list('Run', { limit: 2_000 })
  assert.equal(kept.length, 1_001)
  const fresh = await seen(ada, { handle: 'never heard of' })
  assert.deepEqual(fresh.labels, ['private', 'untrusted'], 'all further runs are one')
})

// PO-068
test('names of clients are no more room than names of runs', async () => {
  const { seen, runs, touch, records } = begin()
  for (let at = 0; at < 1_005; at++) {
    if (at % 2 === 0) await touch(`client:${String(at)}`, ['private'])
    else {
      const run = await seen(LOCAL, { client: `agent ${String(at)}` })
      await runs.touch(ada, run, { call: 'call_1', labels: ['private'] })
    }
  }
  assert.equal((await records.list('Run', { limit: 2_000 })).length, 1_001)
})

// PO-068
test('a run that was one of too many keeps what it touched when there is room again', async () => {
  const { seen, touch, clock } = begin()
  for (let at = 0; at < 1_000; at++) await touch(`run ${String(at)}`, ['private'])
  clock.now += 23 * 60 * MINUTE_MS
  await touch('further', ['untrusted'])
  clock.now += 2 * 60 * MINUTE_MS
  assert.deepEqual((await seen(ada, { handle: 'further' })).labels, ['untrusted'])
  const left = await touch('further', ['outward'])
  assert.deepEqual(left.labels, ['untrusted'], 'also when it gets a place of its own')
  assert.deepEqual((await seen(ada, { handle: 'further' })).labels, ['outward', 'untrusted'])
  clock.now += 25 * 60 * MINUTE_MS
  assert.deepEqual((await seen(ada, { handle: 'further' })).labels, ['outward'])
  assert.deepEqual((await seen(ada, { handle: 'fresh' })).labels, [])
})
