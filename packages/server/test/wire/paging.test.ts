// Lists of more than one page: cursors that need no memory and tell nothing.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { OWN_TOOLS, type TestHouse } from '../stories/house.ts'
import { serveLegacy, tool, type Peer } from './peer.ts'
import { openSession } from './session.ts'
import { ask, type Loose } from './wire.ts'
import { openWireHouse } from './wire-house.ts'

const TOOLS = Array.from({ length: 2_500 }, (_, at) => tool(`tool_${String(at).padStart(4, '0')}`))
/** The server's own pages have nothing to do with ours; its second cursor is an empty text. */
const SIZE = 900
const CURSORS = ['first', '', 'third']

let peer: Peer
let house: TestHouse
before(async () => {
  peer = await serveLegacy({
    'tools/list': ({ params }) => {
      const page = params.cursor === undefined ? 0 : CURSORS.indexOf(params.cursor) + 1
      const tools = TOOLS.slice(page * SIZE, (page + 1) * SIZE)
      const isLast = (page + 1) * SIZE >= TOOLS.length
      return { tools, ...(isLast ? {} : { nextCursor: CURSORS[page] }) }
    },
  })
  house = await openWireHouse({
    servers: { peer: { url: peer.url } },
    views: { same: { servers: ['peer'] } },
  })
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await peer[Symbol.asyncDispose]()
})

describe('a long list', () => {
  it('is read to its end, past an empty cursor, and given in pages, each tool once (F-038 F-003)', async () => {
    const session = await openSession(house.at('peer'))
    const names: unknown[] = []
    const cursors: string[] = []
    let cursor: string | undefined
    do {
      const params = cursor === undefined ? {} : { cursor }
      const { result } = (await session.request('tools/list', params)).message
      names.push(...result.tools.map(({ name }: Loose) => name))
      cursor = result.nextCursor
      if (cursor !== undefined) cursors.push(cursor)
    } while (cursor !== undefined)
    assert.deepEqual(names, [...TOOLS.map(({ name }) => name), ...OWN_TOOLS])
    assert.deepEqual([cursors.length, cursors.includes('')], [2, false])
    assert.equal(peer.got('tools/list').length, 3)
  })

  it('takes a cursor from any client of its view, and from no other list (F-039 F-040 V-026)', async () => {
    const { result } = (await ask(house.at('peer'), 'tools/list')).message
    const cursor: string = result.nextCursor
    const session = await openSession(house.at('peer'))
    const next = (await session.request('tools/list', { cursor })).message.result
    assert.equal(next.tools[0].name, 'tool_1000')
    const elsewhere = [
      ask(house.at('peer'), 'prompts/list', { cursor }),
      ask(house.at('same'), 'tools/list', { cursor }),
      ask(house.at('peer'), 'tools/list', { cursor: `${cursor}A` }),
    ]
    for (const { message } of await Promise.all(elsewhere)) {
      assert.equal(message.error.code, -32602)
    }
    assert.ok(!Buffer.from(cursor, 'base64url').toString('latin1').includes('peer'))
  })
})
