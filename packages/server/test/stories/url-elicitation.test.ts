// A legacy server refuses a call until a page was opened (-32042): what each legacy client is told.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openTestHouse, overStdio, uncaught, until, type TestHouse } from './house.ts'
import { ask, begin, legacy, rpc, session, type Wire } from './raw.ts'

let theHouse: TestHouse
before(async () => {
  // The page of a server is needed once, so each story has a server of its own.
  const servers = ['mar', 'jun', 'nov', 'done'].map((id) => [id, overStdio('oldPeer')] as const)
  theHouse = await openTestHouse({ servers: Object.fromEntries(servers) })
})
after(async () => {
  await theHouse[Symbol.asyncDispose]()
  assert.deepEqual(uncaught, [])
})

const CAPABLE = { elicitation: { form: {}, url: {} } }
const need = rpc('tools/call', { name: 'need_url' })

describe('a page that a server needs', () => {
  for (const [server, revision] of [
    ['mar', '2025-03-26'],
    ['jun', '2025-06-18'],
  ] as const) {
    it(`is named in words to a client of ${revision}, which knows no such error`, async () => {
      // I-046, V-006, \u00a711.6
      const mine = await session(theHouse.at(server), revision, CAPABLE)
      const { json } = await ask(theHouse.at(server), legacy(need, mine))
      assert.equal(json.result.isError, true)
      assert.match(json.result.content[0].text, /https:\/\/peer\.example\/sign-in/)
      const again = await ask(theHouse.at(server), legacy(need, mine))
      assert.equal(again.json.result.content[0].text, 'the page was open')
    })
  }

  it('is an error with its address to a client of 2025-11-25', async () => {
    // I-046
    const mine = await session(theHouse.at('nov'), '2025-11-25', CAPABLE)
    const { status, json } = await ask(theHouse.at('nov'), legacy(need, mine))
    assert.deepEqual([status, json.error.code], [200, -32042])
    const [page] = json.error.data.elicitations
    assert.deepEqual([page.mode, page.url], ['url', 'https://peer.example/sign-in'])
    assert.equal(typeof page.elicitationId, 'string')
  })

  it('is said to be done to the client that was sent there, by the id it was given, and to no other', async () => {
    // I-045, BR-001
    const url = theHouse.at('done')
    const [mine, other] = [
      await session(url, '2025-11-25', CAPABLE),
      await session(url, '2025-11-25', CAPABLE),
    ]
    const listen = (headers: typeof mine) =>
      begin(url, { method: 'GET', headers: { ...headers, accept: 'text/event-stream' } })
    const [own, foreign] = [await listen(mine), await listen(other)]
    const { json } = await ask(url, legacy(need, mine))
    const [{ elicitationId }] = json.error.data.elicitations
    await ask(url, legacy(rpc('tools/call', { name: 'finish_page' }), other))
    const isDone = ({ method }: Wire): boolean => method === 'notifications/elicitation/complete'
    await until('the end is told', () => own.events.some(({ data }) => data && isDone(data)))
    const { data } = await own.event(isDone)
    assert.equal(data.params.elicitationId, elicitationId)
    assert.ok(!foreign.events.some(({ data: heard }) => heard && isDone(heard)))
    own.drop()
    foreign.drop()
  })
})
