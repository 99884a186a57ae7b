// One house in front of another: the vault as client of our own authorization server.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { openPeopleHouse } from '../auth/people-house.ts'
import { goOn, openConnectHouse } from './connect-house.ts'

test('A house connects to another, and gets one more scope when a tool there needs it (OC13, OC14).', async () => {
  await using inner = await openPeopleHouse({ auth: { embedded: { registration: true } } })
  const url = `${inner.origin}/mcp`
  await using outer = await openConnectHouse({ servers: { inner: { url, auth: {} } } })
  const ada = inner.browser()
  await inner.enrol('ada', ada)
  const client = new Client({ name: 'plain', version: '1' })
  await client.connect(new StreamableHTTPClientTransport(outer.at('inner')))
  const echo = async (): Promise<string> => {
    const { content } = await client.callTool({ name: 'peer_echo', arguments: { text: 'hello' } })
    return JSON.stringify(content)
  }
  const asked: string[] = []
  let said = await echo()
  for (let pages = 0; pages < 2; pages++) {
    const page = /http:\/\/127\.0\.0\.1:\d+\/connect\/[\w-]+/.exec(said)?.[0]
    assert.ok(page, said)
    assert.match(said, /^\[\{"type":"text","text":"Nothing was executed/)
    const somebody = outer.browserOf()
    const onward = await goOn(somebody, page)
    asked.push(new URL(onward).searchParams.get('scope') ?? '')
    const back = await (await ada.open(onward)).submit({}, 'allow')
    const done = await somebody.open(back.url)
    assert.match(done.text, /inner is connected/)
    said = await echo()
  }
  assert.match(said, /hello/)
  const scopes = asked.map((scope) => scope.split(' ').toSorted())
  assert.deepEqual(scopes, [
    ['mcp:discover', 'offline_access'],
    ['mcp:discover', 'offline_access', 'tool:peer.echo'],
  ])
  await client.close()
  // The inner house knows the person there, and nothing of the caller here.
  const [line] = await outer.house.admin.listConnections({})
  assert.equal(line?.principal, 'local')
  assert.equal(line.issuer, `${inner.origin}/oauth`)
})
