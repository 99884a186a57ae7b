// Metadata, names and hints: what crosses the gateway, what stays on its hop, and what decides nothing.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type TestHouse } from '../stories/house.ts'
import { serveLegacy, serveModern, text, tool, type Peer } from './peer.ts'
import { openSession } from './session.ts'
import { ask, type Loose } from './wire.ts'
import { openWireHouse } from './wire-house.ts'

const FOREIGN = {
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'a=b',
  baggage: 'k=v',
  'com.example/vendor': { deep: [1, null] },
  plain: true,
}
/** Reserved: their second label is one of the two names of the protocol. */
const RESERVED = {
  'io.modelcontextprotocol/related-task': { taskId: 't' },
  'io.modelcontextprotocol/subscriptionId': 7,
  'dev.mcp/anything': 1,
}
const RESULT = { ...text('done'), _meta: { ...FOREIGN, ...RESERVED } }

const TOOLS = [
  tool('silent'),
  tool('reads', { annotations: { readOnlyHint: true } }),
  tool('writes', { annotations: { destructiveHint: false } }),
  tool('repeats', { annotations: { destructiveHint: false, idempotentHint: true } }),
  tool('odd', { annotations: { readOnlyHint: 'yes', destructiveHint: 0 } }),
  tool('none', { annotations: 'none' }),
]

let old: Peer
let recent: Peer
let house: TestHouse
before(async () => {
  old = await serveLegacy({ 'tools/list': () => ({ tools: TOOLS }), 'tools/call': () => RESULT })
  recent = await serveModern({
    'tools/list': () => ({ resultType: 'complete', tools: TOOLS }),
    'tools/call': () => ({ resultType: 'complete', ...RESULT }),
  })
  house = await openWireHouse({ servers: { old: { url: old.url }, new: { url: recent.url } } })
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await old[Symbol.asyncDispose]()
  await recent[Symbol.asyncDispose]()
})

const foreignIn = (meta: Loose): Loose =>
  Object.fromEntries(Object.entries(meta).filter(([key]) => Object.hasOwn(FOREIGN, key)))

for (const view of ['old', 'new'] as const) {
  const sent = (): Loose => (view === 'old' ? old : recent).got('tools/call').at(-1)?.body.params

  describe(`metadata towards the ${view} server`, () => {
    it('of others passes unchanged both ways, trace context included (V-044 V-047)', async () => {
      const session = await openSession(house.at(view))
      const params = { name: 'silent', _meta: FOREIGN }
      const legacy = await session.request('tools/call', params)
      assert.deepEqual(foreignIn(sent()._meta), FOREIGN)
      assert.deepEqual(foreignIn(legacy.message.result._meta), FOREIGN)
      const modern = await ask(house.at(view), 'tools/call', { name: 'silent' }, { meta: FOREIGN })
      assert.deepEqual(foreignIn(sent()._meta), FOREIGN)
      assert.deepEqual(foreignIn(modern.message.result._meta), FOREIGN)
    })

    it('that is reserved stays on its hop (V-043 V-046 V-045 BR-054)', async () => {
      const session = await openSession(house.at(view))
      const params = { name: 'silent', _meta: RESERVED }
      const legacy = await session.request('tools/call', params)
      const afterLegacy = sent()._meta ?? {}
      const modern = await ask(house.at(view), 'tools/call', { name: 'silent' }, { meta: RESERVED })
      for (const meta of [
        afterLegacy,
        sent()._meta ?? {},
        legacy.message.result._meta,
        modern.message.result._meta,
      ]) {
        for (const key of Object.keys(RESERVED)) assert.equal(meta[key], undefined, key)
      }
      // V-041: the server that a result names is this one.
      const server = modern.message.result._meta['io.modelcontextprotocol/serverInfo']
      assert.equal(server.name, 'countersign')
    })

    it('names us and not the client, whatever it calls itself (V-048 AM-18)', async () => {
      for (const info of [undefined, { name: 'admin', version: '0' }, 'nonsense', { name: 7 }]) {
        const meta = { 'io.modelcontextprotocol/clientInfo': info }
        const { message } = await ask(house.at(view), 'tools/call', { name: 'silent' }, { meta })
        assert.equal(message.result.content[0].text, 'done')
        if (view === 'old') assert.equal(sent()._meta, undefined)
        else {
          const seen = sent()._meta['io.modelcontextprotocol/clientInfo']
          assert.equal(seen.name, 'countersign')
        }
      }
    })

    it('holds no extension that this side does not have (V-027 V-051 TX-003 TX-032)', async () => {
      const extensions = { 'io.modelcontextprotocol/tasks': {} }
      const asked = { capabilities: { extensions, tasks: { list: {} } } }
      const { message } = await ask(house.at(view), 'tools/call', { name: 'silent' }, asked)
      assert.equal(message.result.resultType, 'complete')
      const seen = sent()._meta?.['io.modelcontextprotocol/clientCapabilities'] ?? {}
      assert.equal(seen.tasks, undefined)
      assert.equal(seen.extensions?.['io.modelcontextprotocol/tasks'], undefined)
      const { capabilities } = (await ask(house.at(view), 'server/discover')).message.result
      assert.equal(capabilities.tasks, undefined)
    })
  })
}

describe('what a tool says of its own effects', () => {
  it('is read pessimistically: one that says nothing may destroy (F-016)', async () => {
    const EFFECTS = {
      silent: 'destructive',
      reads: 'read',
      writes: 'write',
      repeats: 'idempotent',
      odd: 'destructive',
      none: 'destructive',
    }
    for (const [name, effect] of Object.entries(EFFECTS)) {
      await ask(house.at('old'), 'tools/call', { name })
      const opened = (await house.entries()).findLast(({ body }) => body['name'] === name)
      assert.equal(opened?.body['effect'], effect, name)
    }
  })
})
