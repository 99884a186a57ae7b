// Legacy event streams: whose messages they carry, and how one that broke goes on.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { until, type TestHouse } from '../stories/house.ts'
import { serveLegacy, text, tool, type Peer, type Said } from './peer.ts'
import { openSession } from './session.ts'
import type { Live, Loose } from './wire.ts'
import { openWireHouse } from './wire-house.ts'

const waiting: { readonly message: Loose; readonly said: Said }[] = []
const nextCall = (): Promise<(typeof waiting)[number]> =>
  until('the call reaches the server', () => waiting.shift())

let peer: Peer
let house: TestHouse
let url: URL
before(async () => {
  peer = await serveLegacy({
    'tools/list': () => ({ tools: [tool('wait')] }),
    'tools/call': (message, said) => void waiting.push({ message, said }),
  })
  house = await openWireHouse({ servers: { peer: { url: peer.url } } })
  url = house.at('peer')
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await peer[Symbol.asyncDispose]()
})

const WAIT = { name: 'wait', _meta: { progressToken: 't' } }
const DONE = { result: text('done') }
const progress = (message: Loose, at: number): object => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken: message.params._meta.progressToken, progress: at },
})
const QUESTION = {
  jsonrpc: '2.0',
  id: 'their id',
  method: 'elicitation/create',
  params: { message: 'Who?', requestedSchema: { type: 'object', properties: {} } },
}

/** Messages of a stream to its end, each as its id, progress or method. */
async function kinds(live: Live): Promise<unknown[]> {
  const events = await live.rest()
  const messages: Loose[] = events.flatMap(({ data }) => (data ? [JSON.parse(data)] : []))
  return messages.map(({ id, method, params }) => params?.progress ?? method ?? id)
}

describe('the stream of a legacy request', () => {
  it('carries what belongs to its request, and ends with the response (H-068 P-003 BR-001)', async () => {
    const session = await openSession(url)
    const one = session.begin('tools/call', WAIT, 'one')
    const first = await nextCall()
    const two = session.begin('tools/call', { ...WAIT, _meta: { progressToken: 0 } }, 'two')
    const second = await nextCall()
    first.said.send(progress(first.message, 1))
    second.said.send(progress(second.message, 5))
    second.said.answer(DONE)
    first.said.answer(DONE)
    assert.deepEqual(await kinds(await one), [1, 'one'])
    assert.deepEqual(await kinds(await two), [5, 'two'])
    // Each hop has numbers of its own, from 1 (P-014 Q-003).
    for (const { message } of [first, second]) {
      assert.equal(message.params._meta.progressToken, message.id)
      assert.ok(message.id >= 1)
    }
  })

  it('carries the questions of its call, and the GET stream carries none (H-069 H-073 AM-26)', async () => {
    const session = await openSession(url, '2025-11-25', { elicitation: {} })
    const listening = await session.listen()
    const answering = session.begin('tools/call', WAIT, 'call')
    const { said } = await nextCall()
    said.send(QUESTION)
    const live = await answering
    const question = await live.message()
    assert.equal(question.method, 'elicitation/create')
    assert.notEqual(question.id, QUESTION.id) // BR-001
    assert.ok(question.id >= 1) // P-014
    const accepted = await session.respond(question.id, { action: 'accept', content: {} })
    assert.deepEqual([accepted.status, accepted.text], [202, ''])
    // BR-025: a second answer is accepted too, and changes nothing.
    assert.equal((await session.respond(question.id, { action: 'decline' })).status, 202)
    const { body } = await until('the answer', () =>
      peer.received.find(({ body: sent }) => sent?.id === QUESTION.id),
    )
    assert.equal(body.result.action, 'accept')
    said.answer(DONE)
    assert.deepEqual(await kinds(live), ['call'])
    await session.end()
    assert.deepEqual(await kinds(listening), [])
  })

  it('may break without cancelling anything, and goes on by GET (H-071 H-074 H-066)', async () => {
    const session = await openSession(url)
    const answering = session.begin('tools/call', WAIT, 'call')
    const { message, said } = await nextCall()
    said.send(progress(message, 1))
    const live = await answering
    const primed = await live.event()
    const first = await live.event()
    live.close()
    const cancelled = peer.got('notifications/cancelled').length
    said.send(progress(message, 2))
    said.answer(DONE)
    const again = await session.listen({ 'last-event-id': first?.id ?? '' })
    assert.deepEqual(await kinds(again), [2, 'call'])
    const whole = await session.listen({ 'last-event-id': primed?.id ?? '' })
    assert.deepEqual(await kinds(whole), [1, 2, 'call'])
    assert.equal(peer.got('notifications/cancelled').length, cancelled)
  })

  it('is given up by notification: the server is told, and nothing is answered (P-010 P-013)', async () => {
    const session = await openSession(url)
    const answering = session.begin('tools/call', WAIT, 'call')
    const { message, said } = await nextCall()
    said.send(progress(message, 1))
    const live = await answering
    const told = peer.next('notifications/cancelled')
    await session.notify('notifications/cancelled', { requestId: 'another' })
    await session.notify('notifications/cancelled', { requestId: 'call', reason: 'enough' })
    assert.equal((await told).body.params.requestId, message.id)
    said.answer(DONE)
    assert.deepEqual(await kinds(live), [1])
    // late cancellations of what is over break nothing.
    await session.notify('notifications/cancelled', { requestId: 'call' })
    assert.equal((await session.request('ping')).status, 200)
  })
})
