// Output schemas, and who is shown them.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { OWN_TOOLS } from '../stories/house.ts'
import { serveModern, tool } from './peer.ts'
import { openSession } from './session.ts'
import { ask, type Loose } from './wire.ts'
import { openWireHouse } from './wire-house.ts'

const WORDS = { type: 'object', properties: { words: { type: 'array' } } }
const names = (list: readonly Loose[]): readonly unknown[] => list.map(({ name }) => name)

describe('a result of a slow tool', () => {
  it('may be words, so a client without tasks has no schema to hold against them (F-009)', async () => {
    await using server = await serveModern({
      'tools/list': () => ({
        resultType: 'complete',
        ttlMs: 60_000,
        cacheScope: 'private',
        tools: [tool('words', { outputSchema: WORDS })],
      }),
    })
    await using usual = await openWireHouse({
      servers: {
        new: { url: server.url },
        kept: { url: server.url, tools: { words: { after: 'never' } } },
      },
    })
    const find = (list: readonly Loose[], wanted: string): Loose =>
      list.find(({ name }) => name === wanted)
    const session = await openSession(usual.at('new'))
    const legacy = (await session.request('tools/list')).message.result.tools
    const capabilities = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
    const plain = (await ask(usual.at('new'), 'tools/list')).message.result.tools
    const tasking = (await ask(usual.at('new'), 'tools/list', {}, { capabilities })).message.result
      .tools
    for (const list of [legacy, plain]) assert.equal(find(list, 'words').outputSchema, undefined)
    const kept = (await ask(usual.at('kept'), 'tools/list')).message.result.tools
    assert.deepEqual(find(kept, 'words').outputSchema, WORDS) // This one tool is always waited for.
    // A client with tasks is never answered with words, and needs no tools to ask about them.
    assert.deepEqual(find(tasking, 'words').outputSchema, WORDS)
    assert.ok(!names(tasking).some((name) => OWN_TOOLS.includes(String(name))))
  })
})
