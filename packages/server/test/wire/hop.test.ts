// Our side of the hop to a server: what is sent, what is believed, and what is never sent twice.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { OWN_TOOLS, until } from '../stories/house.ts'
import { serveLegacy, serveModern, text, tool, type Script } from './peer.ts'
import { openSession } from './session.ts'
import { ask, VERSION, type Loose } from './wire.ts'
import { openWireHouse, worldWith } from './wire-house.ts'

const namesIn = ({ tools }: Loose): readonly unknown[] => tools.map(({ name }: Loose) => name)

const MIRRORED = (name: string): Loose => ({
  inputSchema: { type: 'object', properties: { a: { type: 'string', 'x-mcp-header': name } } },
})

describe('every request to a modern server', () => {
  it('repeats its version, method and name, and accepts both forms (H-024 H-027 H-028)', async () => {
    await using peer = await serveModern()
    await using house = await openWireHouse({ servers: { peer: { url: peer.url } } })
    await ask(house.at('peer'), 'tools/call', { name: 'echo' })
    const uri = 'test://ü'
    const encoded = '=?base64?dGVzdDovL8O8?='
    await ask(house.at('peer'), 'resources/read', { uri }, { headers: { 'mcp-name': encoded } })
    assert.ok(peer.received.length >= 6)
    for (const { verb, headers, body } of peer.received) {
      assert.equal(verb, 'POST')
      assert.equal(headers.accept, 'application/json, text/event-stream')
      assert.equal(headers['mcp-protocol-version'], body.params._meta[VERSION])
      assert.equal(headers['mcp-method'], body.method)
      assert.equal(headers['mcp-session-id'], undefined)
      assert.ok(body.params._meta['io.modelcontextprotocol/clientCapabilities'])
    }
    assert.equal(peer.got('tools/call')[0]?.headers['mcp-name'], 'echo')
    const read = peer.got('resources/read')[0]
    assert.equal(read?.headers['mcp-name'], encoded)
    assert.equal(peer.got('tools/list')[0]?.headers['mcp-name'], undefined)
  })

  it('that does not fit its schema has the tools read anew and is sent once more (F-025 H-092 Q-044)', async () => {
    let changed = false
    await using peer = await serveModern({
      'tools/list': () => ({
        resultType: 'complete',
        tools: [tool('echo', MIRRORED(changed ? 'New' : 'Old'))],
      }),
      'tools/call': (message, said) => {
        if (said.headers['mcp-param-new'] === 'x')
          return { resultType: 'complete', ...text('done') }
        changed = true
        const error = { code: -32020, message: 'HeaderMismatch' }
        said.status(400, { jsonrpc: '2.0', id: message.id, error })
      },
    })
    await using house = await openWireHouse({ servers: { peer: { url: peer.url } } })
    const session = await openSession(house.at('peer'))
    const called = await session.request('tools/call', { name: 'echo', arguments: { a: 'x' } })
    assert.equal(called.message.result.content[0].text, 'done')
    assert.deepEqual([peer.got('tools/list').length, peer.got('tools/call').length], [2, 2])
  })

  it('that stays refused is tried no third time, and its code is not passed on (F-025 H-092)', async () => {
    for (const code of [-32020, -32022]) {
      await using peer = await serveModern({
        'tools/call': (message, said) =>
          said.status(400, { jsonrpc: '2.0', id: message.id, error: { code, message: 'no' } }),
      })
      await using house = await openWireHouse({ servers: { peer: { url: peer.url } } })
      const { message } = await ask(house.at('peer'), 'tools/call', { name: 'echo' })
      assert.ok(message.error === undefined || message.error.code === -32603)
      assert.ok(peer.got('tools/call').length <= 2)
    }
  })
})

describe('what a modern server answers', () => {
  it('without a result type is complete, session ids and empty events aside (V-030 H-053 AM-05)', async () => {
    await using peer = await serveModern({
      'tools/call': (message, said) => {
        said.write('id: 1\ndata:\n\nevent: other\ndata: {"not":"a message"}\n\n')
        said.send({ jsonrpc: '2.0', id: message.id, result: text('done') })
        said.end()
      },
    })
    await using house = await openWireHouse({ servers: { peer: { url: peer.url } } })
    const { message } = await ask(house.at('peer'), 'tools/call', { name: 'echo' })
    assert.equal(message.result.content[0].text, 'done')
    assert.equal(peer.got('GET').length, 0)
  })

  it('with an unknown type is no list either (V-030)', async () => {
    await using peer = await serveModern({
      'tools/list': () => ({ resultType: 'later', tools: [tool('echo')] }),
    })
    await using house = await openWireHouse({ servers: { peer: { url: peer.url } } })
    const { message } = await ask(house.at('peer'), 'tools/list')
    assert.deepEqual(namesIn(message.result), OWN_TOOLS) // Nothing of the server.
  })

  it('about a capability is ours to say only when it names one (V-049)', async () => {
    const named = { requiredCapabilities: { sampling: {} } }
    for (const [data, status, code] of [
      [named, 400, -32021],
      [undefined, 200, -32603],
      ['sampling', 200, -32603],
    ] as const) {
      await using peer = await serveModern({
        'tools/call': ({ id }, said) =>
          said.status(400, { jsonrpc: '2.0', id, error: { code: -32021, message: 'no', data } }),
      })
      await using house = await openWireHouse({ servers: { peer: { url: peer.url } } })
      const answer = await ask(house.at('peer'), 'tools/call', { name: 'echo' })
      assert.deepEqual([answer.status, answer.message.error.code], [status, code])
      // A legacy client cannot be told so: the code is not of its era (BR-008).
      const session = await openSession(house.at('peer'))
      const { message } = await session.request('tools/call', { name: 'echo' })
      assert.equal(message.error.code, -32603)
    }
  })

  it('in the old era may use any code for itself: its call is sent once (H-091 BR-012)', async () => {
    for (const code of [-32020, -32021, -32022]) {
      await using peer = await serveLegacy({
        'tools/call': (_message, said) => said.answer({ error: { code, message: 'mine' } }),
      })
      await using house = await openWireHouse({ servers: { peer: { url: peer.url } } })
      const { message } = await ask(house.at('peer'), 'tools/call', { name: 'echo' })
      assert.deepEqual([message.error.code, message.error.message], [-32603, 'mine'])
      assert.equal(peer.got('tools/call').length, 1)
    }
  })

  it('breaking off loses the request, which is not sent again (H-054 BR-012)', async () => {
    await using peer = await serveModern({
      'tools/list': () => ({ resultType: 'complete', tools: [tool('write')] }),
      'tools/call': (_message, said) => {
        said.write('id: 1\ndata:\n\n')
        said.cut()
      },
    })
    await using house = await openWireHouse({ servers: { peer: { url: peer.url } } })
    const { message } = await ask(house.at('peer'), 'tools/call', { name: 'write' })
    assert.equal(message.result.isError, true)
    assert.match(message.result.content[0].text, /Unknown outcome/)
    assert.equal(peer.got('tools/call').length, 1)
  })
})

describe('a legacy session of ours', () => {
  it('is greeted first, and told that it is initialized before anything else (V-001 V-004)', async () => {
    await using peer = await serveLegacy()
    await using house = await openWireHouse({ servers: { peer: { url: peer.url } } })
    await ask(house.at('peer'), 'tools/list')
    const said = peer.received.map(({ body }) => body?.method)
    assert.deepEqual(said.slice(0, 3), [
      'server/discover',
      'initialize',
      'notifications/initialized',
    ])
    const { params } = peer.got('initialize')[0]?.body ?? {}
    assert.equal(params.protocolVersion, '2025-11-25')
    assert.equal(params.clientInfo.name, 'countersign')
    for (const { headers } of peer.received.slice(2)) {
      assert.equal(headers['mcp-session-id'], 'the-session')
      assert.equal(headers['mcp-protocol-version'], '2025-11-25') // H-082
    }
  })

  it('is not kept with a server whose revision is unknown to us (V-003)', async () => {
    await using peer = await serveLegacy({}, '2031-01-01')
    await using house = await openWireHouse({ servers: { peer: { url: peer.url } } })
    const { message } = await ask(house.at('peer'), 'tools/list')
    assert.deepEqual(namesIn(message.result), OWN_TOOLS) // Nothing of the server.
    assert.equal(peer.got('notifications/initialized').length, 0)
    assert.equal(peer.got('tools/list').length, 0)
    assert.match(house.house.upstreams.get('peer')?.status().problem ?? '', /2031-01-01/)
  })

  for (const what of ['to nobody', 'to our request'] as const) {
    it(`that was forgotten, in an answer addressed ${what}, is begun anew, and the call is not repeated (H-079 BR-012)`, async () => {
      let isGone = true
      const script: Script = {
        'tools/call': (message, said) => {
          if (!isGone) return text('done')
          isGone = false
          const id = what === 'to nobody' ? null : message.id
          said.status(404, {
            jsonrpc: '2.0',
            id,
            error: { code: -32001, message: 'Session not found' },
          })
        },
      }
      await using peer = await serveLegacy(script)
      await using house = await openWireHouse({ servers: { peer: { url: peer.url } } })
      const url = house.at('peer')
      const lost = await ask(url, 'tools/call', { name: 'echo' })
      assert.ok(lost.message.error ?? lost.message.result.isError)
      assert.equal(peer.got('tools/call').length, 1)
      const again = await ask(url, 'tools/call', { name: 'echo' })
      assert.equal(again.message.result.content[0].text, 'done')
      const [, second] = peer.got('initialize')
      assert.ok(second)
      assert.equal(second.headers['mcp-session-id'], undefined)
    })
  }

  it('is left by DELETE (H-080)', async () => {
    await using peer = await serveLegacy()
    const house = await openWireHouse({ servers: { peer: { url: peer.url } } })
    await ask(house.at('peer'), 'tools/list')
    await house[Symbol.asyncDispose]()
    assert.equal(peer.got('DELETE')[0]?.headers['mcp-session-id'], 'the-session')
  })

  it('is told when the client of a call has no roots (I-051 H-070)', async () => {
    await using peer = await serveLegacy({
      'tools/call': (_message, said) => {
        said.send({ jsonrpc: '2.0', id: 'roots', method: 'roots/list' })
        said.answer({ result: text('done') })
      },
    })
    await using house = await openWireHouse({ servers: { peer: { url: peer.url } } })
    await ask(house.at('peer'), 'tools/call', { name: 'echo' })
    const { body } = await until('the answer', () =>
      peer.received.find(({ body: sent }) => sent?.id === 'roots'),
    )
    assert.equal(body.error.code, -32602)
  })
})

describe('a parked call', () => {
  /** Patience with those who do not come back ends at once. */
  const impatient = worldWith({ [30 * 60_000]: 5 })

  it('that nobody returns to is ended at the server and in the ledger (I-008 BR-037)', async () => {
    await using peer = await serveLegacy({
      'tools/call': (_message, said) =>
        said.send({
          jsonrpc: '2.0',
          id: 'question',
          method: 'elicitation/create',
          params: { message: 'Who?', requestedSchema: { type: 'object', properties: {} } },
        }),
    })
    await using house = await openWireHouse({
      servers: { peer: { url: peer.url } },
      world: impatient,
    })
    const asked = { capabilities: { elicitation: {} } }
    const parked = await ask(house.at('peer'), 'tools/call', { name: 'echo' }, asked)
    assert.equal(parked.message.result?.resultType, 'input_required', parked.text)
    const { body } = await peer.next('notifications/cancelled')
    assert.equal(body.params.requestId, peer.got('tools/call')[0]?.body.id)
    await until('the ledger says so', async () =>
      (await house.entries()).find(({ body: said }) => said['reason'] === 'call/abandoned'),
    )
    // BR-038: whoever comes later is told, and nothing is run again.
    const { requestState } = parked.message.result
    const late = await ask(house.at('peer'), 'tools/call', { name: 'echo', requestState }, asked)
    assert.equal(late.message.result.isError, true)
    assert.equal(peer.got('tools/call').length, 1)
  })
})
