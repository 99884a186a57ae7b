// Questions on an open stream, towards legacy clients: whose they are, and how each revision asks.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { until, type TestHouse } from '../stories/house.ts'
import { serveLegacy, serveModern, text, tool, type Peer, type Said } from './peer.ts'
import { openSession, type Session } from './session.ts'
import type { Live, Loose } from './wire.ts'
import { openWireHouse } from './wire-house.ts'

const CLIENT = { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: {} }
const FORM = {
  mode: 'form',
  message: 'Which?',
  requestedSchema: {
    type: 'object',
    properties: {
      name: { type: 'string', default: 'Ada' },
      sure: { type: 'boolean', default: true },
      one: {
        type: 'string',
        oneOf: [
          { const: 'a', title: 'A' },
          { const: 'b', title: 'B' },
        ],
      },
      many: { type: 'array', items: { type: 'string', enum: ['x', 'y', 'z'] } },
    },
    required: ['name'],
  },
}
const PAGE = { mode: 'url', message: 'Sign in', url: 'https://x.example/', elicitationId: 'theirs' }
const question = (id: string, method: string, params: object): object => ({
  jsonrpc: '2.0',
  id,
  method,
  params,
})

const waiting: { readonly message: Loose; readonly said: Said }[] = []
const nextCall = (): Promise<(typeof waiting)[number]> =>
  until('the call reaches the server', () => waiting.shift())

/** What the modern server answers next. */
let next: (message: Loose) => object = () => text('done')

let old: Peer
let recent: Peer
let house: TestHouse
before(async () => {
  old = await serveLegacy({
    'tools/list': () => ({ tools: [tool('ask')] }),
    'tools/call': (message, said) => void waiting.push({ message, said }),
  })
  recent = await serveModern({
    'tools/list': () => ({ resultType: 'complete', tools: [tool('go')] }),
    'tools/call': (message) => ({ resultType: 'complete', ...next(message) }),
  })
  house = await openWireHouse({ servers: { old: { url: old.url }, new: { url: recent.url } } })
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await old[Symbol.asyncDispose]()
  await recent[Symbol.asyncDispose]()
})

const answerTo = (id: string): Promise<Loose> =>
  until(`the answer to ${id}`, () => old.received.find(({ body }) => body?.id === id)?.body)

interface Talk {
  readonly session: Session
  readonly live: Live
  readonly said: Said
  /** What the client was asked. */
  readonly asked: Loose
}

let ids = 0
/** A call in whose middle the legacy server asks something. */
async function talk(
  revision: string,
  method: string,
  params: object,
): Promise<Talk & { readonly id: string }> {
  const session = await openSession(house.at('old'), revision, CLIENT)
  const answering = session.begin('tools/call', { name: 'ask' }, 'call')
  const { said } = await nextCall()
  const id = `question ${++ids}`
  said.send(question(id, method, params))
  const live = await answering
  return { session, live, said, asked: await live.message(), id }
}

describe('a question of a legacy server to a legacy client', () => {
  it('is a form in the words of 2025-11-25 (I-040 I-041)', async () => {
    const { session, live, said, asked, id } = await talk('2025-11-25', 'elicitation/create', FORM)
    assert.deepEqual(asked.params, FORM)
    const result = { action: 'accept', content: { name: 'Ada', many: ['x', 'z'] } }
    await session.respond(asked.id, result)
    assert.deepEqual((await answerTo(id)).result, result)
    said.answer({ result: text('done') })
    await live.rest()
  })

  it('is a simpler form in 2025-06-18, and its answer is what the server expects (I-041 I-042)', async () => {
    const { session, live, said, asked, id } = await talk('2025-06-18', 'elicitation/create', FORM)
    assert.equal(asked.params.mode, undefined)
    const { name, sure, one, many } = asked.params.requestedSchema.properties
    assert.deepEqual([name.default, sure.default], [undefined, true])
    assert.deepEqual([one.enum, one.enumNames, one.oneOf], [['a', 'b'], ['A', 'B'], undefined])
    assert.equal(many.type, 'string')
    await session.respond(asked.id, { action: 'accept', content: { name: 'Ada', many: 'x, z' } })
    const { result } = await answerTo(id)
    assert.deepEqual(result.content, { name: 'Ada', many: ['x', 'z'] })
    said.answer({ result: text('done') })
    await live.rest()
  })

  it('about a page has an id of our own, and its end is told to that client alone (I-045 BR-001)', async () => {
    const { session, live, said, asked } = await talk('2025-11-25', 'elicitation/create', PAGE)
    const stranger = await openSession(house.at('old'), '2025-11-25', CLIENT)
    const [theirs, ours] = [await stranger.listen(), await session.listen()]
    const { elicitationId } = asked.params
    assert.notEqual(elicitationId, PAGE.elicitationId)
    await session.respond(asked.id, { action: 'accept' })
    for (const id of ['unknown', PAGE.elicitationId]) {
      said.send({
        jsonrpc: '2.0',
        method: 'notifications/elicitation/complete',
        params: { elicitationId: id },
      })
    }
    const told = await ours.message()
    assert.equal(told.method, 'notifications/elicitation/complete')
    assert.deepEqual(told.params, { elicitationId })
    said.answer({ result: text('done') })
    await live.rest()
    await stranger.end()
    assert.deepEqual(
      (await theirs.rest()).filter(({ data }) => data),
      [],
    )
  })

  it('reaches nobody who did not declare it, in any revision (I-004 I-040 I-048)', async () => {
    const CASES: readonly (readonly [string, object, string, object])[] = [
      ['2025-11-25', {}, 'elicitation/create', FORM],
      ['2025-11-25', { elicitation: {} }, 'elicitation/create', PAGE],
      ['2025-06-18', { elicitation: {} }, 'elicitation/create', PAGE],
      ['2025-03-26', { elicitation: {} }, 'elicitation/create', FORM],
      ['2025-11-25', { sampling: {} }, 'sampling/createMessage', { messages: [], tools: [] }],
      ['2025-11-25', { elicitation: {} }, 'roots/list', {}],
    ]
    for (const [revision, capabilities, method, params] of CASES) {
      const session = await openSession(house.at('old'), revision, capabilities)
      const answering = session.begin('tools/call', { name: 'ask' }, 'call')
      const { said } = await nextCall()
      const id = `refused ${++ids}`
      said.send(question(id, method, params))
      assert.equal((await answerTo(id)).error.code, -32602)
      said.answer({ result: text('done') })
      assert.doesNotMatch(await (await answering).text(), new RegExp(method))
    }
  })

  it('that a person refuses goes back as it was said (I-049 I-053 BR-015 Q-018)', async () => {
    const { session, live, said, asked, id } = await talk('2025-11-25', 'sampling/createMessage', {
      messages: [],
      maxTokens: 1,
    })
    const error = { code: -1, message: 'User rejected sampling request' }
    await session.post({ jsonrpc: '2.0', id: asked.id, error })
    assert.deepEqual((await answerTo(id)).error, error)
    said.answer({ result: text('done') })
    await live.rest()
  })

  it('that the server takes back is taken back from the client, under our id (P-010)', async () => {
    const { live, said, asked, id } = await talk('2025-11-25', 'elicitation/create', FORM)
    said.send({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: id },
    })
    const told = await live.message()
    assert.equal(told.method, 'notifications/cancelled')
    assert.equal(told.params.requestId, asked.id)
    said.answer({ result: text('done') })
    await live.rest()
  })

  it('is refused outside any call, and an unknown one always (H-070 H-087)', async () => {
    await openSession(house.at('old'), '2025-11-25', CLIENT)
    const session = await openSession(house.at('old'), '2025-11-25', CLIENT)
    const answering = session.begin('tools/call', { name: 'ask' }, 'call')
    const { said } = await nextCall()
    said.send(question('odd', 'tools/call', {}))
    assert.equal((await answerTo('odd')).error.code, -32601)
    said.send(question('pong', 'ping', {}))
    assert.deepEqual((await answerTo('pong')).result, {}) // V-009
    said.answer({ result: text('done') })
    await (await answering).text()
  })
})

describe('a refusal until a page has been opened', () => {
  const refusal = {
    code: -32042,
    message: 'Open a page.',
    data: { elicitations: [PAGE] },
  }
  const refused = async (revision: string, capabilities: object): Promise<Loose> => {
    const session = await openSession(house.at('old'), revision, capabilities)
    const answering = session.request('tools/call', { name: 'ask' })
    const { said } = await nextCall()
    said.answer({ error: refusal })
    return (await answering).message
  }

  it('is the error of 2025-11-25 to a client that opens pages (I-046)', async () => {
    const { error } = await refused('2025-11-25', { elicitation: { url: {} } })
    assert.deepEqual([error.code, error.data], [refusal.code, refusal.data])
  })

  it('is said in words to all others (I-004 I-046 BR-008)', async () => {
    for (const [revision, capabilities] of [
      ['2025-11-25', { elicitation: {} }],
      ['2025-06-18', { elicitation: {} }],
      ['2025-03-26', {}],
    ] as const) {
      const { result } = await refused(revision, capabilities)
      assert.equal(result.isError, true)
      assert.match(result.content[0].text, /https:\/\/x\.example\//)
    }
  })
})

describe('a round of a modern server to a legacy client', () => {
  const rounds: Loose[] = []
  const plan = (...answers: readonly object[]): void => {
    rounds.length = 0
    next = (message) => {
      rounds.push(message)
      return answers[rounds.length - 1] ?? text('done')
    }
  }
  const input = (inputRequests: object, more: object = {}): object => ({
    resultType: 'input_required',
    inputRequests,
    ...more,
  })
  const form = { method: 'elicitation/create', params: FORM }
  const begin = async (
    capabilities: object = CLIENT,
  ): Promise<readonly [Session, Promise<Live>]> => {
    const session = await openSession(house.at('new'), '2025-11-25', capabilities)
    return [session, session.begin('tools/call', { name: 'go', arguments: { a: 1 } }, 'call')]
  }

  it('is asked all at once, and the call retried with a new id and the exact state (I-005 I-006 BR-020 BR-021)', async () => {
    plan(
      input({ a: form, b: { method: 'roots/list' } }, { requestState: ' s ' }),
      input({ c: form }),
    )
    const [session, answering] = await begin()
    const live = await answering
    const first = [await live.message(), await live.message()]
    const roots = first.find(({ method }) => method === 'roots/list')
    const asked = first.find(({ method }) => method === 'elicitation/create')
    await session.respond(asked.id, { action: 'decline' })
    await session.respond(roots.id, { roots: [] })
    const third = await live.message()
    await session.respond(third.id, { action: 'accept', content: { name: 'Ada' } })
    const { result } = await live.message()
    assert.equal(result.content[0].text, 'done')
    assert.equal(result.resultType, undefined) // BR-008
    const [one, two, three] = rounds
    assert.equal(new Set([one.id, two.id, three.id]).size, 3)
    assert.deepEqual(two.params.inputResponses, { a: { action: 'decline' }, b: { roots: [] } })
    assert.equal(two.params.requestState, ' s ')
    // I-012: only this round's answers, and no state when none was given.
    assert.deepEqual(Object.keys(three.params.inputResponses), ['c'])
    assert.equal(Object.hasOwn(three.params, 'requestState'), false)
    for (const { params } of rounds) assert.deepEqual(params.arguments, { a: 1 })
  })

  it('counts an elicitation that failed as cancelled, and ends with failed sampling (I-053 BR-015)', async () => {
    plan(input({ a: form }))
    const [session, answering] = await begin()
    const live = await answering
    const { id } = await live.message()
    await session.post({ jsonrpc: '2.0', id, error: { code: -32603, message: 'no window' } })
    await live.rest()
    assert.deepEqual(rounds[1].params.inputResponses, { a: { action: 'cancel' } })

    plan(input({ a: { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } } }))
    const [other, again] = await begin()
    const stream = await again
    const asked = await stream.message()
    await other.post({ jsonrpc: '2.0', id: asked.id, error: { code: -1, message: 'refused' } })
    const { error } = await stream.message()
    assert.equal(error.code, -32603)
    assert.equal(rounds.length, 1)
  })

  it('is bounded, with questions and more so without (I-007 BR-022)', async () => {
    next = (message) => {
      rounds.push(message)
      return input({}, { requestState: `state ${rounds.length}` })
    }
    rounds.length = 0
    const [, answering] = await begin()
    assert.match(await (await answering).text(), /without coming to an end/)
    assert.equal(rounds.length, 4)
  })

  it('is over when the client cancels: its questions are taken back, nothing is retried (BR-024 P-010)', async () => {
    plan(input({ a: form }))
    const [session, answering] = await begin()
    const live = await answering
    const { id } = await live.message()
    await session.notify('notifications/cancelled', { requestId: 'call' })
    const told = await live.message()
    assert.deepEqual([told.method, told.params.requestId], ['notifications/cancelled', id])
    assert.deepEqual(
      (await live.rest()).filter(({ data }) => data),
      [],
    )
    assert.equal(rounds.length, 1)
  })
})

describe('what a modern server is told of a legacy client', () => {
  it('is what that client declared, and nothing of another (V-050 V-051 I-040)', async () => {
    next = () => text('done')
    const CASES: readonly (readonly [string, object, object])[] = [
      ['2025-11-25', {}, {}],
      ['2025-11-25', { elicitation: {} }, { elicitation: { form: {} } }],
      ['2025-11-25', { elicitation: { url: {} } }, { elicitation: { url: {} } }],
      [
        '2025-06-18',
        { elicitation: {}, roots: { listChanged: true } },
        { elicitation: { form: {} }, roots: {} },
      ],
      ['2025-03-26', { elicitation: {}, sampling: {} }, { sampling: {} }],
      ['2025-11-25', { tasks: { list: {} }, experimental: { x: {} } }, {}],
    ]
    for (const [revision, declared, expected] of CASES) {
      const session = await openSession(house.at('new'), revision, declared)
      await session.request('tools/call', { name: 'go' })
      const { _meta } = recent.got('tools/call').at(-1)?.body.params ?? {}
      assert.deepEqual(_meta['io.modelcontextprotocol/clientCapabilities'], expected)
      assert.equal(_meta['io.modelcontextprotocol/clientInfo'].name, 'countersign')
    }
  })
})
