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
