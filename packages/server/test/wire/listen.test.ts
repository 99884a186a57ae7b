// `subscriptions/listen`, as a modern client sees it on the wire.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openTestHouse, until, type TestHouse } from '../stories/house.ts'
import { serveLegacy, text, tool, type Peer, type Said } from './peer.ts'
import { openSession } from './session.ts'
import { ask, begin, SUBSCRIPTION, type Asked, type Live, type Loose } from './wire.ts'

/** The stream for what belongs to no call, while the gateway has it open. */
let ear: Said | undefined
let peer: Peer
let house: TestHouse
let url: URL
/** Always there, so that the gateway never stops listening to the server. */
let always: Live
before(async () => {
  peer = await serveLegacy({
    'tools/list': () => ({ tools: [tool('wait')] }),
    'tools/call': () => text('done'),
    'resources/list': () => ({ resources: [{ uri: 'test://a', name: 'a' }, { uri: 'test://b', name: 'b' }] }),
    GET: (_message, said) => {
      ear ??= said
      said.write(': open\n\n')
    },
  })
  house = await openTestHouse({ servers: { peer: { url: peer.url } } })
  url = house.at('peer')
  always = await listen({ toolsListChanged: true })
})
after(async () => {
  always.close()
  await house[Symbol.asyncDispose]()
  await peer[Symbol.asyncDispose]()
})

const listen = (notifications: object, asked: Asked = {}, at = url): Promise<Live> =>
  begin(at, 'subscriptions/listen', { notifications }, asked)
const CHANGED = 'notifications/tools/list_changed'
const announce = async (method: string, params: object = {}): Promise<void> => {
  const stream = await until('the gateway listens', () => ear)
  stream.send({ jsonrpc: '2.0', method, params })
}
const idOf = ({ params }: Loose): unknown => params._meta[SUBSCRIPTION]

describe('a listen stream', () => {
  it('begins with what is honoured, under the id of its request (L-002 L-003 V-042 AM-37)', async () => {
    for (const id of [0, 7, '7', 'listen:0']) {
      const live = await listen(
        {
          toolsListChanged: true,
          promptsListChanged: false,
          resourceSubscriptions: ['test://a'],
          unheardOf: true,
        },
        { id },
      )
      assert.equal(live.headers['content-type'], 'text/event-stream')
      const first = await live.message()
      assert.equal(first.method, 'notifications/subscriptions/acknowledged')
      assert.equal(idOf(first), id)
      assert.deepEqual(first.params.notifications, {
        toolsListChanged: true,
        resourceSubscriptions: ['test://a'],
      })
      live.close()
    }
  })

  it('leaves out what could not be read (AM-37 L-013)', async () => {
    await using two = await openTestHouse({
      servers: { peer: { url: peer.url }, other: { url: peer.url } },
    })
    const uris = ['test://a', 'other://b', 7]
    const live = await listen({ resourceSubscriptions: uris }, {}, two.at())
    const { params } = await live.message()
    const [one] = params.notifications.resourceSubscriptions
    assert.deepEqual(params.notifications.resourceSubscriptions, [one])
    assert.match(one, /test:\/\/a$/)
    live.close()
  })

  it('is served when nothing of it can be honoured (L-009 Q-080)', async () => {
    const live = await listen({})
    const { params } = await live.message()
    assert.deepEqual(params.notifications, {})
    live.close()
  })

  it('brings what was asked for and nothing else, to each its own (L-001 L-003 L-005 L-008 L-010)', async () => {
    const tools = await listen({ toolsListChanged: true }, { id: 'same' })
    const again = await listen({ toolsListChanged: true }, { id: 'same' })
    const prompts = await listen({ promptsListChanged: true }, { id: 'prompts' })
    const one = await listen({ resourceSubscriptions: ['test://a'] }, { id: 'one' })
    const all = [tools, again, prompts, one]
    for (const live of all) await live.message()
    await until('the gateway has subscribed', () => peer.got('resources/subscribe').length > 0)
    await announce('notifications/resources/updated', { uri: 'test://b' })
    await announce('notifications/resources/updated', { uri: 'test://a' })
    await announce('notifications/message', { level: 'error', data: 'x' })
    await announce('notifications/progress', { progressToken: 1, progress: 1 })
    await announce(CHANGED)
    await announce('notifications/prompts/list_changed')
    for (const live of [tools, again]) {
      const heard = await live.message()
      assert.deepEqual([heard.method, idOf(heard)], [CHANGED, 'same'])
    }
    const heard = await prompts.message()
    assert.deepEqual([heard.method, idOf(heard)], ['notifications/prompts/list_changed', 'prompts'])
    const updated = await one.message()
    assert.deepEqual([updated.params.uri, idOf(updated)], ['test://a', 'one']) // L-004
    for (const live of all) live.close()
  })

  it('hears of a part of what it follows (F-032)', async () => {
    const live = await listen({ resourceSubscriptions: ['test://a'] })
    await live.message()
    await announce('notifications/resources/updated', { uri: 'test://ab' })
    await announce('notifications/resources/updated', { uri: 'test://a/b' })
    assert.equal((await live.message()).params.uri, 'test://a/b')
    live.close()
  })

  it('ends when the client closes it, and then nothing is held for it (L-007 H-042)', async () => {
    await using small = await openTestHouse({
      servers: { peer: { url: peer.url } },
      limits: { listenMax: 2 },
    })
    const at = small.at('peer')
    const lives = [await listen({}, {}, at), await listen({}, {}, at)]
    for (const live of lives) await live.message()
    const { status, message } = await ask(at, 'subscriptions/listen', { notifications: {} })
    assert.equal(status, 429) // L-011
    assert.ok(message.error.code > -32000) // AM-40, H-090
    for (const live of lives) live.close()
    const live = await until('there is room again', async () => {
      const next = await listen({}, {}, at)
      return next.status === 200 ? next : undefined
    })
    await live.message()
    live.close()
    assert.equal(peer.got('notifications/cancelled').length, 0)
  })

  it('needs a filter, and the extension for tasks (L-012 TX-003)', async () => {
    const bad = await ask(url, 'subscriptions/listen', { notifications: 7 })
    assert.equal(bad.message.error.code, -32602)
    const tasks = await ask(url, 'subscriptions/listen', { notifications: { taskIds: ['t'] } })
    assert.deepEqual([tasks.status, tasks.message.error.code], [400, -32021])
    assert.deepEqual(tasks.message.error.data.requiredCapabilities, {
      extensions: { 'io.modelcontextprotocol/tasks': {} },
    })
  })

  it('is not opened to a client that takes no streams (AM-32)', async () => {
    const asked = { headers: { accept: 'application/json' } }
    const { status } = await ask(url, 'subscriptions/listen', { notifications: {} }, asked)
    assert.equal(status, 406)
  })

  it('is the same for a legacy session and its GET stream (F-032 F-033 H-073)', async () => {
    const session = await openSession(url)
    const listening = await session.listen()
    for (const uri of ['test://a', 'test://b']) {
      assert.deepEqual((await session.request('resources/subscribe', { uri })).message.result, {})
    }
    const off = await session.request('resources/unsubscribe', { uri: 'test://b' })
    assert.deepEqual(off.message.result, {})
    await announce('notifications/resources/updated', { uri: 'test://b' })
    await announce('notifications/resources/updated', { uri: 'test://a' })
    assert.deepEqual(await listening.message(), {
      jsonrpc: '2.0',
      method: 'notifications/resources/updated',
      params: { uri: 'test://a' },
    })
    await session.end()
  })

  it('that we end ends with its result, and no cancellation (L-006 AM-01 P-011)', async () => {
    const other = await openTestHouse({ servers: { peer: { url: peer.url } } })
    const live = await listen({ toolsListChanged: true }, { id: 'last' }, other.at('peer'))
    await live.message()
    const closed = other[Symbol.asyncDispose]()
    const last = await live.message()
    assert.equal(last.id, 'last')
    assert.equal(last.result.resultType, 'complete')
    assert.equal(last.result._meta[SUBSCRIPTION], 'last')
    assert.deepEqual((await live.rest()).filter(({ data }) => data), [])
    await closed
  })
})
