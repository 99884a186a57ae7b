// Multi round-trip requests of 2026-07-28: what is asked, sealed, answered, repeated and refused.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Loose } from './clients.ts'
import { openTestHouse, overStdio, uncaught, until, type TestHouse } from './house.ts'
import { ask, begin, envelope, modern, type Answer } from './raw.ts'

let theHouse: TestHouse
before(async () => {
  theHouse = await openTestHouse({
    servers: {
      'old-peer': overStdio('oldPeer'),
      'new-peer': overStdio('newPeer'),
      new: overStdio('new'),
    },
    views: { pair: { servers: ['old-peer', 'new-peer'] } },
  })
})
after(async () => {
  await theHouse[Symbol.asyncDispose]()
  assert.deepEqual(uncaught, [])
})

const EVERYTHING = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }
const meta = envelope({}, EVERYTHING)
const ADA = { action: 'accept', content: { name: 'Ada' } }

interface Retry {
  readonly answers?: unknown
  readonly state?: unknown
  readonly arguments?: Loose
  readonly meta?: Loose
  readonly id?: unknown
}

function asked(name: string, { answers, state, arguments: args, meta: own, id = 1 }: Retry) {
  const params = {
    name,
    ...(args ? { arguments: args } : {}),
    ...(answers === undefined ? {} : { inputResponses: answers }),
    ...(state === undefined ? {} : { requestState: state }),
  }
  return modern('tools/call', { params, meta: own ?? meta, id })
}
const call = (view: string, name: string, retry: Retry = {}): Promise<Answer> =>
  ask(theHouse.at(view), asked(name, retry))

const stateOf = ({ json }: Answer): string => {
  assert.equal(json.result?.resultType, 'input_required', JSON.stringify(json))
  assert.equal(typeof json.result.requestState, 'string')
  return json.result.requestState
}
const questionsIn = ({ json }: Answer): Readonly<Record<string, Loose>> => {
  assert.ok(json.result?.inputRequests, JSON.stringify(json))
  return json.result.inputRequests
}
const answerAll = (first: Answer, said: Loose = ADA): Loose =>
  Object.fromEntries(Object.keys(questionsIn(first)).map((key) => [key, said]))
const wordsOf = ({ json }: Answer): string => {
  assert.equal(json.result?.resultType, 'complete', JSON.stringify(json))
  return json.result.content[0].text
}

for (const view of ['old-peer', 'new-peer']) {
  describe(`a question of ${view} to a modern client`, () => {
    it('is a bare request under a key, with sealed state, and its answer goes on', async () => {
      // I-001, I-002, I-003, I-005, I-023, I-042, BR-032, BR-042
      const first = await call(view, 'ask_form')
      const { result } = first.json
      const [key = ''] = Object.keys(result.inputRequests)
      const request: Loose = result.inputRequests[key]
      assert.notEqual(key, '')
      assert.deepEqual(Object.keys(request).toSorted(), ['method', 'params'])
      assert.equal(result.ttlMs, undefined) // F-051
      assert.ok(!Buffer.from(stateOf(first), 'base64url').toString('latin1').includes('ask_form'))
      const second = await call(view, 'ask_form', {
        answers: { [key]: ADA },
        state: stateOf(first),
        id: 'another',
      })
      assert.equal(second.json.id, 'another')
      assert.deepEqual(JSON.parse(wordsOf(second)), ADA)
    })

    it('is asked again when the answer is missing or malformed; strangers are ignored', async () => {
      // I-009, BR-036, AM-39
      const first = await call(view, 'ask_form')
      let state = stateOf(first)
      const [key = ''] = Object.keys(first.json.result.inputRequests)
      for (const answers of [{}, { stranger: ADA }, { [key]: 7 }, { [key]: null }, { [key]: [] }]) {
        const again = await call(view, 'ask_form', { answers, state })
        if (again.json.error) {
          // A modern server may refuse what is malformed instead (I-009).
          assert.equal(view, 'new-peer')
          assert.equal(again.json.error.code, -32602)
          continue
        }
        state = stateOf(again)
        assert.equal(Object.keys(again.json.result.inputRequests).length, 1)
      }
      const done = await call(view, 'ask_form', { answers: { [key]: ADA }, state })
      assert.deepEqual(JSON.parse(wordsOf(done)), ADA)
    })

    it('gets the same outcome for the same retry, however often it comes', async () => {
      // I-013, BR-035, AM-38
      const first = await call(view, 'ask_form')
      const retry = { answers: answerAll(first), state: stateOf(first) }
      const many = await Promise.all(
        [1, 2, 3].map((id) => call(view, 'ask_form', { ...retry, id })),
      )
      const late = await call(view, 'ask_form', { ...retry, id: 4 })
      for (const one of [...many, late]) assert.deepEqual(JSON.parse(wordsOf(one)), ADA)
    })

    it('refuses state that was changed, invented, or is another request’s', async () => {
      // I-006, I-020, I-021, I-022, I-028
      const first = await call(view, 'ask_form')
      const state = stateOf(first)
      const answers = answerAll(first)
      const flipped = `${state.slice(0, 40)}${state[40] === 'A' ? 'B' : 'A'}${state.slice(41)}`
      for (const bad of [
        flipped,
        `${state}-TAMPERED`,
        state.slice(0, -4),
        '',
        'x'.repeat(70_000),
      ]) {
        const { status, json } = await call(view, 'ask_form', { answers, state: bad })
        assert.deepEqual([status, json.error?.code], [200, -32602], bad.slice(0, 12))
      }
      for (const bad of [7, null, {}, [state]]) {
        const { json } = await call(view, 'ask_form', { answers, state: bad })
        assert.equal(json.error?.code, -32602)
      }
      const elsewhere = await Promise.all([
        call(view, 'ask_then_steps', { answers, state }),
        call(view, 'ask_form', { answers, state, arguments: { other: 1 } }),
        call('pair', `${view.replace('-', '_')}_ask_form`, { answers, state }),
        ask(
          theHouse.at(view),
          modern('prompts/get', {
            params: { name: 'hello', inputResponses: answers, requestState: state },
            meta,
          }),
        ),
      ])
      for (const { json } of elsewhere) assert.equal(json.error?.code, -32602)
      // What was refused has not used it up.
      const done = await call(view, 'ask_form', { answers, state })
      assert.deepEqual(JSON.parse(wordsOf(done)), ADA)
    })

    it('is never one that the client did not declare', async () => {
      // I-004, V-049, V-051, H-096
      for (const [tool, capabilities] of [
        ['ask_form', {}],
        ['ask_form', { elicitation: { url: {} } }],
        ['ask_url', { elicitation: {} }],
        ['sample', { elicitation: {} }],
        ['roots', {}],
      ] as const) {
        const { json } = await call(view, tool, { meta: envelope({}, capabilities) })
        assert.equal(json.result?.inputRequests, undefined)
        assert.ok(json.error ?? json.result.isError, JSON.stringify(json))
      }
    })

    it('takes a refusal and a cancellation as answers', async () => {
      // I-042
      for (const action of ['decline', 'cancel']) {
        const first = await call(view, 'ask_form')
        const retry = { answers: answerAll(first, { action }), state: stateOf(first) }
        assert.deepEqual(JSON.parse(wordsOf(await call(view, 'ask_form', retry))), { action })
      }
    })

    it('goes on reporting progress on the stream of the retry', async () => {
      // BR-033, AM-36
      const first = await call(view, 'ask_then_steps', { meta: { ...meta, progressToken: 'one' } })
      const second = await call(view, 'ask_then_steps', {
        answers: answerAll(first),
        state: stateOf(first),
        meta: { ...meta, progressToken: 'two' },
      })
      const told = second.events.slice(0, -1).map(({ data }) => data.params)
      assert.deepEqual(
        told.map(({ progressToken, progress }) => [progressToken, progress]),
        [
          ['two', 1],
          ['two', 2],
          ['two', 3],
        ],
      )
      assert.equal(wordsOf(second), 'accept')
    })

    it('is forgotten with its call when the client closes the stream of a retry', async () => {
      // H-050, H-051
      const earlier = await callsOf('wait', view)
      const abort = await begin(
        theHouse.at(view),
        asked('wait', { meta: { ...meta, progressToken: 1 } }),
      )
      await abort.event(({ method }) => method === 'notifications/progress')
      abort.drop()
      await until('the call is recorded as cancelled', async () => {
        const now = await callsOf('wait', view)
        return now.length > earlier.length && now.at(-1) === 'cancelled'
      })
    })
  })
}

describe('URL elicitation that a legacy server demands by an error', () => {
  it('is a question to a modern client, and its retry calls again', async () => {
    // I-046, I-047, H-090
    const first = await call('old-peer', 'need_url')
    const [question] = Object.values(questionsIn(first))
    const params = question?.['params'] as Loose
    assert.deepEqual([params['mode'], params['url']], ['url', 'https://peer.example/sign-in'])
    assert.equal(params['elicitationId'], undefined)
    const state = stateOf(first)
    const declined = await call('old-peer', 'need_url', {
      answers: answerAll(first, { action: 'decline' }),
      state,
    })
    assert.equal(declined.json.result.isError, true)
    const agreed = { answers: answerAll(first, { action: 'accept' }), state }
    assert.equal(wordsOf(await call('old-peer', 'need_url', agreed)), 'the page was open')
  })
})

describe('several questions of one call', () => {
  it('come in one round and are answered in one', async () => {
    // BR-032, I-029
    const first = await call('new', 'test_input_required_result_multiple_inputs')
    const inputRequests = questionsIn(first)
    assert.equal(Object.keys(inputRequests).length, 3)
    const answers = Object.fromEntries(
      Object.entries(inputRequests).map(([key, { method }]) => [key, SAID[String(method)]]),
    )
    const state = stateOf(first)
    const done = await call('new', 'test_input_required_result_multiple_inputs', { answers, state })
    assert.equal(wordsOf(done), 'Paris Ada, 1 root(s)')
  })

  it('come one after the other, under another state each time', async () => {
    // I-012, I-029, BR-007: each round is an entry of its own.
    const name = 'test_input_required_result_multi_round'
    const first = await call('new', name)
    const second = await call('new', name, { answers: answerAll(first), state: stateOf(first) })
    assert.notEqual(stateOf(first), stateOf(second))
    const color = answerAll(second, { action: 'accept', content: { color: 'red' } })
    const done = await call('new', name, { answers: color, state: stateOf(second) })
    assert.equal(wordsOf(done), 'Ada likes red')
    const rounds = (await theHouse.entries()).filter(
      ({ kind, body }) => kind === 'call.opened' && body['name'] === name,
    )
    assert.deepEqual(
      rounds.map(({ body }) => body['round']),
      [1, 2, 3],
    )
  })
})

const SAID: Readonly<Record<string, Loose>> = {
  'elicitation/create': ADA,
  'sampling/createMessage': {
    model: 'm',
    role: 'assistant',
    content: { type: 'text', text: 'Paris' },
  },
  'roots/list': { roots: [{ uri: 'file:///x' }] },
}

/** How the calls of one tool ended, oldest first; undefined while one is under way. */
async function callsOf(name: string, server: string): Promise<readonly unknown[]> {
  const entries = await theHouse.entries()
  return entries
    .filter(
      ({ kind, body }) =>
        kind === 'call.opened' && body['name'] === name && body['server'] === server,
    )
    .map(({ call: id }) => entries.find((one) => one.kind === 'call.closed' && one.call === id))
    .map((closed) => closed?.body['outcome'])
}
