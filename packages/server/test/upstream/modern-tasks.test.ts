import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isObject, own, textAt, type JsonObject } from '@countersign/contract'
import type { Exchange, Upstream, UpstreamTaskSeen } from '#upstream'
import { callTool, makeExchange, textOf } from './fakes/exchange.ts'
import { makeStage, program } from './fakes/story.ts'
import { serveModernTasks } from './peers/modern-tasks-http.ts'
import { makeShelf, type Shelf } from './peers/modern-tasks-server.ts'

const stage = makeStage()

const stdio = async () =>
  stage.open({ kind: 'stdio', process: program('modern-tasks-stdio.ts') }).upstream
const http = async (shelf: Shelf = makeShelf()) => {
  const peer = stage.use(await serveModernTasks(shelf))
  return stage.open({ kind: 'http', url: peer.url, headers: {} }).upstream
}

const PEERS = [
  ['stdio', stdio],
  ['HTTP', () => http()],
] as const

const taking = (more: Partial<Exchange> = {}) => makeExchange({ takesTasks: true, ...more })

async function begin(upstream: Upstream, tool: string): Promise<string> {
  const reply = await upstream.call(callTool(tool), taking())
  assert.ok(reply.kind === 'task', JSON.stringify(reply))
  return reply.task.id
}

async function look(upstream: Upstream, id: string): Promise<UpstreamTaskSeen> {
  const seen = await upstream.tasks.see(id, makeExchange())
  assert.ok(seen, 'the task is gone')
  return seen
}

for (const [name, open] of PEERS) {
  // TX-001, TX-002, TX-005, TX-006, TX-010, TX-011
  test(`a call to a modern server over ${name} becomes a task, whose result is seen in the end`, async () => {
    const upstream = await open()
    const reply = await upstream.call(callTool('work'), taking())
    assert.ok(reply.kind === 'task')
    const { id, ...rest } = reply.task
    assert.deepEqual(rest, { era: 'modern', pollMs: 50, message: 'it is working' })
    const states = [await look(upstream, id), await look(upstream, id), await look(upstream, id)]
    assert.deepEqual(
      states.map(({ status }) => status),
      ['working', 'working', 'completed'],
    )
    const result = { content: [{ type: 'text', text: 'work' }] }
    assert.deepEqual(states[2]?.end, { kind: 'result', result })
  })

  // TX-003
  test(`a server over ${name} makes no task for a caller that does not take one`, async () => {
    const upstream = await open()
    assert.equal(textOf(await upstream.call(callTool('work'), makeExchange())), 'waited for it')
    const extensions = { 'io.modelcontextprotocol/tasks': {} }
    const claiming = makeExchange({ capabilities: { extensions } })
    assert.equal(textOf(await upstream.call(callTool('work'), claiming)), 'waited for it')
    assert.equal(textOf(await upstream.call(callTool('greet'), taking())), 'hello')
  })

  // TX-012, AM-08
  test(`a task over ${name} completes with a failed result, and fails with an error`, async () => {
    const upstream = await open()
    const failed = await look(upstream, await begin(upstream, 'fail'))
    const result = { content: [{ type: 'text', text: 'no luck' }], isError: true }
    assert.deepEqual([failed.status, failed.end], ['completed', { kind: 'result', result }])
    const broken = await look(upstream, await begin(upstream, 'break'))
    const error = { code: -32000, message: 'broke', data: { why: 1 } }
    assert.deepEqual([broken.status, broken.end], ['failed', { kind: 'error', error }])
  })

  // TX-010, TX-016, TX-017
  test(`what a task over ${name} asks is answered by key, also bit by bit`, async () => {
    const upstream = await open()
    const id = await begin(upstream, 'ask')
    const asking = await look(upstream, id)
    assert.deepEqual(Object.keys(asking.inputs), ['first', 'second'])
    assert.equal(asking.inputs['first']?.method, 'elicitation/create')
    const answer = { action: 'accept', content: {} }
    await upstream.tasks.update(id, { second: answer, unknown: answer }, makeExchange())
    assert.deepEqual(Object.keys((await look(upstream, id)).inputs), ['first'])
    await upstream.tasks.update(id, { first: answer }, makeExchange())
    const over = await look(upstream, id)
    assert.deepEqual([over.status, over.inputs], ['completed', {}])
  })

  // TX-019, TX-024
  test(`a task over ${name} is cancelled twice, and one that is not known is not there`, async () => {
    const upstream = await open()
    const id = await begin(upstream, 'hang')
    await upstream.tasks.cancel(id, makeExchange())
    await upstream.tasks.cancel(id, makeExchange())
    const { status, end } = await look(upstream, id)
    assert.deepEqual([status, end], ['cancelled', { kind: 'cancelled' }])
    await upstream.tasks.cancel('nobody', makeExchange())
    assert.equal(await upstream.tasks.see('nobody', makeExchange()), undefined)
    const lost = { code: 'upstream/broken' }
    await assert.rejects(upstream.tasks.update('nobody', {}, makeExchange()), lost)
    await assert.rejects(upstream.tasks.result(id, makeExchange()), lost)
  })
}

// TX-001, TX-028
test('each request about a task declares the extension, and repeats the id for whoever routes', async () => {
  const shelf = makeShelf()
  const upstream = await http(shelf)
  const id = await begin(upstream, 'ask')
  const asker = makeExchange({ capabilities: { elicitation: { form: {} } } })
  await upstream.tasks.see(id, asker)
  await upstream.tasks.update(id, {}, asker)
  await upstream.tasks.cancel(id, asker)
  const told = shelf.seen.filter(({ message }) => textAt(message, 'method').startsWith('tasks/'))
  assert.deepEqual(
    told.map(({ name }) => name),
    [id, id, id],
  )
  for (const { message } of told) {
    const claims = {
      elicitation: { form: {} },
      extensions: { 'io.modelcontextprotocol/tasks': {} },
    }
    assert.deepEqual(claimsOf(message), claims)
  }
})

function claimsOf(message: JsonObject): unknown {
  const params = own(message, 'params')
  const meta = isObject(params) ? own(params, '_meta') : undefined
  return isObject(meta) ? meta['io.modelcontextprotocol/clientCapabilities'] : undefined
}

test('a task outlives a server that keeps it, and its being away is told', async () => {
  const shelf = makeShelf()
  const peer = await serveModernTasks(shelf)
  const { upstream } = stage.open({ kind: 'http', url: peer.url, headers: {} })
  const id = await begin(upstream, 'hang')
  await peer.close()
  for (const act of [
    () => upstream.tasks.see(id, makeExchange()),
    () => upstream.tasks.update(id, {}, makeExchange()),
    () => upstream.tasks.cancel(id, makeExchange()),
  ]) {
    await assert.rejects(act(), { code: /^upstream\/(?:broken|unavailable)$/ })
  }
  stage.use(await serveModernTasks(shelf, Number(new URL(peer.url).port)))
  assert.equal((await look(upstream, id)).status, 'working')
  shelf.tasks.clear()
  assert.equal(await upstream.tasks.see(id, makeExchange()), undefined)
})

// TX-009, AM-05, AM-08
test('what a look is called matters little, what it says does', async () => {
  const shelf = makeShelf()
  const upstream = await http(shelf)
  const task = { taskId: 't', status: 'working' }
  for (const resultType of ['complete', 'task', undefined]) {
    shelf.override.set('tasks/get', { resultType, ...task })
    assert.equal((await upstream.tasks.see('t', makeExchange()))?.status, 'working')
  }
  const asked = { method: 'sampling/createMessage', params: { messages: [] } }
  for (const bad of [
    { resultType: 'input_required', ...task },
    { ...task, taskId: 'other' },
    { ...task, taskId: 1 },
    { ...task, status: 'sleeping' },
    { ...task, status: 'completed' },
    { ...task, status: 'completed', result: { resultType: 'input_required' } },
    { ...task, status: 'input_required', inputRequests: [] },
    { ...task, status: 'input_required', inputRequests: { a: { method: 'tools/call' } } },
    { ...task, status: 'input_required', inputRequests: { a: asked } }, // TX-033, BR-044
    {},
  ]) {
    shelf.override.set('tasks/get', bad)
    const mute = makeExchange({ capabilities: {} })
    await assert.rejects(upstream.tasks.see('t', mute), { code: 'upstream/broken' })
  }
})

test('a task that is made without a usable id is the fault of its server', async () => {
  const shelf = makeShelf()
  const upstream = await http(shelf)
  for (const taskId of [undefined, '', 7, 'x'.repeat(5_000)]) {
    shelf.override.set('tools/call', { resultType: 'task', taskId, status: 'working' })
    await assert.rejects(upstream.call(callTool('work'), taking()), { code: 'upstream/broken' })
  }
  shelf.override.set('tools/call', { resultType: 'task', taskId: 't', status: 'working' })
  const refused = upstream.call(callTool('work'), makeExchange())
  await assert.rejects(refused, { code: 'upstream/broken' }) // TX-003
})
