// What is listed, and what is said of what is not there.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { OWN_TOOLS, type TestHouse } from '../stories/house.ts'
import { serveLegacy, serveModern, text, tool, type Peer } from './peer.ts'
import { openSession } from './session.ts'
import { ask, type Loose } from './wire.ts'
import { openWireHouse } from './wire-house.ts'

const DIALECT = 'https://json-schema.org/draft/2020-12/schema'
const KEYWORDS = {
  $schema: DIALECT,
  type: 'object',
  $defs: { address: { $anchor: 'addressDef', type: 'object' } },
  properties: { address: { $ref: '#/$defs/address' }, how: { enum: ['phone', 'email'] } },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { how: { const: 'phone' } } },
  ...JSON.parse('{"then":{"required":["phone"]}}'),
  else: { required: ['email'] },
  additionalProperties: false,
}
const WORDS = {
  $schema: DIALECT,
  type: 'array',
  $defs: { word: { $anchor: 'word', type: 'string' } },
  items: { anyOf: [{ $ref: '#/$defs/word' }, { $ref: '#word' }] },
}
const header = (value: unknown, more: object = {}): Loose => ({
  inputSchema: {
    type: 'object',
    properties: { a: { type: 'string', 'x-mcp-header': value, ...more } },
  },
})

/** Hits on a place that schemas refer to. */
let fetched = 0
let old: Peer
let recent: Peer
let house: TestHouse
const far = createServer((_request, response) => {
  fetched++
  response.end('{}')
})
before(async () => {
  far.listen(0, '127.0.0.1')
  await once(far, 'listening')
  const { port } = far.address() as AddressInfo
  const away = { $ref: `http://127.0.0.1:${port}/schema.json` }
  old = await serveLegacy({
    'tools/list': () => ({
      tools: [
        tool('zebra'),
        tool('keywords', { inputSchema: KEYWORDS, execution: { taskSupport: 'required' } }),
        tool('away', {
          inputSchema: { type: 'object', properties: { a: away } },
          outputSchema: { type: 'object', ...away },
        }),
        tool('bad_header', header('not a token')),
        tool('no_schema', { inputSchema: 'none' }),
        tool('zebra', { description: 'again' }),
        { description: 'nameless', inputSchema: { type: 'object' } },
        tool('alpha'),
      ],
    }),
    'prompts/list': () => ({
      prompts: [{ name: 'p', arguments: [{ name: 'a', required: true }] }],
    }),
    'prompts/get': (message, said) => {
      if (message.params.arguments?.a !== undefined) return LINKED
      return said.answer({ error: { code: -32602, message: 'a is required' } })
    },
    'resources/list': () => ({ resources: [{ uri: 'test://a', name: 'a' }] }),
    'resources/read': (message, said) => {
      if (message.params.uri === 'test://a') return CONTENTS
      return said.answer({ error: { code: -32002, message: 'Resource not found' } })
    },
    'completion/complete': () => ({
      completion: { values: Array.from({ length: 150 }, (_, at) => `v${at}`), total: 150 },
    }),
    'tools/call': (message, said) => {
      if (message.params.name === 'zebra') return { ...text('wrong argument'), isError: true }
      if (message.params.name !== 'alpha') return text('done')
      return said.answer({ error: { code: -32007, message: 'own code' } })
    },
  })
  recent = await serveModern({
    'tools/list': () => ({
      resultType: 'complete',
      tools: [tool('words', { outputSchema: WORDS }), tool('loose'), ...HEADERS],
      ttlMs: 60_000,
      cacheScope: 'public',
    }),
    'tools/call': (message) => ({
      resultType: 'complete',
      ...text('w'),
      structuredContent: message.params.name === 'words' ? [] : 0,
    }),
    'resources/read': (message, said) => {
      if (message.params.uri === 'test://asks' && message.params.inputResponses === undefined) {
        return { resultType: 'input_required', inputRequests: { r: { method: 'roots/list' } } }
      }
      if (message.params.uri !== 'test://old') {
        return {
          resultType: 'complete',
          contents: [],
          ttlMs: message.params.uri === 'test://bad' ? -1 : 5_000,
          cacheScope: 'public',
        }
      }
      return said.answer({ error: { code: -32602, message: 'gone', data: { uri: 'test://old' } } })
    },
  })
  house = await openWireHouse({
    servers: { old: { url: old.url }, new: { url: recent.url } },
    views: { both: { servers: ['new', 'old'] } },
    // Otherwise only clients with tasks are shown output schemas.
    tasks: { after: 'never' },
  })
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await old[Symbol.asyncDispose]()
  await recent[Symbol.asyncDispose]()
  far.close()
})

const HEADERS = [
  tool('h_token', header('not a token')),
  tool('h_empty', header('')),
  tool('h_control', header('a\n')),
  tool('h_number', header('A', { type: 'number' })),
  tool('h_list', {
    inputSchema: {
      type: 'object',
      properties: { a: { type: 'array', items: { type: 'string', 'x-mcp-header': 'A' } } },
    },
  }),
  tool('h_root', { inputSchema: { type: 'object', 'x-mcp-header': 'A' } }),
  tool('h_twice', {
    inputSchema: {
      type: 'object',
      properties: {
        a: { type: 'string', 'x-mcp-header': 'Same' },
        b: { type: 'string', 'x-mcp-header': 'sAME' },
      },
    },
  }),
  tool('h_fine', header('Fine')),
]
const CONTENTS = {
  contents: [
    { uri: 'test://a', mimeType: 'text/plain', text: 'one' },
    { uri: 'test://a/b', mimeType: 'image/png', blob: 'AAAA' },
  ],
}
const LINKED = {
  messages: [
    { role: 'user', content: { type: 'resource_link', uri: 'test://a', name: 'a' } },
    { role: 'user', content: { type: 'image', data: 'AAAA', mimeType: 'image/png' } },
  ],
}

const modernTools = async (view: string): Promise<readonly Loose[]> =>
  (await ask(house.at(view), 'tools/list')).message.result.tools
const names = (list: readonly Loose[]): readonly unknown[] => list.map(({ name }) => name)

describe('a list', () => {
  it('has one order, however often and by whomever it is asked for (F-002 F-003)', async () => {
    const first = await modernTools('old')
    const theirs = ['alpha', 'away', 'bad_header', 'keywords', 'zebra']
    assert.deepEqual(names(first), [...theirs, ...OWN_TOOLS])
    const session = await openSession(house.at('old'))
    const second = (await session.request('tools/list')).message.result.tools
    assert.deepEqual(names(second), names(first))
    assert.deepEqual(await modernTools('old'), first)
    assert.equal(old.got('tools/list').length, 1) // F-042: stored, not asked for each time.
  })

  it('leaves out what no client could use, and says so (F-015 F-008 Q-066)', async () => {
    const listed = names(await modernTools('old'))
    assert.ok(!listed.includes('no_schema'))
    assert.equal(new Set(listed).size, listed.length)
    const [server] = await house.house.admin.listServers({})
    assert.ok(server)
    const problems = (await house.house.admin.listServers({})).flatMap((one) => one.problems)
    assert.ok(problems.some((problem) => problem.includes('no_schema')))
    assert.ok(problems.some((problem) => problem.includes('zebra')))
  })

  it('of one server keeps every keyword of its schemas (F-008)', async () => {
    const find = (list: readonly Loose[]): Loose => list.find(({ name }) => name === 'keywords')
    assert.deepEqual(find(await modernTools('old')).inputSchema, KEYWORDS)
    const session = await openSession(house.at('old'))
    const { tools } = (await session.request('tools/list')).message.result
    assert.deepEqual(find(tools).inputSchema, KEYWORDS)
    // F-017, TL-032: every tool may be a task and none has to, whatever its server says; where tasks
    // are unknown, or are for the server alone to decide, nothing is said of them.
    assert.deepEqual(find(tools).execution, { taskSupport: 'optional' })
    const older = await openSession(house.at('old'), '2025-06-18')
    const listed = (await older.request('tools/list')).message.result.tools
    for (const list of [listed, await modernTools('old')])
      assert.equal(find(list).execution, undefined)
  })

  it('of several servers has plain unique names and object schemas (F-004 F-006 AM-16)', async () => {
    for (const { name, inputSchema, description } of await modernTools('both')) {
      if (!OWN_TOOLS.includes(name)) assert.match(name, /^(?:new|old)_[a-z0-9_]{1,41}$/)
      assert.equal(inputSchema.type, 'object')
      assert.ok(description)
    }
  })

  it('never has the network asked for what a schema refers to (F-014)', async () => {
    await modernTools('old')
    await ask(house.at('old'), 'tools/call', { name: 'away', arguments: { a: 1 } })
    const session = await openSession(house.at('both'))
    await session.request('tools/call', { name: 'old_away', arguments: { a: 1 } })
    assert.equal(fetched, 0)
  })

  it('has no tool of a modern HTTP server whose x-mcp-header breaks the rules (F-020 F-021 AM-10)', async () => {
    const listed = names(await modernTools('new')).filter((name) => String(name).startsWith('h_'))
    assert.deepEqual(listed, ['h_fine'])
  })

  it('keeps such a tool of a legacy server, without the annotation (F-027)', async () => {
    const bad = (await modernTools('old')).find(({ name }) => name === 'bad_header')
    assert.deepEqual(bad.inputSchema.properties, { a: { type: 'string' } })
  })

  it('says how long it stays good: for one identity, and no longer than its source (F-050 F-054 F-053 AM-28)', async () => {
    const methods = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list']
    for (const view of ['new', 'old', 'both']) {
      for (const method of ['server/discover', ...methods]) {
        const { ttlMs, cacheScope, resultType } = (await ask(house.at(view), method)).message.result
        assert.deepEqual([cacheScope, resultType], ['private', 'complete'])
        assert.ok(Number.isInteger(ttlMs) && ttlMs >= 0 && ttlMs <= 60_000)
        if (view !== 'new') assert.equal(ttlMs, 0)
      }
    }
    const session = await openSession(house.at('new'))
    for (const method of methods) {
      const { result } = (await session.request(method)).message
      for (const key of ['ttlMs', 'cacheScope', 'resultType']) assert.equal(result[key], undefined) // F-056
    }
  })

  it('takes no cursor but its own, and never gives an empty one (F-038 F-039)', async () => {
    for (const cursor of ['', 'x', 7]) {
      const { status, message } = await ask(house.at('old'), 'tools/list', { cursor })
      assert.deepEqual([status, message.error.code], [200, -32602])
    }
    const { result } = (await ask(house.at('old'), 'tools/list')).message
    assert.equal(Object.hasOwn(result, 'nextCursor'), false)
  })
})

describe('what is not there', () => {
  it('a tool or prompt is -32602 in both eras (F-012)', async () => {
    const session = await openSession(house.at('old'))
    for (const method of ['tools/call', 'prompts/get']) {
      for (const name of ['nobody', 'constructor', '__proto__']) {
        const modern = await ask(house.at('old'), method, { name })
        assert.deepEqual([modern.status, modern.message.error.code], [200, -32602])
        assert.equal((await session.request(method, { name })).message.error.code, -32602)
      }
    }
  })

  it('a resource is -32602 with its URI in the new era and -32002 in the old one (F-030 F-031 AM-15)', async () => {
    for (const [view, uri] of [
      ['old', 'test://gone'],
      ['new', 'test://old'],
      ['both', 'other://x'],
    ] as const) {
      const modern = (await ask(house.at(view), 'resources/read', { uri })).message
      assert.deepEqual([modern.error?.code, modern.error?.data], [-32602, { uri }])
      const session = await openSession(house.at(view))
      const { error } = (await session.request('resources/read', { uri })).message
      assert.deepEqual([error?.code, error?.data], [-32002, { uri }])
    }
  })

  it('an argument is a failed result or an error, as the server says (F-012 F-035 AM-27)', async () => {
    const session = await openSession(house.at('old'), '2025-03-26')
    const wrong = await session.request('tools/call', { name: 'zebra', arguments: { a: 1 } })
    assert.equal(wrong.message.result.isError, true)
    const modern = await ask(house.at('old'), 'tools/call', { name: 'zebra' })
    assert.equal(modern.message.result.isError, true)
    const prompt = await ask(house.at('old'), 'prompts/get', { name: 'p' })
    assert.equal(prompt.message.error.code, -32602)
    assert.equal((await session.request('prompts/get', { name: 'p' })).message.error.code, -32602)
  })

  it('codes of an upstream about its own hop become ours (H-090 H-091 H-092)', async () => {
    const { message } = await ask(house.at('old'), 'tools/call', { name: 'alpha' })
    assert.equal(message.error.code, -32603)
  })
})

describe('what is answered', () => {
  it('goes to the server as it was asked: absent arguments stay absent (F-013)', async () => {
    await ask(house.at('old'), 'tools/call', { name: 'zebra' })
    const { params } = old.got('tools/call').at(-1)?.body ?? {}
    assert.equal(Object.hasOwn(params, 'arguments'), false)
  })

  it('may be several contents, passed as they are (F-034 F-007)', async () => {
    const { result } = (await ask(house.at('old'), 'resources/read', { uri: 'test://a' })).message
    assert.deepEqual(result.contents, CONTENTS.contents)
    assert.deepEqual([result.ttlMs, result.cacheScope], [0, 'private'])
  })

  it('may be kept as long as the server says, and never publicly (F-050 F-053 F-054 F-055)', async () => {
    for (const [uri, ttl] of [
      ['test://x', 5_000],
      ['test://bad', 0],
    ] as const) {
      const { result } = (await ask(house.at('new'), 'resources/read', { uri })).message
      assert.deepEqual([result.ttlMs, result.cacheScope], [ttl, 'private'])
    }
  })

  it('is kept by nobody here: what is private is read for each who asks (F-052)', async () => {
    const reads = recent.got('resources/read').length
    const uri = 'test://private'
    await ask(house.at('new'), 'resources/read', { uri })
    await ask(house.at('new'), 'resources/read', { uri })
    assert.equal(recent.got('resources/read').length, reads + 2)
  })

  it('may not be kept when somebody was asked for it (F-051)', async () => {
    const uri = 'test://asks'
    const asked = { capabilities: { roots: {} } }
    const first = (await ask(house.at('new'), 'resources/read', { uri }, asked)).message.result
    assert.deepEqual([first.ttlMs, first.cacheScope], [undefined, undefined])
    const { requestState } = first
    const params = { uri, requestState, inputResponses: { r: { roots: [] } } }
    const second = (await ask(house.at('new'), 'resources/read', params, asked)).message.result
    assert.deepEqual([second.ttlMs, second.cacheScope], [0, 'private'])
  })

  it('has the kinds of content that a revision knows (F-035 V-007)', async () => {
    const params = { name: 'p', arguments: { a: 'x' } }
    const get = async (revision: string): Promise<readonly Loose[]> => {
      const session = await openSession(house.at('old'), revision)
      const { messages } = (await session.request('prompts/get', params)).message.result
      return messages.map(({ content }: Loose) => content.type)
    }
    assert.deepEqual(await get('2025-03-26'), ['text', 'image'])
    assert.deepEqual(await get('2025-06-18'), ['resource_link', 'image'])
  })

  it('has at most a hundred completions, and says that there are more (F-036)', async () => {
    const params = { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: '' } }
    const { completion } = (await ask(house.at('old'), 'completion/complete', params)).message
      .result
    assert.equal(completion.values.length, 100)
    assert.deepEqual([completion.total, completion.hasMore], [150, true])
  })

  it('is structured as its schema says, wrapped for revisions that want an object (F-009 F-010 F-011)', async () => {
    const modern = (await modernTools('new')).find(({ name }) => name === 'words')
    assert.deepEqual(modern.outputSchema, WORDS)
    const { result } = (await ask(house.at('new'), 'tools/call', { name: 'words' })).message
    assert.deepEqual(result.structuredContent, [])
    for (const revision of ['2025-11-25', '2025-06-18']) {
      const session = await openSession(house.at('new'), revision)
      const { tools } = (await session.request('tools/list')).message.result
      const { outputSchema } = tools.find(({ name }: Loose) => name === 'words')
      assert.deepEqual([outputSchema.$schema, outputSchema.type], [DIALECT, 'object'])
      assert.deepEqual(outputSchema.required, ['result'])
      const { items } = outputSchema.properties.result
      // Pointers are moved with what they point into; anchors are found wherever they are.
      assert.deepEqual(items.anyOf, [{ $ref: '#/properties/result/$defs/word' }, { $ref: '#word' }])
      const called = (await session.request('tools/call', { name: 'words' })).message.result
      assert.deepEqual(called.structuredContent, { result: [] })
      // Without a schema to wrap, only an object is structured content.
      const loose = (await session.request('tools/call', { name: 'loose' })).message.result
      assert.equal(loose.structuredContent, undefined)
    }
    const oldest = await openSession(house.at('new'), '2025-03-26')
    const { tools } = (await oldest.request('tools/list')).message.result
    assert.equal(tools.find(({ name }: Loose) => name === 'words').outputSchema, undefined)
    const called = (await oldest.request('tools/call', { name: 'words' })).message.result
    assert.equal(called.structuredContent, undefined)
  })
})
