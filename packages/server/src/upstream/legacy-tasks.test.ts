import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InputAnswer } from './upstream.ts'
import { callTool, makeExchange } from '../../test/upstream/fakes/exchange.ts'
import { introduction, makeHop, settle } from '../../test/upstream/fakes/hop.ts'
import { makeLegacyLink } from './legacy-link.ts'

const CAPABILITIES = { tasks: { requests: { tools: { call: {} } }, cancel: {} } }

const open = (kind: 'stdio' | 'http' = 'stdio') => {
  const hop = makeHop(kind)
  return { hop, link: makeLegacyLink(hop, introduction('legacy', CAPABILITIES)) }
}

const about = (task: string) => ({
  _meta: { 'io.modelcontextprotocol/related-task': { taskId: task } },
})
const elicit = (task?: string) => ({
  method: 'elicitation/create',
  params: { message: 'Who?', ...(task === undefined ? {} : about(task)) },
})
const asTask = { ...callTool('x'), task: { ttlMs: 1_000.9 } }

// TL-013, TL-015, BR-031
test('a question about a task is put to whoever waits for that task, wherever it comes', async () => {
  for (const lane of [undefined, 1, 2, 3, 4]) {
    const { hop, link } = open(lane === undefined ? 'stdio' : 'http')
    const [ann, bob, cid] = ['ann', 'bob', 'cid'].map((owner) => makeExchange({ owner }))
    assert.ok(ann && bob && cid)
    void link.call(callTool('y'), ann)
    void link.tasks.result('t', bob)
    void link.tasks.result('u', cid)
    hop.bring({ id: 'q', ...elicit('t') }, lane)
    await settle()
    assert.deepEqual(
      [ann, bob, cid].map(({ heard }) => heard.asked.length),
      [0, 1, 0],
    )
    assert.deepEqual(bob.heard.asked, [elicit()]) // BR-054
    assert.deepEqual(hop.last()['result'], { action: 'decline', ...about('t') })
  }
})

// TL-013, BR-031
test('a question on stdio that names no task is not put to whoever waits for one', async () => {
  const { hop, link } = open()
  const [ann, bob] = [makeExchange({ owner: 'ann' }), makeExchange({ owner: 'bob' })]
  void link.tasks.result('t', bob)
  hop.bring({ id: 'q', ...elicit() })
  await settle()
  assert.match(JSON.stringify(hop.last()), /-32602/)
  void link.call(callTool('x'), ann)
  hop.bring({ id: 'r', ...elicit() })
  await settle()
  assert.deepEqual([ann.heard.asked.length, bob.heard.asked.length], [1, 0])
})

// TL-013
test('a question on the stream of a call that is no task is asked of it, whatever task it names', async () => {
  const { hop, link } = open('http')
  const exchange = makeExchange()
  void link.call(callTool('x'), exchange)
  hop.bring({ id: 'q', ...elicit('t') }, 1)
  await settle()
  assert.deepEqual(exchange.heard.asked, [elicit()])
})

// TL-015
test('a question about a task for which nobody waits yet is held, and told', async () => {
  const { hop, link } = open()
  hop.bring({ id: 'q', ...elicit('t') })
  hop.bring({ id: 'r', ...elicit('t') })
  hop.bring({ id: 's', ...elicit('u') })
  hop.bring({ method: 'notifications/cancelled', params: { requestId: 'r' } })
  assert.deepEqual(hop.events[0], { kind: 'task', id: 't' })
  assert.deepEqual(hop.sent, [])
  const exchange = makeExchange()
  void link.tasks.result('t', exchange)
  await settle()
  assert.equal(exchange.heard.asked.length, 1)
  assert.equal(hop.last()['id'], 'q')
})

test('a question about a task is held no longer than anybody may come for it', async () => {
  const { hop, link } = open()
  for (const id of ['q', 'r', 's']) hop.bring({ id, ...elicit(id) })
  hop.world.pass(119_999)
  assert.deepEqual(hop.sent, [])
  hop.world.pass(1)
  assert.deepEqual(
    hop.sent.map(({ id }) => id),
    ['q', 'r', 's'],
  )
  hop.bring({ id: 'late', ...elicit('t') })
  const cancelled = link.tasks.cancel('t', makeExchange())
  assert.match(JSON.stringify(hop.sent[3]), /"late".*-32603/)
  hop.answer('tasks/cancel', { taskId: 't', status: 'cancelled' })
  await cancelled
  for (let at = 0; at < 17; at++) hop.bring({ id: at, ...elicit('v') })
  assert.equal(hop.last()['id'], 16)
  link.close()
  hop.world.pass(1_000_000)
  assert.equal(hop.last()['id'], 16)
})

// TL-018
test('of two who wait for a task one is asked, and the other one when that one leaves', async () => {
  const { hop, link } = open()
  const leaving = new AbortController()
  const never = () => new Promise<InputAnswer>(() => undefined)
  const gone = link.tasks.result('t', makeExchange({ signal: leaving.signal, ask: never }))
  const stays = makeExchange()
  const result = link.tasks.result('t', stays)
  hop.bring({ id: 'q', ...elicit('t') })
  await settle()
  assert.deepEqual(stays.heard.asked, [])
  leaving.abort()
  await assert.rejects(gone, { code: 'call/abandoned' })
  await settle()
  assert.equal(stays.heard.asked.length, 1)
  hop.answer('tasks/result', { content: [], ...about('t') })
  assert.deepEqual(await result, { kind: 'result', result: { content: [] } })
})

// TL-013
test('the result of another task is not taken for this one', async () => {
  const { hop, link } = open()
  const result = link.tasks.result('t', makeExchange())
  hop.answer('tasks/result', { content: [], ...about('u') })
  await assert.rejects(result, { code: 'upstream/broken' })
})

// TL-017: no limit of one call ends the waiting; TL-023: when it ends, the task goes on.
test('waiting for a task takes longer than a call may, and not for ever', async () => {
  const { hop, link } = open()
  const result = link.tasks.result('t', makeExchange())
  hop.world.pass(3_599_999)
  assert.equal(hop.last()['method'], 'tasks/result')
  hop.world.pass(1)
  await assert.rejects(result, { code: 'upstream/timeout' })
  assert.equal(hop.last()['method'], 'notifications/cancelled')
  assert.deepEqual(hop.listening, [true, false])
})

// TL-028
test('progress of a task goes to whoever waits for it, by the token of the call that made it', async () => {
  const { hop, link } = open()
  const made = link.call(asTask, makeExchange({ wantsProgress: true }))
  assert.deepEqual(hop.last()['params'], {
    name: 'x',
    arguments: {},
    _meta: { progressToken: 1 },
    task: { ttl: 1_000 },
  })
  hop.answer('tools/call', { task: { taskId: 't', status: 'working' } })
  await made
  const note = (params: object) =>
    hop.bring({
      method: 'notifications/progress',
      params: { progressToken: 1, progress: 1, ...params },
    })
  note({})
  const [waiting, other] = [makeExchange({ wantsProgress: true }), makeExchange()]
  const result = link.tasks.result('t', waiting)
  void link.tasks.result('u', other)
  note({})
  note(about('t'))
  note(about('u')) // Wants none.
  note({ progressToken: 9 })
  assert.deepEqual(waiting.heard.progress, [{ progress: 1 }, { progress: 1 }])
  assert.deepEqual(other.heard.progress, [])
  hop.bring({ id: 2, result: { content: [] } })
  await result
  note({})
  assert.equal(waiting.heard.progress.length, 2)
})

// TL-013, P-021
test('a log message about a task goes to whoever waits for it', () => {
  const { hop, link } = open()
  const [caller, waiting] = [
    makeExchange({ logLevel: 'debug' }),
    makeExchange({ logLevel: 'info' }),
  ]
  void link.call(callTool('x'), caller)
  void link.tasks.result('t', waiting)
  const say = (more: object) =>
    hop.bring({ method: 'notifications/message', params: { level: 'info', data: 1, ...more } })
  say(about('t'))
  say({})
  assert.deepEqual(waiting.heard.logs, [{ level: 'info', data: 1 }])
  assert.deepEqual(caller.heard.logs, [{ level: 'info', data: 1 }])
})

// TX-021
test('a task that comes of a call which was given up is cancelled', async () => {
  const { hop, link } = open()
  const leaving = new AbortController()
  const made = link.call(asTask, makeExchange({ signal: leaving.signal }))
  leaving.abort()
  await assert.rejects(made, { code: 'call/abandoned' })
  hop.answer('tools/call', { task: { taskId: 't', status: 'working' } })
  const { method, params } = hop.last()
  assert.deepEqual([method, params], ['tasks/cancel', { taskId: 't' }])
  const said = hop.sent.length
  hop.answer('tools/call', { task: { taskId: 't', status: 'working' } })
  assert.equal(hop.sent.length, said) // Once.
})

// TL-005, TL-024
test('a refusal about a task is an answer, or that it is gone, or the fault of the server', async () => {
  const { hop, link } = open()
  const refuse = (code: number) => {
    const { id } = hop.last()
    hop.bring({ id: id ?? null, error: { code, message: 'secret words' } })
  }
  const called = link.call(asTask, makeExchange())
  refuse(-32601)
  assert.equal((await called).kind, 'error')
  for (const code of [-32602, -32601]) {
    const seen = link.tasks.see('t', makeExchange())
    refuse(code)
    assert.equal(await seen, undefined)
    const stopped = link.tasks.cancel('t', makeExchange())
    refuse(code)
    await stopped
  }
  const seen = link.tasks.see('t', makeExchange())
  refuse(-32603)
  await assert.rejects(seen, { message: 'Server peer refused tasks/get (-32603).' })
})
