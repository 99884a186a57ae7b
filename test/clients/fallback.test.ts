/**
 * A slow call, for clients that have no tasks: each is answered before it gives up, in words that its
 * model can read, and nothing that a client does of itself starts an effect twice or loses a result.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openFastHouse, type FastHouse } from './fast-house.ts'
import { assertReadable, CANCEL, PENDING, RESULT, resultOf } from './handle.ts'
import { SPEED, STAND_INS } from './stand-ins/all.ts'
import { anyBytes } from './stand-ins/any-bytes.ts'
import { progressReset } from './stand-ins/progress-reset.ts'
import { callTwice } from './stand-ins/repeater.ts'
import { connect } from './stand-ins/stand-in.ts'
import { probingModern } from './stand-ins/probing-modern.ts'
import { wallClock } from './stand-ins/wall-clock.ts'
import { answerOf } from './workshop.ts'

const BUILD = 'workshop_build'
const MEASURE = 'workshop_measure'

const jobsOf = (house: FastHouse, label: string) =>
  house.workshop.jobs.filter((job) => job.label === label)

/** The gateway's own settings are those of any installation; the tests wait more than they work. */
describe('each of the measured clients', { concurrency: 3 }, () => {
  for (const [name, { manners, speed }] of Object.entries(STAND_INS)) {
    describe(name, { concurrency: true }, () => {
      let own: FastHouse
      before(async () => {
        own = await openFastHouse(speed)
      })
      after(() => own[Symbol.asyncDispose]())
      const meet = () => connect(manners, { url: own.url, speed })

      test('is offered the tools with which it fetches results, and they say how', async () => {
        using client = await meet()
        const tools = await client.tools()
        for (const added of [RESULT, PENDING, CANCEL]) {
          const tool = tools.find((each) => each['name'] === added)
          assert.ok(tool, added)
          assert.ok(String(tool['description']).length <= 1_500)
        }
        const result = tools.find((tool) => tool['name'] === RESULT)
        assert.match(String(result?.['description']), /do not call the original tool again/)
        assert.match(JSON.stringify(result?.['annotations']), /"readOnlyHint":true/)
        assert.match(JSON.stringify(result?.['_meta']), /"anthropic\/alwaysLoad":true/)
      })

      test('reads where to ask, before it gives up, and fetches the result', async () => {
        using client = await meet()
        const label = `${name}: text`
        const id = assertReadable(await client.call(BUILD, { label }), BUILD)
        const [job] = jobsOf(own, label)
        assert.equal(job?.isAbandoned(), false)
        const still = await client.call(RESULT, { id, wait_seconds: 0 })
        assert.match(still.text, /running/i)
        job?.finish()
        const seen = await resultOf(client, id)
        assert.ok(seen.text.includes(answerOf(label)), seen.text)
        assert.equal(jobsOf(own, label).length, 1)
      })

      test('reads where to ask of a tool with structured content, and gets that in its shape', async () => {
        using client = await meet()
        const label = `${name}: structure`
        const id = assertReadable(await client.call(MEASURE, { label }), MEASURE)
        jobsOf(own, label)[0]?.finish()
        const seen = await resultOf(client, id)
        assert.ok(seen.kind === 'shown', seen.text)
        const expected = { label, verdict: answerOf(label) }
        assert.deepEqual(seen.result.structuredContent, expected)
        assert.ok(seen.text.includes(answerOf(label)), seen.text)
      })

      test('that calls again while one is open is given the same request, and nothing happens twice', async () => {
        using client = await meet()
        const label = `${name}: again`
        const id = assertReadable(await client.call(BUILD, { label }), BUILD)
        const again = await client.call(BUILD, { label })
        assert.equal(assertReadable(again, BUILD), id)
        assert.match(again.text, /same request/)
        jobsOf(own, label)[0]?.finish()
        assert.ok((await resultOf(client, id)).text.includes(answerOf(label)))
        assert.equal(jobsOf(own, label).length, 1)
      })
    })
  }
})

describe('a slow call', { concurrency: 4 }, () => {
  let house: FastHouse
  before(async () => {
    house = await openFastHouse(SPEED)
  })
  after(() => house[Symbol.asyncDispose]())

  for (const manners of [wallClock, progressReset, probingModern]) {
    test(`the same call beside one that is held is the same request: ${manners.clientInfo.name}`, async () => {
      using client = await connect(manners, { url: house.url, speed: SPEED })
      using other = await connect(wallClock, { url: house.url, speed: SPEED })
      const label = `${manners.clientInfo.name}, twice`
      const isListed = async (): Promise<void> => {
        while (!(await other.call(PENDING)).text.includes(label));
      }
      const [one, two] = await callTwice(client, BUILD, { label }, isListed)
      assert.equal(assertReadable(one, BUILD), assertReadable(two, BUILD))
      assert.equal(jobsOf(house, label).length, 1)
    })
  }

  test('a call that is over is not the same request as a new one', async () => {
    using client = await connect(wallClock, { url: house.url, speed: SPEED })
    const label = 'once more'
    const first = assertReadable(await client.call(BUILD, { label }), BUILD)
    jobsOf(house, label)[0]?.finish()
    await resultOf(client, first)
    const second = assertReadable(await client.call(BUILD, { label }), BUILD)
    assert.notEqual(second, first)
    assert.equal(jobsOf(house, label).length, 2)
  })

  test('other arguments are another request, however the client spells them', async () => {
    using gemini = await connect(anyBytes, { url: house.url, speed: SPEED })
    using codex = await connect(wallClock, { url: house.url, speed: SPEED })
    const [one, other] = ['spelt', 'spelt otherwise']
    // It adds an argument that is no part of what is asked.
    const a = assertReadable(await gemini.call(BUILD, { label: one }), BUILD)
    const [b, c] = await Promise.all([
      codex.call(BUILD, { label: one }).then((seen) => assertReadable(seen, BUILD)),
      codex.call(BUILD, { label: other }).then((seen) => assertReadable(seen, BUILD)),
    ])
    assert.equal(a, b)
    assert.notEqual(b, c)
    assert.equal(jobsOf(house, one).length, 1)
  })

  test('what one client asked for, another of the same person fetches, in either era', async () => {
    const label = 'handed over'
    using old = await connect(progressReset, { url: house.url, speed: SPEED })
    using modern = await connect(probingModern, { url: house.url, speed: SPEED })
    const id = assertReadable(await old.call(BUILD, { label }), BUILD)
    assert.match((await modern.call(PENDING)).text, new RegExp(id))
    jobsOf(house, label)[0]?.finish()
    assert.ok((await resultOf(modern, id)).text.includes(answerOf(label)))
  })

  test('what fails at the server is an error in its own words', async () => {
    const label = 'cannot be built'
    using client = await connect(wallClock, { url: house.url, speed: SPEED })
    const id = assertReadable(await client.call(BUILD, { label }), BUILD)
    jobsOf(house, label)[0]?.fail('There is no wood.')
    const seen = await resultOf(client, id)
    assert.match(seen.text, /There is no wood\./)
    assert.ok(seen.kind === 'shown' && seen.result.isError === true)
  })

  test('an impatient model is told when to look again, and at last to stop', async () => {
    const label = 'patience'
    using client = await connect(wallClock, { url: house.url, speed: SPEED })
    const id = assertReadable(await client.call(BUILD, { label }), BUILD)
    const looks: string[] = []
    for (let look = 0; look < 5; look += 1) {
      looks.push((await client.call(RESULT, { id, wait_seconds: 0 })).text)
    }
    assert.match(looks[0] ?? '', /Next useful check/)
    assert.match(looks.at(-1) ?? '', /Stop polling in this turn/)
  })

  test('countersign_cancel stops the request, and says so', async () => {
    const label = 'cancelled'
    using client = await connect(wallClock, { url: house.url, speed: SPEED })
    const id = assertReadable(await client.call(BUILD, { label }), BUILD)
    const [job] = jobsOf(house, label)
    await client.call(CANCEL, { id })
    await job?.abandoned
    assert.match((await resultOf(client, id)).text, /[Cc]ancelled/)
  })

  test('an id that is not one is an error in words', async () => {
    using client = await connect(wallClock, { url: house.url, speed: SPEED })
    for (const id of ['', 'task_0', 'x'.repeat(10_000)]) {
      for (const tool of [RESULT, CANCEL]) {
        const seen = await client.call(tool, { id })
        assert.ok(seen.kind === 'shown' && seen.result.isError === true, seen.text)
      }
    }
  })
})
