import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@countersign/contract'
import { LOCAL } from '#auth'
import type { Redaction } from '#redaction'
import type { Exchange, Outgoing } from '#upstream'
import { screenedEvent, screenedUpstream } from './screened-upstream.ts'

/** Whatever holds `SECRET` is covered, and whatever holds `NEVER` is blocked. */
const screen: Redaction['outward'] = (_about, value) => {
  const text = JSON.stringify(value)
  const isBlocked = text.includes('NEVER')
  const isFound = isBlocked || text.includes('SECRET')
  return {
    value: isFound ? JSON.parse(text.replaceAll('SECRET', '[covered]')) : value,
    found: isFound ? { 'secret/x': 1 } : {},
    blocked: isBlocked ? ['secret/x'] : [],
    done: isBlocked ? 'block' : 'mask',
  }
}
const redaction: Redaction = { isOn: true, inward: screen, outward: screen }

interface Said {
  readonly seen?: object
  readonly reply?: object
  readonly progress?: JsonObject
}

function screened(said: Said) {
  const notes: unknown[] = []
  const updated: JsonObject[] = []
  const upstream = {
    spec: { id: 'x' },
    call: async ({ inputResponses }: Outgoing, { progress }: Exchange) => {
      if (inputResponses) updated.push(inputResponses)
      if (said.progress) progress(said.progress)
      return said.reply
    },
    tasks: {
      see: async () => said.seen,
      result: async () => said.reply,
      update: async (_id: string, responses: JsonObject) => void updated.push(responses),
    },
  }
  const ledger = { note: async (_kind: string, body: object) => void notes.push(body) }
  const rooms = { redaction, ledger } as never
  return { upstream: screenedUpstream(rooms, upstream as never, LOCAL), notes, updated }
}
const exchange = { about: { call: 'call_1', name: 'slow' } } as never

// PO-071, PO-074
test('what comes of a task of a server is looked at like what comes of a call', async () => {
  const seen = {
    id: 't',
    message: 'at SECRET',
    inputs: { q: { method: 'elicitation/create', params: { message: 'SECRET?' } } },
    end: { kind: 'result', result: { content: [{ type: 'text', text: 'SECRET' }] } },
  }
  const { upstream, notes } = screened({ seen })
  const said = await upstream.tasks.see('t', exchange)
  assert.ok(!JSON.stringify(said).includes('SECRET'))
  assert.equal(said?.message, 'at [covered]')
  assert.equal(said.inputs['q']?.params?.['message'], '[covered]?')
  assert.deepEqual(notes, [
    {
      call: 'call_1',
      principal: 'local',
      server: 'x',
      name: 'slow',
      direction: 'out',
      found: { 'secret/x': 3 },
      done: 'mask',
    },
  ])
  const failed = screened({
    seen: { id: 't', inputs: {}, end: { kind: 'error', error: { code: 1, message: 'SECRET' } } },
  })
  const end = (await failed.upstream.tasks.see('t', exchange))?.end
  assert.deepEqual(end, { kind: 'error', error: { code: 1, message: '[covered]' } })
})

// PO-071
test('a result of a task that must not be shown is a failure in words', async () => {
  const result = { content: [{ type: 'text', text: 'NEVER' }], structuredContent: { a: 'NEVER' } }
  const { upstream } = screened({ reply: { kind: 'result', result } })
  const said = await upstream.tasks.result('t', exchange)
  assert.ok(said.kind === 'result' && said.result['isError'] === true)
  assert.ok(!JSON.stringify(said).includes('NEVER'))
  const { upstream: other } = screened({ reply: { kind: 'result', result } })
  const read = { method: 'resources/read', params: { uri: 'a://b' } } as const
  const page = await other.call(read, exchange)
  assert.ok(page.kind === 'error' && !JSON.stringify(page).includes('NEVER'))
})

test('an answer that must not be given is one that was cancelled', async () => {
  const { upstream, updated } = screened({})
  await upstream.tasks.update('t', { q: { action: 'accept', content: { a: 'SECRET' } } }, exchange)
  await upstream.tasks.update('t', { q: { action: 'accept', content: { a: 'NEVER' } } }, exchange)
  assert.deepEqual(updated, [
    { q: { action: 'accept', content: { a: '[covered]' } } },
    { q: { action: 'cancel' } },
  ])
})

// PO-071: a modern server is answered in the next round of its call, whoever was asked live.
test('an answer in a later round is looked at like any other', async () => {
  const { upstream, updated, notes } = screened({ reply: { kind: 'result', result: {} } })
  const call = { method: 'tools/call', params: { name: 'slow' } } as const
  const answer = (a: string) => ({ q: { action: 'accept', content: { a } } })
  for (const said of ['SECRET', 'NEVER', 'nothing']) {
    await upstream.call({ ...call, inputResponses: answer(said) }, exchange)
  }
  assert.deepEqual(updated, [answer('[covered]'), { q: { action: 'cancel' } }, answer('nothing')])
  const told = { call: 'call_1', principal: 'local', server: 'x', name: 'slow', direction: 'in' }
  assert.deepEqual(notes, [
    { ...told, found: { 'secret/x': 1 }, done: 'mask' },
    { ...told, found: { 'secret/x': 1 }, done: 'block' },
  ])
})

test('all that progress says is covered, and what may be shown to nobody is a number', async () => {
  const progress = { progress: 1, message: 'SECRET', _meta: { a: 'SECRET' } }
  const heard: JsonObject[] = []
  const listening = { progress: (one: JsonObject) => void heard.push(one) } as never
  const call = { method: 'tools/call', params: { name: 'slow' } } as const
  const reply = { kind: 'result', result: {} }
  await screened({ reply, progress }).upstream.call(call, listening)
  const never = { progress: 2, message: 'NEVER' }
  await screened({ reply, progress: never }).upstream.call(call, listening)
  const covered = { progress: 1, message: '[covered]', _meta: { a: '[covered]' } }
  assert.deepEqual(heard, [covered, { progress: 2 }])
})

test('a question that must not be shown is asked of nobody', async () => {
  const inputRequests = { q: { method: 'elicitation/create', params: { message: 'NEVER' } } }
  const { upstream } = screened({ reply: { kind: 'input', inputRequests, requestState: 's' } })
  const call = { method: 'tools/call', params: { name: 'slow' } } as const
  const said = await upstream.call(call, exchange)
  assert.ok(said.kind === 'error' && !JSON.stringify(said).includes('NEVER'))
  const waiting = screened({ seen: { id: 't', inputs: inputRequests } })
  const seen = await waiting.upstream.tasks.see('t', exchange)
  assert.deepEqual(seen?.inputs, {})
})

test('what a server says outside of calls is covered, or said to nobody', () => {
  const event = (data: string) => ({ kind: 'log', params: { level: 'info', data } }) as const
  const rooms = { redaction }
  assert.deepEqual(screenedEvent(rooms, 'x', event('SECRET')), event('[covered]'))
  assert.equal(screenedEvent(rooms, 'x', event('NEVER')), undefined)
  const change = { kind: 'list-changed', list: 'tools' } as const
  assert.equal(screenedEvent(rooms, 'x', change), change)
})
