// A server that nobody has connected yet: what each kind of client is told, and how its call goes on.

import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { connectV1, connectV2, textOf, type Peer } from '../stories/clients.ts'
import { uncaught, until } from '../stories/house.ts'
import { ask, begin, envelope, legacy, modern, rpc, session, type Wire } from '../stories/raw.ts'
import { serveLegacy } from '../upstream/peers/legacy-http.ts'
import { serveModern } from '../upstream/peers/modern-http.ts'
import { agree, openConnectHouse, personal } from './connect-house.ts'
import { protect } from './connect-peer.ts'

after(() => assert.deepEqual(uncaught, []))

const PEERS = { modern: () => serveModern(), legacy: () => serveLegacy() } as const
const ADD = { name: 'add', arguments: { a: 1, b: 2 } }
const CAN_OPEN = { elicitation: { form: {}, url: {} } }
const toConnect = async (serve: (typeof PEERS)[keyof typeof PEERS] = PEERS.modern) => {
  const peer = await protect(await serve())
  return { peer, home: await openConnectHouse({ servers: { cloud: personal(peer.url) } }) }
}

/** The page that a client was asked to open. */
const askedIn = (peer: Peer): Promise<string> =>
  until('it is asked to open a page', () => {
    const url = peer.asked.at(-1)?.['url']
    return typeof url === 'string' ? url : undefined
  })

describe('a client of 2026-07-28 that can open pages', () => {
  for (const [era, serve] of Object.entries(PEERS)) {
    it(`is asked to open one, and its call goes on when that is done (${era} server)`, async () => {
      // OC19, OC21, OC23, I-047
      const { peer: opened, home: house } = await toConnect(serve)
      await using peer = opened
      await using home = house
      const client = await connectV2({ url: home.at('cloud') }, 'pinned')
      const call = client.call('add', { a: 1, b: 2 })
      const url = await askedIn(client)
      // OC20: nothing in the address says who or what it is for.
      assert.match(url, new RegExp(`^${home.origin}/connect/[\\w-]+$`))
      const done = await agree(home.browserOf(), peer.authority, url)
      assert.match(done.text, /cloud is connected/)
      assert.equal(textOf(await call), '3')
      assert.ok((await client.tools()).some(({ name }) => name === 'add'))
      await client.close()
    })
  }

  it('is told that nothing was executed when its user declines', async () => {
    const { peer: opened, home: house } = await toConnect()
    await using _peer = opened
    await using home = house
    const first = await ask(home.at('cloud'), asking('tools/call', ADD))
    const { resultType, requestState, inputRequests } = first.json.result
    assert.equal(resultType, 'input_required')
    const [[key, question]] = Object.entries<Wire>(inputRequests) as [[string, Wire]]
    // I-003, I-047: no id of the older era, and nothing but what a question has.
    assert.deepEqual(Object.keys(question.params).toSorted(), ['message', 'mode', 'url'])
    const inputResponses = { [key]: { action: 'decline' } }
    const params = { ...ADD, requestState, inputResponses }
    const second = await ask(home.at('cloud'), asking('tools/call', params))
    assert.equal(second.json.result.isError, true)
    assert.match(second.json.result.content[0].text, /^Nothing was executed/)
  })
})

const asking = (method: string, params: Wire) =>
  modern(method, { params, meta: envelope({}, CAN_OPEN) })

describe('a client of 2025-11-25 that can open pages', () => {
  for (const [sdk, connect] of [
    ['v1', (url: URL) => connectV1({ url })],
    ['v2', (url: URL) => connectV2({ url }, 'legacy')],
  ] as const) {
    it(`is told which one by an error of its own, and when it is done (SDK ${sdk})`, async () => {
      // OC23, I-045, I-046
      const { peer: opened, home: house } = await toConnect(PEERS.legacy)
      await using peer = opened
      await using home = house
      const client = await connect(home.at('cloud'))
      const refused: Wire = await client
        .call('add', { a: 1, b: 2 })
        .catch((error: unknown) => error)
      assert.equal(refused.code, -32042, String(refused))
      const [page] = refused.data.elicitations
      assert.equal(page.mode, 'url')
      assert.ok(page.url.endsWith(`/connect/${page.elicitationId}`))
      await agree(home.browserOf(), peer.authority, page.url)
      await until('it is told that the page is done', () =>
        client.heard.includes(`complete ${page.elicitationId}`),
      )
      assert.equal(textOf(await client.call('add', { a: 1, b: 2 })), '3')
      await client.close()
    })
  }

  it('is told nothing of a page that another session was sent to', async () => {
    // I-045
    const { peer: opened, home: house } = await toConnect()
    await using peer = opened
    await using home = house
    const url = home.at('cloud')
    const [mine, other] = [
      await session(url, '2025-11-25', CAN_OPEN),
      await session(url, '2025-11-25', CAN_OPEN),
    ]
    const listen = (headers: typeof mine) =>
      begin(url, { method: 'GET', headers: { ...headers, accept: 'text/event-stream' } })
    const [own, foreign] = [await listen(mine), await listen(other)]
    const { status, json } = await ask(url, legacy(rpc('tools/call', ADD), mine))
    assert.deepEqual([status, json.error.code], [200, -32042])
    await agree(home.browserOf(), peer.authority, json.error.data.elicitations[0].url)
    const isDone = ({ method }: Wire): boolean => method === 'notifications/elicitation/complete'
    await own.event(isDone)
    assert.ok(!foreign.events.some(({ data }) => data && isDone(data)))
    own.drop()
    foreign.drop()
  })
})

it('A server of which nothing is known is found by a tool that connects it, and is then listed.', async () => {
  const { peer: opened, home: house } = await toConnect()
  await using peer = opened
  await using home = house
  const client = await connectV2({ url: home.at() }, 'pinned')
  const names = async () => (await client.tools()).map(({ name }) => name)
  assert.ok(!(await names()).includes('cloud_add'))
  assert.ok((await names()).includes('countersign_connect'))
  const call = client.call('countersign_connect', { server: 'cloud' })
  await agree(home.browserOf(), peer.authority, await askedIn(client))
  assert.match(textOf(await call), /^cloud is connected/)
  assert.ok((await names()).includes('cloud_add'))
  assert.ok(!(await names()).includes('countersign_connect'))
  assert.equal(textOf(await client.call('cloud_add', { a: 1, b: 2 })), '3')
  const other = await client.call('countersign_connect', { server: 'nowhere' })
  assert.equal(other.isError, true)
  await client.close()
  const plain = await session(home.at(), '2025-06-18')
  const again = rpc('tools/call', { name: 'countersign_connect', arguments: { server: 'cloud' } })
  const { result } = (await ask(home.at(), legacy(again, plain))).json
  assert.match(result.content[0].text, /^cloud is connected/)
})

describe('a client that cannot open pages', () => {
  const inWords = (answer: Wire): string => {
    assert.equal(answer.json.result.isError, true, answer.text)
    return answer.json.result.content[0].text
  }
  const REVISIONS = ['2025-03-26', '2025-06-18', '2025-11-25'] as const
  for (const revision of REVISIONS) {
    it(`of ${revision} reads what to do: state, why, what is no use, what is`, async () => {
      const { peer: opened, home: house } = await toConnect()
      await using peer = opened
      await using home = house
      const url = home.at('cloud')
      const mine = await session(url, revision)
      const text = inWords(await ask(url, legacy(rpc('tools/call', ADD), mine)))
      const order = ['Nothing was executed', 'cloud', 'Calling again', 'http'].map((one) =>
        text.indexOf(one),
      )
      assert.ok(
        order.every((at) => at >= 0),
        text,
      )
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
        text,
      )
      const page = /http\S+$/.exec(text.trim())?.[0] ?? ''
      // Asked again, it is the same page: nobody opens two.
      assert.equal(inWords(await ask(url, legacy(rpc('tools/call', ADD), mine))), text)
      await agree(home.browserOf(), peer.authority, page)
      const done = await ask(url, legacy(rpc('tools/call', ADD), mine))
      assert.equal(done.json.result.content[0].text, '3')
    })
  }

  it('of 2026-07-28 reads it too, and gets an error where there is no model to read', async () => {
    const { peer: opened, home: house } = await toConnect()
    await using peer = opened
    await using home = house
    const url = home.at('cloud')
    const text = inWords(await ask(url, modern('tools/call', { params: ADD })))
    const page = /http\S+$/.exec(text.trim())?.[0] ?? ''
    const read = modern('resources/read', { params: { uri: 'test://watched' } })
    const { error } = (await ask(url, read)).json
    assert.equal(error.code, 10_407)
    assert.deepEqual([error.data.server, error.data.url], ['cloud', page])
    await agree(home.browserOf(), peer.authority, page)
    const { result } = (await ask(url, read)).json
    assert.equal(result.contents[0].text, 'seen')
  })
})
