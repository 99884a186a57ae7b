// What a URL shows: all servers, one server, or a selection; and where a name or URI leads.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openTestHouse, OWN_TOOLS, overStdio, uncaught, type TestHouse } from './house.ts'
import { ask, envelope, modern, type Answer, type Wire } from './raw.ts'

let theHouse: TestHouse
before(async () => {
  theHouse = await openTestHouse({
    servers: {
      one: overStdio('oldPeer'),
      two: overStdio('oldPeer'),
      fixture: overStdio('old'),
      'a-very-long-name-of-a-server': overStdio('newPeer'),
    },
    views: { pair: { servers: ['two', 'one'] }, lone: { servers: ['one'] } },
  })
  await ask(theHouse.at(), modern('tools/list'))
})
after(async () => {
  await theHouse[Symbol.asyncDispose]()
  assert.deepEqual(uncaught, [])
})

const say = (view: string, method: string, params = {}): Promise<Answer> =>
  ask(theHouse.at(view), modern(method, { params }))
const call = async (view: string, name: string, args = {}): Promise<string> =>
  (await say(view, 'tools/call', { name, arguments: args })).json.result?.content[0].text
const namesOf = async (view: string): Promise<readonly string[]> =>
  (await say(view, 'tools/list')).json.result.tools.map(({ name }: Wire) => name)

describe('names', () => {
  it('are the server’s own behind /mcp/{server}, and prefixed everywhere else', async () => {
    // F-004, F-006
    assert.ok((await namesOf('one')).includes('echo'))
    assert.ok(!(await namesOf('one')).includes('one_echo'))
    for (const view of ['', 'pair', 'lone']) assert.ok((await namesOf(view)).includes('one_echo'))
    assert.ok(!(await namesOf('lone')).some((name) => name.startsWith('two_')))
    assert.equal(await call('one', 'echo', { a: 1 }), '{"a":1}')
    assert.equal(await call('pair', 'two_echo', { a: 1 }), '{"a":1}')
  })

  it('fit every client, and lead back however long the server is called', async () => {
    // AM-16, F-005
    const names = await namesOf('')
    const theirs = names.slice(0, -OWN_TOOLS.length)
    assert.deepEqual(names, [...theirs.toSorted(), ...OWN_TOOLS]) // F-003
    for (const name of names) assert.match(name, /^(?!.*__)[a-z][a-z0-9_]{0,44}$/)
    const long = names.filter((name) => name.startsWith('a_very_long_name'))
    const own = await namesOf('a-very-long-name-of-a-server')
    assert.equal(long.length, own.length - OWN_TOOLS.length) // Ours carry no server's name.
    const echo = long.find((name) => name.endsWith('_echo')) ?? ''
    assert.equal(await call('', echo, { a: 1 }), '{"a":1}')
  })

  it('of another view or another spelling lead where they should', async () => {
    assert.equal((await say('one', 'tools/call', { name: 'one_echo' })).json.error.code, -32602)
    assert.equal((await say('', 'tools/call', { name: 'echo' })).json.error.code, -32602)
    assert.equal(await call('', 'one-echo', { a: 1 }), '{"a":1}') // Both spellings.
  })

  it('name prompts too, and completion follows them', async () => {
    const { json } = await say('pair', 'prompts/list')
    assert.deepEqual(
      json.result.prompts.map(({ name }: Wire) => name),
      ['one_hello', 'two_hello'],
    )
    const got = await say('pair', 'prompts/get', { name: 'two_hello', arguments: { who: 'Ada' } })
    assert.equal(got.json.result.messages[0].content.text, 'Hello, Ada!')
    const ref = { type: 'ref/prompt', name: 'one_hello' }
    const completed = await say('pair', 'completion/complete', {
      ref,
      argument: { name: 'who', value: 'A' },
    })
    assert.deepEqual(completed.json.result.completion.values, ['hello A'])
  })
})

describe('resources', () => {
  it('that two servers claim are told apart; those of one pass verbatim', async () => {
    // F-007, F-034, F-037
    const alone = await say('one', 'resources/list')
    assert.deepEqual(
      alone.json.result.resources.map(({ uri }: Wire) => uri),
      ['peer://doc'],
    )
    const { json } = await say('pair', 'resources/list')
    const uris = json.result.resources.map(({ uri }: Wire) => uri)
    assert.deepEqual(uris, ['countersign://one/peer://doc', 'countersign://two/peer://doc'])
    for (const uri of [...uris, 'countersign://two/peer://item/5']) {
      const { contents } = (await say('pair', 'resources/read', { uri })).json.result
      assert.equal(contents[0].uri, uri)
    }
    const all = await say('', 'resources/list')
    const verbatim = all.json.result.resources.map(({ uri }: Wire) => uri)
    assert.ok(verbatim.includes('test://static-text'))
  })

  it('that nobody has are an error that names them', async () => {
    // F-030
    for (const uri of [
      'nobody://x',
      'countersign://two/nobody://x',
      'countersign://nobody/peer://doc',
      'countersign://',
      '',
    ]) {
      const { status, json } = await say('pair', 'resources/read', { uri })
      assert.deepEqual([status, json.error.code], [200, -32602], uri)
    }
    const { json } = await say('one', 'resources/read', { uri: 'peer://none' })
    assert.deepEqual([json.error.code, json.error.data.uri], [-32602, 'peer://none'])
  })
})

describe('schemas', () => {
  it('keep every keyword behind /mcp/{server}, and lose what clients die of elsewhere', async () => {
    // F-008
    const find = async (view: string, name: string): Promise<Wire> =>
      (await say(view, 'tools/list')).json.result.tools.find((tool: Wire) => tool.name === name)
    const own = await find('fixture', 'json_schema_2020_12_tool')
    for (const key of ['$schema', '$defs', 'allOf', 'if', 'then', 'else', 'additionalProperties']) {
      assert.ok(key in own.inputSchema, key)
    }
    const plain = await find('', 'fixture_json_schema_2020_12_tool')
    for (const key of ['allOf', 'anyOf', 'oneOf', 'if', 'then', 'else', 'not']) {
      assert.ok(!(key in plain.inputSchema), key)
    }
    assert.equal(plain.inputSchema.type, 'object')
    assert.deepEqual(
      Object.keys(plain.inputSchema.properties).toSorted(),
      Object.keys(own.inputSchema.properties).toSorted(),
    )
    assert.equal(
      await call('', 'fixture_json_schema_2020_12_tool', { phone: '1' }),
      'Called with {"phone":"1"}',
    )
  })
})

describe('lists', () => {
  it('carry freshness and scope in the modern era, and nothing of the old one', async () => {
    // F-050, F-054, F-017, V-031, V-041
    for (const method of [
      'tools/list',
      'prompts/list',
      'resources/list',
      'resources/templates/list',
    ]) {
      const { result } = (await say('', method)).json
      assert.equal(result.resultType, 'complete')
      assert.ok(Number.isInteger(result.ttlMs) && result.ttlMs >= 0)
      assert.equal(result.cacheScope, 'private')
      assert.notEqual(result.nextCursor, '') // F-038
      assert.ok(!/"execution"|"elicitationId"/.test(JSON.stringify(result)))
    }
  })

  it('refuse cursors that were not given out for exactly this list', async () => {
    // F-039, F-040
    for (const cursor of ['', 'x', 'MQ==', 7, null, { a: 1 }]) {
      const { json } = await say('', 'tools/list', { cursor })
      assert.equal(json.error?.code, -32602, JSON.stringify(cursor))
    }
  })

  it('are of the moment: the same for every client of a view', async () => {
    // F-002
    const first = await namesOf('')
    const meta = envelope({}, { elicitation: {}, sampling: {} })
    const { json } = await ask(theHouse.at(), modern('tools/list', { meta }))
    assert.deepEqual(
      json.result.tools.map(({ name }: Wire) => name),
      first,
    )
  })
})

describe('log levels of modern calls', () => {
  it('are per request: none unless asked for, and none below what was asked', async () => {
    // P-021, P-022, P-023, Q-043
    const levels = async (level: unknown): Promise<readonly string[]> => {
      const meta = envelope(
        level === undefined ? {} : { 'io.modelcontextprotocol/logLevel': level },
      )
      const { events } = await ask(
        theHouse.at('one'),
        modern('tools/call', { params: { name: 'log' }, meta }),
      )
      return events.flatMap(({ data }) =>
        data.method === 'notifications/message' ? [data.params.level] : [],
      )
    }
    assert.deepEqual(await levels(undefined), [])
    assert.deepEqual(await levels('warning'), ['warning', 'error'])
    assert.deepEqual(await levels('emergency'), [])
    const meta = envelope({ 'io.modelcontextprotocol/logLevel': 'loud' })
    const { json } = await ask(
      theHouse.at('one'),
      modern('tools/call', { params: { name: 'log' }, meta }),
    )
    assert.equal(json.error.code, -32602)
  })
})

describe('the ledger', () => {
  it('has an opening and a closing for each call that reached a server, and digests only', async () => {
    // BR-007
    const entries = (await theHouse.entries()).filter(({ call: id }) => id !== undefined)
    const openings = entries.filter(({ kind }) => kind === 'call.opened')
    assert.ok(openings.length > 10)
    for (const { call: id, body } of openings) {
      const closed = entries.filter((one) => one.kind === 'call.closed' && one.call === id)
      assert.equal(closed.length, 1)
      assert.match(String(body['arguments']), /^hmac-sha256:[0-9a-f]{64}$/)
      assert.equal(body['principal'], 'local')
    }
    assert.ok(!JSON.stringify(entries).includes('"Ada"'))
  })
})
