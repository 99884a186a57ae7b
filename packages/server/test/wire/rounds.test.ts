// Questions in rounds, towards modern clients: parked calls, relayed states, and what is refused.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemWorld } from '#base'
import { until, type TestHouse } from '../stories/house.ts'
import { serveLegacy, serveModern, text, tool, type Peer, type Said, type Script } from './peer.ts'
import { ask, type Answer, type Loose } from './wire.ts'
import { openWireHouse, worldWith } from './wire-house.ts'

const CLIENT = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }
const FORM = {
  message: 'Who?',
  requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
}
const elicitation = { method: 'elicitation/create', params: FORM }
const asked = (id: string | number, method: string, params: object = {}): object => ({
  jsonrpc: '2.0',
  id,
  method,
  params,
})
const urls = (id: string): object => ({
  code: -32042,
  message: 'Open a page.',
  data: {
    elicitations: [
      { mode: 'url', message: 'Sign in', url: 'https://x.example/', elicitationId: id },
    ],
  },
})
const ACCEPTED = { action: 'accept', content: { name: 'Ada' } }

/** Legacy calls whose answer is up to the test. */
const waiting: { readonly message: Loose; readonly said: Said }[] = []
const nextCall = (): Promise<(typeof waiting)[number]> =>
  until('the call reaches the server', () => waiting.shift())

const OLD: Script = {
  'tools/list': () => ({ tools: [tool('ask'), tool('open')] }),
  'prompts/list': () => ({ prompts: [{ name: 'p', description: 'A prompt.' }] }),
  'tools/call': (message, said) => {
    if (message.params.name === 'ask') waiting.push({ message, said })
    else said.answer({ error: urls('theirs') })
  },
  'completion/complete': (_message, said) => said.answer({ error: urls('theirs') }),
}

/** What the modern server answers next. */
let next: (message: Loose) => object = () => text('done')
const NEW: Script = {
  'tools/list': () => ({ resultType: 'complete', tools: [tool('go')] }),
  'tools/call': (message) => ({ resultType: 'complete', ...next(message) }),
  'completion/complete': (message) => ({ resultType: 'complete', ...next(message) }),
  'prompts/list': () => ({ resultType: 'complete', prompts: [{ name: 'p' }] }),
}

let old: Peer
let recent: Peer
let house: TestHouse
/** How far the clock of the house is ahead. */
let aheadMs = 0
before(async () => {
  old = await serveLegacy(OLD)
  recent = await serveModern(NEW)
  house = await openWireHouse({
    servers: { old: { url: old.url }, new: { url: recent.url } },
    world: { ...worldWith(), now: () => systemWorld.now() + aheadMs },
  })
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await old[Symbol.asyncDispose]()
  await recent[Symbol.asyncDispose]()
})

let ids = 0
const call = (
  view: 'old' | 'new',
  params: object,
  capabilities: object = CLIENT,
): Promise<Answer> => ask(house.at(view), 'tools/call', params, { id: ++ids, capabilities })

describe('a question of a legacy server', () => {
  it('parks the call, and the answer resumes that same call (BR-032 BR-033 I-002 I-003 I-010)', async () => {
    const calls = old.got('tools/call').length
    const first = call('old', { name: 'ask' })
    const { said } = await nextCall()
    said.send(asked('a', elicitation.method, { ...FORM, _meta: { progressToken: 9 } }))
    said.send(asked('b', 'roots/list'))
    const { resultType, inputRequests, requestState, _meta } = (await first).message.result
    assert.equal(resultType, 'input_required')
    assert.equal(typeof requestState, 'string')
    assert.ok(_meta['io.modelcontextprotocol/serverInfo'])
    // Bare requests, whatever envelope or metadata of its hop the server gave them (V-046).
    const [[form, one], [roots, two]] = Object.entries<Loose>(inputRequests) as [
      [string, Loose],
      [string, Loose],
    ]
    assert.deepEqual(one, elicitation)
    assert.equal(two.method, 'roots/list')
    assert.deepEqual(
      Object.keys(two).toSorted(),
      ['method', 'params'].slice(0, Object.keys(two).length),
    )

    // I-009: what is missing or malformed is asked again, and what nobody asked is ignored.
    const second = await call('old', {
      name: 'ask',
      requestState,
      inputResponses: { [form]: 7, [roots]: { roots: [] }, other: ACCEPTED },
    })
    const again = second.message.result
    assert.deepEqual(Object.keys(again.inputRequests), [form])
    assert.notEqual(again.requestState, requestState) // I-029

    const third = call('old', {
      name: 'ask',
      requestState: again.requestState,
      inputResponses: { [form]: ACCEPTED },
    })
    const { body } = await until('the answer', () =>
      old.received.find(({ body: sent }) => sent?.id === 'a'),
    )
    assert.deepEqual(body.result, ACCEPTED)
    said.answer({ result: text('Hello, Ada!') })
    assert.equal((await third).message.result.content[0].text, 'Hello, Ada!')
    assert.equal(old.got('tools/call').length, calls + 1)

    // I-013, BR-035, AM-38: the same retry, its response lost, meets the same outcome.
    const repeated = await call('old', {
      name: 'ask',
      requestState: again.requestState,
      inputResponses: { [form]: { action: 'decline' } },
    })
    assert.equal(repeated.message.result.content[0].text, 'Hello, Ada!')
    assert.equal(old.got('tools/call').length, calls + 1)
  })

  it('is not asked of a client that did not declare it (I-004 I-040 V-049)', async () => {
    const CASES: readonly (readonly [object, object, object])[] = [
      [{}, elicitation, { elicitation: { form: {} } }],
      [
        { elicitation: {} },
        {
          method: 'elicitation/create',
          params: { mode: 'url', url: 'https://x.example/', message: 'm', elicitationId: 'e' },
        },
        { elicitation: { url: {} } },
      ],
      [{ elicitation: { url: {} } }, elicitation, { elicitation: { form: {} } }],
      [
        { sampling: {} },
        { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1, tools: [] } },
        { sampling: { tools: {} } },
      ],
      [{ elicitation: {}, sampling: {} }, { method: 'roots/list' }, { roots: {} }],
    ]
    for (const [capabilities, { method, params }, needed] of CASES as Loose) {
      const answering = call('old', { name: 'ask' }, capabilities)
      const { said } = await nextCall()
      const id = `undeclared ${++ids}`
      said.send(asked(id, method, params))
      const { body } = await until('the refusal', () =>
        old.received.find(({ body: sent }) => sent?.id === id),
      )
      assert.equal(body.error.code, -32602)
      said.answer({ result: { ...text('I could not ask.'), isError: true } })
      const { status, message } = await answering
      assert.deepEqual([status, message.error.code], [400, -32021])
      assert.deepEqual(message.error.data.requiredCapabilities, needed)
    }
  })

  it('is carried though its feature is deprecated (I-050 I-048)', async () => {
    const answering = call('old', { name: 'ask' })
    const { said } = await nextCall()
    const params = { messages: [], maxTokens: 9, includeContext: 'thisServer' }
    said.send(asked('sample', 'sampling/createMessage', params))
    const { inputRequests, requestState } = (await answering).message.result
    const [[key, request]] = Object.entries<Loose>(inputRequests) as [[string, Loose]]
    assert.deepEqual(request, { method: 'sampling/createMessage', params })
    const sampled = { role: 'assistant', model: 'm', content: { type: 'text', text: 'Paris' } }
    const retry = call('old', { name: 'ask', requestState, inputResponses: { [key]: sampled } })
    const { body } = await until('the answer', () =>
      old.received.find(({ body: sent }) => sent?.id === 'sample'),
    )
    assert.deepEqual(body.result, sampled)
    said.answer({ result: text('done') })
    await retry
  })

  it('about a page reaches the client without the id of its era (I-047)', async () => {
    const answering = call('old', { name: 'ask' })
    const { said } = await nextCall()
    const params = { mode: 'url', message: 'Sign in', url: 'https://x.example/' }
    said.send(asked('page', 'elicitation/create', { ...params, elicitationId: 'theirs' }))
    const { inputRequests, requestState } = (await answering).message.result
    const [[key, request]] = Object.entries<Loose>(inputRequests) as [[string, Loose]]
    assert.deepEqual(request, { method: 'elicitation/create', params })
    const retry = call('old', {
      name: 'ask',
      requestState,
      inputResponses: { [key]: { action: 'accept' } },
    })
    said.send({
      jsonrpc: '2.0',
      method: 'notifications/elicitation/complete',
      params: { elicitationId: 'theirs' },
    })
    said.answer({ result: text('done') })
    const { messages } = await retry
    assert.deepEqual(messages.map(({ method }) => method).filter(Boolean), [])
  })

  it('that is withdrawn is asked no more (P-010 BR-036)', async () => {
    const answering = call('old', { name: 'ask' })
    const { said } = await nextCall()
    said.send(asked('withdrawn', elicitation.method, FORM))
    const { inputRequests, requestState } = (await answering).message.result
    said.send({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: 'withdrawn' },
    })
    said.answer({ result: text('went on without') })
    const inputResponses = { [Object.keys(inputRequests)[0] ?? '']: ACCEPTED }
    const { message } = await call('old', { name: 'ask', requestState, inputResponses })
    assert.equal(message.result.content[0].text, 'went on without')
    assert.ok(!old.received.some(({ body }) => body?.id === 'withdrawn'))
  })
})

describe('a legacy refusal until a page has been opened', () => {
  it('becomes a question, and the call is made again once agreed to (I-046 I-047 H-090)', async () => {
    const { result } = (await call('old', { name: 'open' })).message
    const [[key, request]] = Object.entries<Loose>(result.inputRequests) as [[string, Loose]]
    assert.equal(request.params.mode, 'url')
    assert.equal(request.params.elicitationId, undefined)
    const calls = old.got('tools/call').length
    const declined = await call('old', {
      name: 'open',
      requestState: result.requestState,
      inputResponses: { [key]: { action: 'decline' } },
    })
    assert.equal(declined.message.result.isError, true)
    assert.equal(old.got('tools/call').length, calls)
    const again = await call('old', {
      name: 'open',
      requestState: result.requestState,
      inputResponses: { [key]: { action: 'accept' } },
    })
    assert.equal(again.message.result.resultType, 'input_required')
    assert.equal(old.got('tools/call').length, calls + 1)
  })

  it('is said in words to a client that cannot open pages (I-004 H-090)', async () => {
    const { message } = await call('old', { name: 'open' }, { elicitation: { form: {} } })
    assert.equal(message.result.isError, true)
    assert.match(message.result.content[0].text, /https:\/\/x\.example\//)
  })

  it('is an error where nothing may come back with questions (I-001 AM-19 H-090)', async () => {
    const ref = { type: 'ref/prompt', name: 'p' }
    const params = { ref, argument: { name: 'a', value: '' } }
    const { message } = await ask(house.at('old'), 'completion/complete', params, {
      capabilities: CLIENT,
    })
    assert.equal(message.error.code, -32603)
  })
})

describe('a round of a modern server', () => {
  const rounds: Loose[] = []
  const relay = (state: object): void => {
    rounds.length = 0
    next = (message) => {
      rounds.push(message)
      return rounds.length === 1
        ? { resultType: 'input_required', inputRequests: { name: elicitation }, ...state }
        : text('done')
    }
  }
  const answered = async (): Promise<Answer> => {
    const { result } = (await call('new', { name: 'go', arguments: { a: 1 } })).message
    assert.deepEqual(result.inputRequests, { name: elicitation })
    return call('new', {
      name: 'go',
      arguments: { a: 1 },
      requestState: result.requestState,
      inputResponses: { name: ACCEPTED },
    })
  }

  for (const [what, state] of [
    ['absent', {}],
    ['empty', { requestState: '' }],
    ['odd', { requestState: ' "\\\u2028ü ' }],
  ] as const) {
    it(`goes to the client, and its ${what} state comes back as it was (I-005 I-006 BR-042)`, async () => {
      relay(state)
      const { message } = await answered()
      assert.equal(message.result.content[0].text, 'done')
      const [one, two] = rounds
      assert.notEqual(two.id, one.id)
      assert.deepEqual(
        { requestState: two.params.requestState },
        { requestState: undefined, ...state },
      )
      assert.equal(Object.hasOwn(two.params, 'requestState'), 'requestState' in state)
      assert.deepEqual(two.params.inputResponses, { name: ACCEPTED })
      assert.deepEqual([two.params.name, two.params.arguments], ['go', { a: 1 }])
      assert.equal(Object.hasOwn(one.params, 'inputResponses'), false)
    })
  }

  const BROKEN: readonly (readonly [string, object])[] = [
    ['has neither questions nor state', {}],
    ['asks what was not declared', { inputRequests: { x: { method: 'roots/list' } } }],
    [
      'asks what nobody can be asked',
      { inputRequests: { x: { method: 'tools/call', params: {} } } },
    ],
    ['has a question that is none', { inputRequests: { x: 7 } }],
    ['has state that is no text', { requestState: 7 }],
    ['is of an unknown type', { resultType: 'task', taskId: 't' }],
  ]
  for (const [what, round] of BROKEN) {
    it(`that ${what} is the server's fault, and goes no further (I-002 I-003 I-004 V-030 BR-044)`, async () => {
      next = () => ({ resultType: 'input_required', ...round })
      const { message } = await call('new', { name: 'go' }, { elicitation: {} })
      assert.equal(message.result.resultType, 'complete')
      assert.equal(message.result.isError, true)
      assert.match(message.result.content[0].text, /Server new/)
    })
  }

  it('is none when the method may not ask (I-001)', async () => {
    next = () => ({ resultType: 'input_required', inputRequests: { name: elicitation } })
    const params = { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: '' } }
    const { message } = await ask(house.at('new'), 'completion/complete', params, {
      capabilities: CLIENT,
    })
    assert.equal(message.error.code, -32603)
  })

  it('cannot be slipped into a result (V-031 I-004 BR-008)', async () => {
    next = () => ({
      ...text('done'),
      inputRequests: { x: { method: 'roots/list' } },
      requestState: 'theirs',
      task: { taskId: 't' },
    })
    const { result } = (await call('new', { name: 'go' })).message
    assert.deepEqual(Object.keys(result).toSorted(), ['_meta', 'content', 'resultType'])
  })
})

describe('a state', () => {
  const begun = async (): Promise<string> => {
    next = () => ({ resultType: 'input_required', inputRequests: { name: elicitation } })
    const { result } = (await call('new', { name: 'go', arguments: { a: 1 } })).message
    next = () => text('done')
    return result.requestState
  }
  const retry = (requestState: unknown, more: object = {}): Promise<Answer> =>
    call('new', {
      name: 'go',
      arguments: { a: 1 },
      requestState,
      inputResponses: { name: ACCEPTED },
      ...more,
    })

  it('is refused once it has expired, and nothing starts over (I-021 AM-29)', async () => {
    const state = await begun()
    const calls = recent.got('tools/call').length
    aheadMs = 3_600_000
    const { message } = await retry(state)
    aheadMs = 0
    assert.equal(message.error.code, -32602)
    assert.match(message.error.message, /expired/)
    assert.equal(recent.got('tools/call').length, calls)
  })
})
