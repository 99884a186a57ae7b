// `subscriptions/listen` of 2026-07-28, spoken by hand.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Loose } from './clients.ts'
import { openTestHouse, overStdio, uncaught, until, type TestHouse } from './house.ts'
import { ask, begin, modern, type Coming } from './raw.ts'

let theHouse: TestHouse
const streams: Coming[] = []
before(async () => {
  theHouse = await openTestHouse({
    servers: { old: overStdio('oldPeer'), new: overStdio('newPeer') },
    limits: { listenMax: 6, requestsInFlightMax: 4 },
  })
})
after(async () => {
  await theHouse[Symbol.asyncDispose]()
  assert.deepEqual(uncaught, [])
})

const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId'
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged'

async function listen(notifications: Loose, id: unknown = 1, view = ''): Promise<Coming> {
  const asked = modern('subscriptions/listen', { id, params: { notifications } })
  const stream = await begin(theHouse.at(view), asked)
  streams.push(stream)
  return stream
}
const call = (view: string, name: string, args: Loose = {}): Promise<unknown> =>
  ask(theHouse.at(view), modern('tools/call', { params: { name, arguments: args } }))
const methods = ({ events }: Coming): readonly string[] => events.map(({ data }) => data.method)
const dropAll = async (): Promise<void> => {
  for (const stream of streams.splice(0)) stream.drop()
  // The gateway hears of it when the sockets close.
  await until('all streams are over', async () => {
    const probe = await listen({})
    await until('an answer', () => probe.events.length > 0 || probe.status !== 200)
    probe.drop()
    await probe.ended
    return probe.status === 200
  })
}

describe('subscriptions/listen', () => {
  for (const id of ['listen:1', 7, 0, '']) {
    it(`names itself by the id ${JSON.stringify(id)}, type kept, on everything it carries`, async () => {
      // L-002, L-003, V-042, S-006
      const stream = await listen({ toolsListChanged: true }, id, 'old')
      const { data } = await stream.event(({ method }) => method === ACKNOWLEDGED)
      assert.equal(data, stream.events[0]?.data)
      assert.deepEqual(data.params.notifications, { toolsListChanged: true })
      await until('a change is told', async () => {
        await call('old', 'grow')
        return methods(stream).includes('notifications/tools/list_changed')
      })
      for (const event of stream.events) {
        assert.equal(event.data.params._meta[SUBSCRIPTION], id)
        assert.equal(event.id, undefined) // H-048
      }
      stream.drop()
    })
  }

  it('acknowledges the subset that it can honour, and nothing else', async () => {
    // L-001, L-009, L-013, AM-37
    const stream = await listen(
      {
        promptsListChanged: true,
        toolsListChanged: false,
        strange: true,
        resourceSubscriptions: ['peer://doc', 'peer://item/1', 'nobody://has/it', 7],
      },
      'a',
    )
    const { data } = await stream.event(({ method }) => method === ACKNOWLEDGED)
    const { resourceSubscriptions, ...lists } = data.params.notifications
    assert.deepEqual(lists, { promptsListChanged: true })
    assert.deepEqual(resourceSubscriptions, ['peer://doc', 'peer://item/1'])
    const empty = await listen({}, 'b')
    const acknowledged = await empty.event(({ method }) => method === ACKNOWLEDGED)
    assert.deepEqual(acknowledged.data.params.notifications, {})
    await dropAll()
  })

  it('tells each stream what it asked for, though their ids are equal', async () => {
    // L-005, L-008, L-010, H-073, BR-003
    const tools = await listen({ toolsListChanged: true }, 1, 'old')
    const prompts = await listen({ promptsListChanged: true }, 1, 'old')
    await until('both changes are told', async () => {
      await call('old', 'grow')
      await call('old', 'change_prompts')
      return methods(tools).length > 1 && methods(prompts).length > 1
    })
    assert.ok(
      methods(tools)
        .slice(1)
        .every((one) => one === 'notifications/tools/list_changed'),
    )
    assert.ok(
      methods(prompts)
        .slice(1)
        .every((one) => one === 'notifications/prompts/list_changed'),
    )
    tools.drop()
    const earlier = prompts.events.length
    await until('the other goes on', async () => {
      await call('old', 'change_prompts')
      return prompts.events.length > earlier
    })
    await dropAll()
  })

  it('never carries progress or log messages', async () => {
    // L-004, P-021, H-044
    const stream = await listen(
      { toolsListChanged: true, resourceSubscriptions: ['peer://doc'] },
      1,
      'old',
    )
    await stream.event(({ method }) => method === ACKNOWLEDGED)
    await call('old', 'log')
    await call('old', 'steps')
    await until('an update is told', async () => {
      await call('old', 'touch', { uri: 'peer://doc' })
      return methods(stream).includes('notifications/resources/updated')
    })
    const told = new Set(methods(stream).slice(1))
    assert.deepEqual([...told], ['notifications/resources/updated'])
    await dropAll()
  })

  it('refuses task notifications to a client without the extension', async () => {
    // L-012
    const asked = modern('subscriptions/listen', { params: { notifications: { taskIds: ['x'] } } })
    const { status, json } = await ask(theHouse.at(), asked)
    assert.deepEqual([status, json.error.code], [400, -32021])
    assert.ok(json.error.data.requiredCapabilities.extensions['io.modelcontextprotocol/tasks'])
  })

  for (const notifications of [undefined, null, 7, [], 'all']) {
    it(`refuses ${JSON.stringify(notifications)} for a filter with -32602`, async () => {
      const params = notifications === undefined ? {} : { notifications }
      const { json } = await ask(theHouse.at(), modern('subscriptions/listen', { params }))
      assert.equal(json.error.code, -32602)
    })
  }

  it('is limited in number, and open streams do not use up what calls need', async () => {
    // L-011: the limit of listens is above the limit of requests under way.
    await Promise.all([1, 2, 3, 4, 5, 6].map((id) => listen({ toolsListChanged: true }, id)))
    const { status, json } = await ask(
      theHouse.at(),
      modern('subscriptions/listen', { params: { notifications: {} } }),
    )
    assert.equal(status, 429)
    assert.ok(json.error.code > 0) // H-090, AM-40
    const answer = await ask(theHouse.at('old'), modern('tools/call', { params: { name: 'echo' } }))
    assert.equal(answer.status, 200, answer.text)
    await dropAll()
  })

  it('ends with its result when the house closes, and then the stream ends', async () => {
    // L-006, AM-01, H-045
    const stream = await listen({ toolsListChanged: true }, 'last')
    await stream.event(({ method }) => method === ACKNOWLEDGED)
    theHouse.house.gateway.drain()
    await stream.ended
    const { result, id } = stream.events.at(-1)?.data ?? {}
    assert.equal(id, 'last')
    assert.equal(result.resultType, 'complete')
    assert.equal(result._meta[SUBSCRIPTION], 'last')
  })
})
