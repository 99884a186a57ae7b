// One client on a pipe, in either era.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { OWN_TOOLS, until, type TestHouse } from '../stories/house.ts'
import { serveLegacy, text, tool, type Peer, type Said } from './peer.ts'
import { openPipe, type Pipe } from './pipe.ts'
import { initialize } from './session.ts'
import { modern, SUBSCRIPTION, type Loose } from './wire.ts'
import { openWireHouse } from './wire-house.ts'

const waiting: { readonly message: Loose; readonly said: Said }[] = []
const nextCall = (): Promise<(typeof waiting)[number]> =>
  until('the call reaches the server', () => waiting.shift())

let peer: Peer
let house: TestHouse
before(async () => {
  peer = await serveLegacy({
    'tools/list': () => ({ tools: [tool('wait'), tool('echo')] }),
    'tools/call': (message, said) => {
      if (message.params.name === 'echo') return text(message.params.arguments?.words ?? 'done')
      waiting.push({ message, said })
    },
  })
  house = await openWireHouse({
    servers: { peer: { url: peer.url } },
    limits: { bodyBytesMax: 65_536 },
  })
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await peer[Symbol.asyncDispose]()
})

const open = (): Pipe => openPipe(house, 'peer')
const request = (id: string | number, method: string, params: object = {}): Loose => ({
  jsonrpc: '2.0',
  id,
  method,
  params,
})
async function openLegacy(revision: string, capabilities = {}): Promise<Pipe> {
  const pipe = open()
  pipe.write(initialize(revision, capabilities))
  assert.equal((await pipe.next()).result.protocolVersion, revision)
  pipe.write({ jsonrpc: '2.0', method: 'notifications/initialized' })
  return pipe
}

describe('a line', () => {
  it('is one message, whatever line separators its text holds (S-001 S-003 S-023)', async () => {
    await using pipe = open()
    const words = 'one\u2028two\u2029three\u0085four \\n five\\r'
    pipe.raw(
      `\n\r\n${JSON.stringify(modern('tools/call', { name: 'echo', arguments: { words } }))}\r\n`,
    )
    const { result } = await pipe.next()
    assert.equal(result.content[0].text, words)
    assert.deepEqual(pipe.rest(), [])
  })

  it('may come in pieces of any size (S-001)', async () => {
    await using pipe = open()
    const whole = Buffer.from(
      `${JSON.stringify(modern('tools/call', { name: 'echo', arguments: { words: 'ü€😀' } }))}\n`,
    )
    for (const byte of whole) pipe.raw(Buffer.from([byte]))
    assert.equal((await pipe.next()).result.content[0].text, 'ü€😀')
  })

  it('that is no message is answered without an id, and the next one is served (S-003 H-093)', async () => {
    await using pipe = open()
    for (const [line, code] of [
      ['{', -32700],
      ['7', -32600],
      ['[]', -32600],
      ['{"id":null}', -32600],
    ] as const) {
      pipe.write(line)
      const { error, ...others } = await pipe.next()
      assert.deepEqual([error.code, others], [code, { jsonrpc: '2.0' }])
    }
    pipe.write(modern('tools/list'))
    assert.ok((await pipe.next()).result.tools)
  })

  it('has a limit, also one that never ends (S-003)', async () => {
    const pipe = open()
    pipe.raw('x'.repeat(100_000))
    assert.equal((await pipe.next()).error.code, -32600)
    await pipe.end()
  })
})

describe('a modern client on a pipe', () => {
  it('says everything in the body, and is served side by side (S-006 S-011 V-026)', async () => {
    await using pipe = open()
    pipe.write(modern('tools/call', { name: 'wait' }, { id: 'slow' }))
    const { said } = await nextCall()
    pipe.write(modern('tools/call', { name: 'echo' }, { id: 'quick' }))
    assert.equal((await pipe.next()).id, 'quick')
    said.answer({ result: text('done') })
    assert.equal((await pipe.next()).id, 'slow')
  })

  it('cancels by notification, with an envelope or without, and hears no more of it (S-007 P-011)', async () => {
    for (const params of [{}, modern('x').params]) {
      await using pipe = open()
      pipe.write(modern('tools/call', { name: 'wait' }, { id: 7, meta: { progressToken: 'p' } }))
      const { message, said } = await nextCall()
      const told = peer.next('notifications/cancelled')
      pipe.write({
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { ...params, requestId: 7 },
      })
      assert.equal((await told).body.params.requestId, message.id)
      said.answer({ result: text('too late') })
      pipe.write(modern('tools/call', { name: 'echo' }, { id: 8 }))
      assert.equal((await pipe.next()).id, 8)
    }
  })

  it('tells its subscriptions apart by their ids, and ends them (S-006 L-002 L-003 L-007)', async () => {
    await using pipe = open()
    for (const id of [1, '1']) {
      pipe.write(
        modern('subscriptions/listen', { notifications: { toolsListChanged: true } }, { id }),
      )
      const { method, params } = await pipe.next()
      assert.equal(method, 'notifications/subscriptions/acknowledged')
      assert.equal(params._meta[SUBSCRIPTION], id)
    }
    pipe.write({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
    pipe.write(modern('tools/list', {}, { id: 'after' }))
    assert.equal((await pipe.next()).id, 'after')
  })

  it('hears of a subscription that we end twice: its result, and a cancellation (AM-01 P-011)', async () => {
    await using other = await openWireHouse({ servers: { peer: { url: peer.url } } })
    await using pipe = openPipe(other, 'peer')
    pipe.write(modern('subscriptions/listen', { notifications: {} }, { id: 'last' }))
    await pipe.next()
    other.house.gateway.drain()
    const { id, result } = await pipe.next()
    assert.deepEqual([id, result.resultType], ['last', 'complete'])
    const { method, params } = await pipe.next()
    assert.deepEqual([method, params.requestId], ['notifications/cancelled', 'last'])
  })

  it('is asked in rounds and never by a request (S-005 H-044)', async () => {
    await using pipe = open()
    pipe.write(modern('tools/call', { name: 'wait' }, { id: 1, capabilities: { roots: {} } }))
    const { said } = await nextCall()
    said.send(request('roots', 'roots/list'))
    const { id, result } = await pipe.next()
    assert.deepEqual([id, result.resultType], [1, 'input_required'])
    // A response is nothing a modern client sends; it is ignored.
    pipe.write({ jsonrpc: '2.0', id: 1, result: {} })
    pipe.write(modern('tools/list', {}, { id: 2 }))
    assert.equal((await pipe.next()).id, 2)
    said.answer({ result: text('done') })
  })

  it('may not go back to the old era, and is told what is served (S-020 S-021 V-029 AM-24)', async () => {
    await using pipe = open()
    pipe.write(modern('tools/list', {}, { id: 1 }))
    await pipe.next()
    pipe.write(initialize('2025-11-25'))
    const refused = await pipe.next()
    assert.equal(refused.error.code, -32022)
    assert.deepEqual(refused.error.data, { supported: ['2026-07-28'], requested: '2025-11-25' })
    pipe.write(request(3, 'tools/list'))
    assert.equal((await pipe.next()).error.code, -32602)
  })
})

describe('a legacy client on a pipe', () => {
  it('may discover first, without an envelope too, and initialize then (S-012 S-020 AM-14 Q-030)', async () => {
    await using pipe = open()
    pipe.write(request('probe', 'server/discover'))
    assert.equal((await pipe.next()).error.code, -32602)
    pipe.write(modern('server/discover', {}, { id: 'again' }))
    assert.deepEqual((await pipe.next()).result.supportedVersions, ['2026-07-28'])
    pipe.write(initialize('2025-06-18'))
    assert.equal((await pipe.next()).result.protocolVersion, '2025-06-18')
    // S-020: from here on this process is of the old era.
    pipe.write(modern('tools/list', {}, { id: 'modern' }))
    assert.ok((await pipe.next()).error)
    pipe.write(request(1, 'tools/list'))
    assert.equal((await pipe.next()).result.tools.length, 2 + OWN_TOOLS.length)
  })

  it('initializes before anything else but ping (V-001 V-004 V-009)', async () => {
    await using pipe = open()
    pipe.write(request(1, 'ping'))
    assert.deepEqual((await pipe.next()).result, {})
    pipe.write(request(2, 'tools/list'))
    assert.equal((await pipe.next()).error.code, -32600)
    pipe.write(initialize('2025-11-25'))
    await pipe.next()
    pipe.write(initialize('2025-11-25'))
    assert.equal((await pipe.next()).error.code, -32600)
  })

  it('is asked by requests on the same pipe (S-005 P-014)', async () => {
    await using pipe = await openLegacy('2025-11-25', { roots: {} })
    pipe.write(request('call', 'tools/call', { name: 'wait' }))
    const { said } = await nextCall()
    said.send(request('roots', 'roots/list'))
    const asked = await pipe.next()
    assert.equal(asked.method, 'roots/list')
    pipe.write({ jsonrpc: '2.0', id: asked.id, result: { roots: [{ uri: 'file:///a' }] } })
    const { body } = await until('the answer', () =>
      peer.received.find(({ body: sent }) => sent?.id === 'roots' && sent.result),
    )
    assert.deepEqual(body.result.roots, [{ uri: 'file:///a' }]) // I-051
    said.answer({ result: text('done') })
    assert.equal((await pipe.next()).id, 'call')
  })

  it('of 2025-03-26 may write arrays, answered by one array; others may not (S-004 H-061)', async () => {
    const both = [request(1, 'ping'), request(2, 'tools/list')]
    await using oldest = await openLegacy('2025-03-26')
    oldest.write(both)
    const answers = await oldest.next()
    assert.deepEqual(answers.map(({ id }: Loose) => id).toSorted(), [1, 2])
    oldest.write([initialize('2025-03-26')])
    assert.equal((await oldest.next()).error.code, -32600)
    await using later = await openLegacy('2025-06-18')
    later.write(both)
    assert.equal((await later.next()).error.code, -32600)
  })

  it('that closes its input has its calls cancelled, and we are done (S-008)', async () => {
    const pipe = await openLegacy('2025-11-25')
    pipe.write(request('call', 'tools/call', { name: 'wait' }))
    const { message, said } = await nextCall()
    const told = peer.next('notifications/cancelled')
    await pipe.end()
    assert.equal((await told).body.params.requestId, message.id)
    said.answer({ result: text('too late') })
    assert.deepEqual(pipe.rest(), [])
  })
})
