// `subscriptions/listen`, as a modern client sees it on the wire.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemWorld } from '#base'
import { OWN_TOOLS, until, type TestHouse } from '../stories/house.ts'
import { serveLegacy, serveModern, text, tool, type Peer, type Said } from './peer.ts'
import { openSession } from './session.ts'
import { ask, begin, type Live, type Loose } from './wire.ts'
import { openWireHouse, worldWith } from './wire-house.ts'

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
    'resources/list': () => ({
      resources: [
        { uri: 'test://a', name: 'a' },
        { uri: 'test://b', name: 'b' },
      ],
    }),
    GET: (_message, said) => {
      ear ??= said
      said.write(': open\n\n')
    },
  })
  house = await openWireHouse({ servers: { peer: { url: peer.url } } })
  url = house.at('peer')
  always = await listen({ toolsListChanged: true })
})
after(async () => {
  always.close()
  await house[Symbol.asyncDispose]()
  await peer[Symbol.asyncDispose]()
})

const listen = (notifications: object): Promise<Live> =>
  begin(url, 'subscriptions/listen', { notifications })
const names = (list: readonly Loose[]): readonly unknown[] => list.map(({ name }) => name)
const announce = async (method: string, params: object = {}): Promise<void> => {
  const stream = await until('the gateway listens', () => ear)
  stream.send({ jsonrpc: '2.0', method, params })
}

describe('a listen stream', () => {
  it('hears of a part of what it follows (F-032)', async () => {
    const live = await listen({ resourceSubscriptions: ['test://a'] })
    await live.message()
    await announce('notifications/resources/updated', { uri: 'test://ab' })
    await announce('notifications/resources/updated', { uri: 'test://a/b' })
    assert.equal((await live.message()).params.uri, 'test://a/b')
    live.close()
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
})

describe('an announced change', () => {
  it('is seen by the next list (F-053)', async () => {
    let round = 0
    await using growing = await serveModern({
      'tools/list': () => ({
        resultType: 'complete',
        tools: [tool(`round_${++round}`)],
        ttlMs: 60_000,
      }),
      'tools/call': (_message, said) => {
        said.send({ jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: {} })
        return { resultType: 'complete', ...text('done') }
      },
      'subscriptions/listen': (message, said) => {
        const _meta = { 'io.modelcontextprotocol/subscriptionId': message.id }
        const say = (method: string, params: object): void =>
          said.send({ jsonrpc: '2.0', method, params: { ...params, _meta } })
        say('notifications/subscriptions/acknowledged', {
          notifications: { toolsListChanged: true },
        })
        say('notifications/tools/list_changed', {})
      },
    })
    await using other = await openWireHouse({ servers: { growing: { url: growing.url } } })
    const at = other.at('growing')
    const first = names((await ask(at, 'tools/list')).message.result.tools)
    assert.deepEqual(first, ['round_1', ...OWN_TOOLS])
    const session = await openSession(at)
    const listening = await session.listen()
    assert.equal((await listening.message()).method, 'notifications/tools/list_changed')
    await until('the list is new', async () => {
      const { tools } = (await ask(at, 'tools/list')).message.result
      return names(tools).includes('round_2')
    })
    await session.end()
  })

  it('that no server announced is told all the same, once it is found (V-023)', async () => {
    let [round, aheadMs] = [0, 0]
    await using silent = await serveLegacy({
      'tools/list': () => ({ tools: [tool(`round_${++round}`)] }),
    })
    await using other = await openWireHouse({
      servers: { silent: { url: silent.url } },
      world: { ...worldWith(), now: () => systemWorld.now() + aheadMs },
    })
    const at = other.at('silent')
    const live = await begin(at, 'subscriptions/listen', {
      notifications: { toolsListChanged: true },
    })
    await live.message()
    aheadMs = 120_000 // Whoever looks at a list this old has it renewed.
    await ask(at, 'tools/list')
    assert.equal((await live.message()).method, 'notifications/tools/list_changed')
    const next = names((await ask(at, 'tools/list')).message.result.tools)
    assert.deepEqual(next, ['round_2', ...OWN_TOOLS])
    live.close()
  })
})
