// What is written down when a server is not what it was.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { makeFolder, until, type LedgerLine, type TestHouse } from '../stories/house.ts'
import { serveLegacy, tool, type Said } from './peer.ts'
import { openSession } from './session.ts'
import { ask } from './wire.ts'
import { openWireHouse } from './wire-house.ts'

const notes = async (house: TestHouse, kind: string): Promise<readonly LedgerLine[]> =>
  (await house.entries()).filter((entry) => entry.kind === kind)

describe('a server that changes', () => {
  it('is written down with no more than a hundred changes, and their number', async () => {
    let tools = [tool('one')]
    let ear: Said | undefined
    await using peer = await serveLegacy({
      'tools/list': () => ({ tools }),
      GET: (_message, said) => {
        ear ??= said
        said.write(': open\n\n')
      },
    })
    await using house = await openWireHouse({ servers: { peer: { url: peer.url } } })
    await ask(house.at('peer'), 'tools/list')
    const session = await openSession(house.at('peer'))
    await session.listen()
    const stream = await until('the gateway listens', () => ear)
    tools = [tool('one'), ...Array.from({ length: 150 }, (_, at) => tool(`t${at}`))]
    stream.send({ jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: {} })
    const note = await until(
      'the change is recorded',
      async () => (await notes(house, 'definitions.changed'))[0],
    )
    assert.deepEqual([note.body['server'], note.body['count']], ['peer', 150])
    assert.equal((note.body['changes'] as readonly unknown[]).length, 100)
    await session.end()
  })

  it('keeps its definitions over a new token, and loses them, on record, at a new address', async () => {
    using folder = makeFolder()
    await using peer = await serveLegacy()
    const open = (url: string, token: string): Promise<TestHouse> =>
      openWireHouse({
        data: folder.path,
        servers: { peer: { url, headers: { authorization: token } } },
      })
    const toolsIn = async (house: TestHouse): Promise<number | undefined> =>
      (await house.house.admin.listServers({}))[0]?.tools
    {
      await using house = await open(peer.url, 'Bearer a')
      await ask(house.at('peer'), 'tools/list')
    }
    {
      await using house = await open(peer.url, 'Bearer b')
      assert.equal(await toolsIn(house), 1)
      assert.deepEqual(await notes(house, 'server.changed'), [])
    }
    await using house = await open(`${peer.url}/other`, 'Bearer b')
    assert.equal(await toolsIn(house), 0)
    const note = await until(
      'it is recorded',
      async () => (await notes(house, 'server.changed'))[0],
    )
    assert.deepEqual(note.body, { server: 'peer' })
  })
})
