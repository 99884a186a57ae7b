/** What a client does to a call that is held: nothing it does of itself ends the work. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openFastHouse } from './fast-house.ts'
import { assertReadable, listedId, PENDING, resultOf } from './handle.ts'
import { SPEED } from './stand-ins/all.ts'
import { anyBytes } from './stand-ins/any-bytes.ts'
import type { Manners } from './stand-ins/manners.ts'
import { probingModern } from './stand-ins/probing-modern.ts'
import { progressReset } from './stand-ins/progress-reset.ts'
import { connect } from './stand-ins/stand-in.ts'
import { wallClock } from './stand-ins/wall-clock.ts'
import { answerOf } from './workshop.ts'

const BUILD = 'workshop_build'

describe('a client that gives up a held call', { concurrency: true }, () => {
  /** More impatient than was measured: before it is answered, and after the call became a task. */
  const hasty = (manners: Manners): Manners => ({
    ...manners,
    patience: { ms: 10_000, renewedBy: 'nothing' },
  })

  for (const manners of [wallClock, progressReset, anyBytes, probingModern]) {
    test(`loses nothing, and is answered soon when it asks again: ${manners.clientInfo.name}`, async () => {
      await using house = await openFastHouse(SPEED)
      using client = await connect(hasty(manners), { url: house.url, speed: SPEED })
      const label = manners.clientInfo.name
      assert.equal((await client.call(BUILD, { label })).kind, 'gave up')
      const id = listedId((await client.call(PENDING)).text)
      // Its patience ends before the gateway's would, had it to wait as long again.
      assert.equal(assertReadable(await client.call(BUILD, { label }), BUILD), id)
      const [job] = house.workshop.jobs
      assert.equal(job?.isAbandoned(), false)
      job?.finish()
      const seen = await resultOf(client, id)
      assert.ok(seen.text.includes(answerOf(label)), seen.text)
      assert.equal(house.workshop.jobs.length, 1)
    })
  }

  test('and leaves for good has a request that its next session finds', async () => {
    await using house = await openFastHouse(SPEED)
    const label = 'left'
    {
      using client = await connect(anyBytes, { url: house.url, speed: SPEED })
      assertReadable(await client.call(BUILD, { label }), BUILD)
    }
    house.workshop.jobs[0]?.finish()
    using next = await connect(anyBytes, { url: house.url, speed: SPEED })
    const id = listedId((await next.call(PENDING)).text)
    assert.ok((await resultOf(next, id)).text.includes(answerOf(label)))
  })
})

test('a cancel for a call that was answered changes nothing', async () => {
  await using house = await openFastHouse(SPEED)
  using client = await connect(progressReset, { url: house.url, speed: SPEED })
  const label = 'late'
  // It cancels this one too, once it has been told where to ask.
  const id = assertReadable(await client.call(BUILD, { label }), BUILD)
  assert.equal((await client.call('workshop_look_up', { label })).kind, 'shown')
  const [job] = house.workshop.jobs
  assert.equal(job?.isAbandoned(), false)
  job?.finish()
  assert.ok((await resultOf(client, id)).text.includes(answerOf(label)))
})

describe('a client that is kept waiting', { concurrency: true }, () => {
  const hold = Object.fromEntries(
    [progressReset, anyBytes, probingModern].map(({ clientInfo }) => [clientInfo.name, '150 s']),
  )
  for (const manners of [progressReset, anyBytes, probingModern]) {
    test(`for longer than its clock hears from us in between: ${manners.clientInfo.name}`, async () => {
      await using house = await openFastHouse(SPEED, { tasks: { hold } })
      using client = await connect(manners, { url: house.url, speed: SPEED })
      const label = manners.clientInfo.name
      const seen = await client.call(BUILD, { label })
      assertReadable(seen, BUILD)
      const { progress, comments } = seen.told
      assert.ok(comments > 0 && progress.length > 2)
      const done = progress.map((each) => Number(each['progress']))
      assert.deepEqual(
        done,
        [...new Set(done)].toSorted((a, b) => a - b),
        'it always grows',
      )
      assert.ok(progress.every((each) => each['total'] === undefined))
      house.workshop.jobs[0]?.finish()
    })
  }

  test('is told what the server says of its progress', async () => {
    await using house = await openFastHouse(SPEED)
    using client = await connect(progressReset, { url: house.url, speed: SPEED })
    const asked = client.call(BUILD, { label: 'seen' })
    const job = await house.workshop.begun('seen')
    job.progress(1, 'The roof is next.')
    const { told } = await asked
    assert.match(JSON.stringify(told.progress), /The roof is next\./)
    job.finish()
  })
})
