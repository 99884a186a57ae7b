// One modern exchange over HTTP: what its stream carries, and what ends it.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { until, type TestHouse } from '../stories/house.ts'
import { serveLegacy, text, tool, type Peer, type Said } from './peer.ts'
import { openSession } from './session.ts'
import { ask, begin, LOG_LEVEL, type Live, type Loose } from './wire.ts'
import { openWireHouse, worldWith } from './wire-house.ts'

/** Calls that the gateway has made and that wait for the test to say what happens. */
const waiting: { readonly message: Loose; readonly said: Said }[] = []
const nextCall = (): Promise<(typeof waiting)[number]> =>
  until('the call reaches the server', () => waiting.shift())

let peer: Peer
let house: TestHouse
let url: URL
before(async () => {
  peer = await serveLegacy({
    'tools/list': () => ({ tools: [tool('wait'), tool('echo')] }),
    'tools/call': (message, said) => {
      if (message.params.name === 'echo') return text('done')
      waiting.push({ message, said })
    },
  })
  house = await openWireHouse({ servers: { peer: { url: peer.url } } })
  url = house.at('peer')
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await peer[Symbol.asyncDispose]()
})

const wait = (meta: object = {}, id: string | number = 1): Promise<Live> =>
  begin(url, 'tools/call', { name: 'wait' }, { id, meta })
const DONE = { result: text('done') }
const progress = (message: Loose, at: number): object => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken: message.params._meta.progressToken, progress: at },
})
const log = (level: string): object => ({
  jsonrpc: '2.0',
  method: 'notifications/message',
  params: { level, data: level },
})

describe('a modern answer', () => {
  it('that comes soon is one JSON object (H-043)', async () => {
    const answer = await ask(url, 'tools/call', { name: 'echo' })
    assert.equal(answer.headers['content-type'], 'application/json')
    assert.equal(answer.message.result.resultType, 'complete')
  })

  it('that takes time is a stream nobody buffers, with the response last (H-043 H-045 H-046)', async () => {
    const answering = wait({ progressToken: 'p' })
    const { message, said } = await nextCall()
    said.send(progress(message, 1))
    const live = await answering
    assert.equal(live.status, 200)
    assert.equal(live.headers['content-type'], 'text/event-stream')
    assert.equal(live.headers['x-accel-buffering'], 'no')
    assert.equal(live.headers['cache-control'], 'no-cache, no-transform')
    said.answer(DONE)
    const events = (await live.rest()).filter(({ data }) => data !== undefined)
    assert.equal(JSON.parse(events.at(-1)?.data ?? '').id, 1)
  })

  it('is kept open by comments while nothing is said, in either era (H-047 H-086)', async () => {
    // Both the wait for a stream and that for a comment are over at once.
    const world = worldWith({ 250: 5, 15_000: 5 })
    await using hasty = await openWireHouse({ servers: { peer: { url: peer.url } }, world })
    const answering = begin(hasty.at('peer'), 'tools/call', { name: 'wait' })
    const { said } = await nextCall()
    const live = await answering
    assert.equal((await live.event())?.comment, 'still here')
    assert.equal((await live.event())?.comment, 'still here')
    said.answer(DONE)
    await live.rest()
    const session = await openSession(hasty.at('peer'), '2025-06-18')
    const legacy = session.begin('tools/call', { name: 'wait' })
    const again = await nextCall()
    assert.equal((await (await legacy).event())?.comment, 'still here')
    again.said.answer(DONE)
    await (await legacy).rest()
  })

  it('carries the progress of its own request, growing, under its own token (P-001 P-002 P-004)', async () => {
    const first = wait({ progressToken: 7 }, 'first')
    const one = await nextCall()
    const second = wait({ progressToken: 7 }, 'second')
    const two = await nextCall()
    for (const at of [1, 2, 2, 1, 2.5]) one.said.send(progress(one.message, at))
    two.said.send(progress(two.message, 9))
    one.said.answer(DONE)
    two.said.answer(DONE)
    const seen = async (live: Promise<Live>): Promise<unknown[]> => {
      const events = await (await live).rest()
      const messages: Loose[] = events.flatMap(({ data }) => (data ? [JSON.parse(data)] : []))
      return messages.map(({ id, params }) => id ?? [params.progressToken, params.progress])
    }
    assert.deepEqual(await seen(first), [[7, 1], [7, 2], [7, 2.5], 'first'])
    assert.deepEqual(await seen(second), [[7, 9], 'second'])
  })

  it('has no progress without a token, and asks the server for none (P-004)', async () => {
    const answering = wait()
    const { message, said } = await nextCall()
    assert.equal(message.params._meta?.progressToken, undefined)
    said.answer(DONE)
    await (await answering).text()
  })

  it('has log messages from the level that was asked for, and else none (P-021 Q-043)', async () => {
    const LEVELS: readonly (readonly [object, string[]])[] = [
      [{}, []],
      [{ [LOG_LEVEL]: 'warning' }, ['warning', 'error']],
      [{ [LOG_LEVEL]: 'debug' }, ['debug', 'warning', 'error']],
    ]
    for (const [meta, heard] of LEVELS) {
      const answering = wait(meta)
      const { said } = await nextCall()
      for (const level of ['debug', 'warning', 'error']) said.send(log(level))
      said.answer(DONE)
      const live = await answering
      const whole = await live.text()
      const levels = [...whole.matchAll(/"method":"notifications\/message".*?"level":"(\w+)"/g)]
      assert.deepEqual(
        levels.map(([, level]) => level),
        heard,
      )
    }
  })

  it('to an unknown log level is -32602 (P-022)', async () => {
    const { message } = await ask(url, 'tools/list', {}, { meta: { [LOG_LEVEL]: 'loud' } })
    assert.equal(message.error.code, -32602)
  })

  it('carries no request of the server, whatever the client declared (H-044 Q-041)', async () => {
    const answering = begin(
      url,
      'tools/call',
      { name: 'wait' },
      { capabilities: { elicitation: {} } },
    )
    const { said } = await nextCall()
    said.send({
      jsonrpc: '2.0',
      id: 'question',
      method: 'elicitation/create',
      params: { message: 'Who?', requestedSchema: { type: 'object', properties: {} } },
    })
    const live = await answering
    const whole = await live.text()
    assert.ok(!whole.includes('"question"'))
    assert.match(whole, /"resultType":"input_required"/)
    said.answer(DONE)
  })
})

describe('a modern client that closes its stream', () => {
  it('has cancelled: the server is told, and nobody else is (H-050 H-051 P-010 BR-003)', async () => {
    const leaving = wait({ progressToken: 1 }, 'same id')
    const one = await nextCall()
    const staying = wait({ progressToken: 1 }, 'same id')
    const two = await nextCall()
    one.said.send(progress(one.message, 1))
    const live = await leaving
    live.close()
    const { body } = await peer.next('notifications/cancelled')
    assert.equal(body.params.requestId, one.message.id)
    two.said.answer(DONE)
    const whole = await (await staying).text()
    assert.match(whole, /"id":"same id","result"/)
    const closed = await until('the ledger says so', async () =>
      (await house.entries()).find(({ body: said }) => said['reason'] === 'call/abandoned'),
    )
    assert.ok(closed)
  })
})
