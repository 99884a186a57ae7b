// The live stream: whoever comes back loses nothing, and nobody sees what is not theirs.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { it } from 'node:test'
import fc from 'fast-check'
import { systemWorld } from '#base'
import { openTail } from '../../src/feeds/tail.ts'
import { until } from '../stories/house.ts'
import type { Wire } from '../stories/raw.ts'
import { listen, openFeedHouse, type FeedHouse, type Said } from './feed-house.ts'

const places = (said: readonly Said[]): readonly number[] => said.map(({ id }) => Number(id))

async function note(at: FeedHouse, count: number, text = ''): Promise<void> {
  const { ledger } = at.house
  const notes = Array.from({ length: count }, () =>
    ledger.note('decision.refused', { reason: text }),
  )
  await Promise.all(notes)
}

it('EV-003: however it is read in pieces, the sequence is the same', async () => {
  await using at = await openFeedHouse()
  await note(at, 400)
  const all = places(
    (await at.house.ledger.read({ after: 0 })).map(({ seq }) => ({ id: String(seq) }) as Said),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 5 }),
      async (pieces) => {
        const read: number[] = []
        for (const piece of [...pieces, all.length]) {
          const count = Math.min(piece, all.length - read.length)
          const last = read.at(-1)
          using reader = await at.stream(
            '?after=0',
            last === undefined ? {} : { 'last-event-id': String(last) },
          )
          read.push(...places(await reader.take(count)))
        }
        assert.deepEqual(read, all)
      },
    ),
    { numRuns: 12 },
  )
})

it('EV-003: what comes while it is read comes once, in order, to each reader', async () => {
  await using at = await openFeedHouse()
  using early = await at.stream('?after=0')
  using late = await at.stream()
  const from = (await at.house.ledger.read({ last: 1 })).at(-1)?.seq ?? 0
  await note(at, 50)
  await note(at, 1_200)
  const expected = Array.from({ length: 1_250 }, (_, index) => from + 1 + index)
  assert.deepEqual(places(await late.take(1_250)), expected)
  assert.deepEqual(places(await early.take(from + 1_250)).slice(from), expected)
})

it('a tail that nobody followed for long goes on without a gap', async () => {
  const entries = Array.from({ length: 5_000 }, (_, index) => ({
    seq: index + 1,
    at: 0,
    kind: 'x',
    call: undefined,
    body: {},
  }))
  let written = 10
  const tail = openTail({
    world: systemWorld,
    read: async ({ after = 0, last }) =>
      last === undefined
        ? entries.slice(after, Math.min(written, after + 1_000))
        : entries.slice(Math.max(0, written - last), written),
    onProblem: (cause) => assert.fail(String(cause)),
  })
  const never = new AbortController().signal
  const read: number[] = []
  const readAll = async (): Promise<void> => {
    while (read.length < written) {
      const page = await tail.after(read.length)
      read.push(...page.map(({ seq }) => seq))
      if (page.length === 0) await tail.more(read.length, 5_000, never)
    }
  }
  await readAll()
  written = 4_800
  await readAll()
  written = 5_000
  tail.grew()
  await readAll()
  assert.deepEqual(
    read,
    entries.map(({ seq }) => seq),
  )
  tail.close()
})

it('EV-004: a reader says what it wants, and in which format', async () => {
  await using at = await openFeedHouse()
  await at.call('read_note', { path: 'a' })
  await at.call('write_note', { path: 'b' })
  const [first] = (await at.house.ledger.read({ after: 0 })).filter(
    ({ kind }) => kind === 'call.opened',
  )
  const call = String(first?.call)
  const read = async (query: string): Promise<readonly Wire[]> => {
    using reader = await at.stream(`?after=0&${query}`)
    return (await reader.take(2)).map(({ data }) => data)
  }
  const ofCall = await read(`call=${call}`)
  assert.deepEqual(
    ofCall.map((one) => [one.kind, one.call]),
    [
      ['call.opened', call],
      ['call.closed', call],
    ],
  )
  // A closing names no server: its opening does.
  const closed = await read('kinds=call.closed&server=cabinet')
  assert.equal(closed.length, 2)
  const [told] = await read('kinds=call.*&principal=local&format=ocsf')
  assert.deepEqual([told.class_uid, told.api.service.name], [6003, 'cabinet'])
  const [cloud] = await read('kinds=call.opened&format=cloudevents')
  assert.deepEqual([cloud.type, cloud.subject], ['dev.countersign.call.opened.v1', call])
  using nobody = await at.stream('?after=0&principal=somebody-else&kinds=call.*')
  await note(at, 1)
  using reference = await at.stream('?after=0&kinds=decision.*')
  await reference.take(1)
  assert.equal(nobody.response.readableLength < 100, true)
})

it('EV-004: what is not understood is refused, and so is whoever shows nothing', async () => {
  await using at = await openFeedHouse()
  for (const query of [
    '?kinds=CALL',
    '?after=-1',
    '?format=xml',
    '?nonsense=1',
    '?server=',
    '?after=1e3',
  ]) {
    using reader = await at.stream(query)
    assert.equal(reader.response.statusCode, 400, query)
  }
  for (const authorization of ['', 'Bearer no', 'Basic eDp5']) {
    using stranger = await listen(`${at.origin}/admin/events`, { authorization })
    assert.equal(stranger.response.statusCode, 401)
  }
})

it('EV-005: a reader that does not read is let go of with where to go on, and holds nobody up', async () => {
  // Half a minute is over when the story says so.
  const over: (() => void)[] = []
  const after = (ms: number, then: () => void): (() => void) => {
    if (ms !== 30_000) return systemWorld.after(ms, then)
    over.push(then)
    return () => undefined
  }
  const world = { ...systemWorld, after }
  await using at = await openFeedHouse({ events: { streamsMax: 2 }, world })
  const long = 'x'.repeat(60_000)
  using slow = await at.stream('?after=0')
  slow.response.pause()
  await note(at, 200, long)
  // Another one is not held up by it.
  using quick = await at.stream('?after=0&kinds=decision.*')
  assert.equal((await quick.take(200)).length, 200)
  using third = await at.stream()
  assert.equal(third.response.statusCode, 429)
  assert.equal(third.response.headers['retry-after'], '1')
  await until('it is let go of', async () => {
    for (const then of over.splice(0)) then()
    using again = await at.stream()
    return again.response.statusCode === 200 || undefined
  })
  const read = await slow.rest()
  const end = read.at(-1)
  assert.equal(end?.name, 'end')
  assert.equal(end?.data.reason, 'slow')
  const before = places(read.slice(0, -1))
  assert.ok(before.length > 1 && before.length < 200)
  assert.equal(end?.data.resume, before.at(-1))
  using resumed = await at.stream('', { 'last-event-id': String(end?.id) })
  const [next] = await resumed.take(1)
  assert.equal(Number(next?.id), end?.data.resume + 1)
})

it('a stream says that we stop, and its reader resumes at the next house', async () => {
  await using at = await openFeedHouse()
  const reader = await at.stream('?after=0&kinds=decision.*')
  await note(at, 3)
  const told = await reader.take(3)
  await at.stop()
  const rest = await reader.rest()
  assert.deepEqual(
    rest.map(({ name }) => name),
    ['end'],
  )
  assert.equal(rest[0]?.data.reason, 'closing')
  assert.equal(rest[0]?.data.resume, Number(told.at(-1)?.id))
})

it('a reader that hangs up frees its place', async () => {
  await using at = await openFeedHouse({ events: { streamsMax: 1 } })
  const first = await at.stream()
  first.response.destroy()
  await once(first.response, 'close')
  await until('a place is free', async () => {
    using again = await at.stream()
    return again.response.statusCode === 200 || undefined
  })
})

it('says how far a task is, without an id, to whoever wants that', async () => {
  await using at = await openFeedHouse({ groups: { sre: ['operator'] } })
  using reader = await at.stream('?kinds=task.progress')
  using others = await at.stream('?kinds=task.progress&principal=somebody-else')
  const text = await at.call('delete_note', { path: 'a' })
  const task = /^Request: (task_\S+)/m.exec(text)?.[1]
  const [said] = await reader.take(1)
  assert.deepEqual([said?.name, said?.id], ['task.progress', undefined])
  assert.equal(said?.data.body.task, task)
  assert.match(said?.data.body.state, /^(?:working|waiting)$/)
  await at.house.admin.cancelTask({ id: String(task) })
  for (let one = said; one?.data.body.state !== 'cancelled';) [one] = await reader.take(1)
  await at.stop()
  assert.deepEqual(
    (await others.rest()).map(({ name }) => name),
    ['end'],
  )
})
