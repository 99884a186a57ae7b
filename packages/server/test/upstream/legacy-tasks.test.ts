import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isObject, type JsonObject } from '@countersign/contract'
import type { Exchange, Outgoing, Reply, Upstream, UpstreamTaskSeen } from '#upstream'
import { callTool, makeExchange, textOf } from './fakes/exchange.ts'
import { makeStage, program } from './fakes/story.ts'
import { serveLegacy } from './peers/legacy-http.ts'
import { makeLegacyTasksServer, makeShelf } from './peers/legacy-tasks-server.ts'
import { events, json, serveScript, type Script } from './peers/scripted-http.ts'

const stage = makeStage()

const stdio = () => stage.open({ kind: 'stdio', process: program('legacy-tasks-stdio.ts') })
const http = async (isJson: boolean) => {
  const shelf = makeShelf()
  stage.use({ close: async () => shelf.store.cleanup() })
  const make = () => makeLegacyTasksServer(shelf)
  const peer = stage.use(await serveLegacy({ json: isJson, make }))
  return stage.open({ kind: 'http', url: peer.url, headers: {} })
}

const PEERS = [
  ['stdio', async () => stdio()],
  ['HTTP', () => http(false)],
] as const

const TTL = { task: { ttlMs: 60_000 } }
const asTask = (name: string, words: string): Outgoing => ({ ...callTool(name, { words }), ...TTL })

async function begin(upstream: Upstream, name: string, words: string): Promise<string> {
  const reply = await upstream.call(asTask(name, words), makeExchange())
  assert.equal(reply.kind, 'task', JSON.stringify(reply))
  return reply.kind === 'task' ? reply.task.id : ''
}

/** Looks as often as the server likes, until it looks as it should. */
async function seen(
  upstream: Upstream,
  id: string,
  status: UpstreamTaskSeen['status'],
): Promise<UpstreamTaskSeen> {
  for (;;) {
    const look = await upstream.tasks.see(id, makeExchange())
    assert.ok(look, 'the task is gone')
    if (look.status === status) return look
  }
}

const answerOf = (reply: Reply): unknown => JSON.parse(String(textOf(reply)))

for (const [name, open] of PEERS) {
  // TL-007, TL-008, TL-017
  test(`a call to a legacy server over ${name} becomes a task, and its result is fetched`, async () => {
    const { upstream } = await open()
    const reply = await upstream.call(asTask('echo', 'hello'), makeExchange())
    assert.ok(reply.kind === 'task')
    const { id, ...rest } = reply.task
    assert.deepEqual(rest, { era: 'legacy', pollMs: 20, message: undefined })
    const look = await seen(upstream, id, 'completed')
    assert.equal(look.end, undefined)
    const result = await upstream.tasks.result(id, makeExchange())
    // TL-013, BR-054: what binds it to the server's id stays on that hop.
    assert.deepEqual(result, {
      kind: 'result',
      result: { content: [{ type: 'text', text: 'hello' }] },
    })
  })

  // TL-003, TL-004
  test(`a tool that only works as a task is called as one over ${name} when the caller says so`, async () => {
    const { upstream } = await open()
    const refused = await upstream.call(callTool('ask', { words: 'Who?' }), makeExchange())
    assert.ok(refused.kind === 'error' || textOf(refused))
    assert.notEqual(refused.kind, 'task')
    const id = await begin(upstream, 'ask', 'Who?')
    assert.match(
      JSON.stringify(answerOf(await upstream.tasks.result(id, makeExchange()))),
      /decline/,
    )
  })

  // TL-011, TL-017
  test(`a failed task over ${name} still has its result, or the error that it ended with`, async () => {
    const { upstream } = await open()
    const failed = await begin(upstream, 'fail', 'no luck')
    assert.equal((await seen(upstream, failed, 'failed')).end, undefined)
    const result = await upstream.tasks.result(failed, makeExchange())
    assert.deepEqual(
      [textOf(result), result.kind === 'result' && result.result['isError']],
      ['no luck', true],
    )
    const broken = await begin(upstream, 'break', 'the reason')
    assert.equal((await seen(upstream, broken, 'failed')).message, 'the reason')
    assert.equal((await upstream.tasks.result(broken, makeExchange())).kind, 'error')
  })

  // TL-012, TL-015, TL-013
  test(`a question within a task over ${name} is put to whoever waits for its result`, async () => {
    const { upstream } = await open()
    const id = await begin(upstream, 'ask', 'Who?')
    await seen(upstream, id, 'input_required')
    const answer = {
      kind: 'result',
      result: { action: 'accept', content: { name: 'Ada' } },
    } as const
    const bystander = makeExchange({ owner: 'somebody else' })
    const other = begin(upstream, 'hang', 'busy')
    const waiting = makeExchange({ answer })
    const result = await upstream.tasks.result(id, waiting)
    const said = answerOf(result)
    assert.ok(isObject(said))
    assert.deepEqual([said['action'], said['content']], ['accept', { name: 'Ada' }])
    assert.deepEqual(bystander.heard.asked, [])
    const [asked] = waiting.heard.asked
    assert.equal(asked?.params?.['message'], 'Who?')
    assert.equal(asked?.params?.['_meta'], undefined)
    await other
  })

  // TL-018
  test(`a question over ${name} whose asker left is put to whoever waits next`, async () => {
    const { upstream } = await open()
    const id = await begin(upstream, 'ask', 'Who?')
    const leaving = new AbortController()
    const first = makeExchange({
      signal: leaving.signal,
      ask: (_request, signal) => {
        queueMicrotask(() => leaving.abort())
        return new Promise((resolve) => {
          const gone = { kind: 'error', error: { code: -1, message: 'gone' } } as const
          signal.addEventListener('abort', () => resolve(gone))
        })
      },
    })
    await assert.rejects(upstream.tasks.result(id, first), { code: 'call/abandoned' })
    const next = await upstream.tasks.result(id, makeExchange())
    assert.match(JSON.stringify(answerOf(next)), /decline/)
  })

  // TL-016, TL-022, TL-024, BR-057, AM-07
  test(`a task over ${name} is cancelled, also when it is over, unknown, or was cancelled before`, async () => {
    const { upstream } = await open()
    const id = await begin(upstream, 'hang', 'working hard')
    assert.equal((await upstream.tasks.see(id, makeExchange()))?.message, 'working hard')
    await upstream.tasks.cancel(id, makeExchange())
    const look = await upstream.tasks.see(id, makeExchange())
    assert.deepEqual([look?.status, look?.end], ['cancelled', { kind: 'cancelled' }])
    await upstream.tasks.cancel(id, makeExchange())
    await upstream.tasks.cancel('nobody', makeExchange())
  })

  // TL-024
  test(`a task that a server over ${name} does not know is not there`, async () => {
    const { upstream } = await open()
    assert.equal(await upstream.tasks.see('nobody', makeExchange()), undefined)
    const result = await upstream.tasks.result('nobody', makeExchange())
    assert.equal(result.kind === 'error' && result.error.code, -32602)
    await assert.rejects(upstream.tasks.update('nobody', {}, makeExchange()), {
      code: 'upstream/broken',
    })
  })
}

test('a task of a server that answers in JSON is followed all the same', async () => {
  const { upstream } = await http(true)
  const id = await begin(upstream, 'echo', 'hello')
  assert.equal(textOf(await upstream.tasks.result(id, makeExchange())), 'hello')
})

test('a task dies with the process that kept it, and whoever waited for it may ask again', async () => {
  const { upstream } = stdio()
  const id = await begin(upstream, 'hang', 'busy')
  const waiting = upstream.tasks.result(id, makeExchange())
  await assert.rejects(upstream.call(callTool('die'), makeExchange()), { code: 'upstream/broken' })
  await assert.rejects(waiting, { code: 'upstream/broken' })
  assert.equal(await upstream.tasks.see(id, makeExchange()), undefined)
  const again = await upstream.tasks.result(id, makeExchange())
  assert.equal(again.kind === 'error' && again.error.code, -32602)
})

test('a process is not stopped for want of calls while a task of its own is open', async () => {
  const transport = { kind: 'stdio', process: program('legacy-tasks-stdio.ts') } as const
  const busy = stage.open(transport, { idleMs: 50 })
  const id = await begin(busy.upstream, 'hang', 'busy')
  const { pid } = busy.upstream.status()
  // One that is used later and is stopped: by then the first has been idle for longer.
  const free = stage.open(transport, { idleMs: 50 })
  await free.upstream.call(callTool('plain'), makeExchange())
  await free.event((one) => one.kind === 'state' && one.status.state === 'idle')
  assert.equal(busy.upstream.status().pid, pid)
  assert.equal((await busy.upstream.tasks.see(id, makeExchange()))?.status, 'working')
  await busy.upstream.tasks.cancel(id, makeExchange())
  await busy.event((one) => one.kind === 'state' && one.status.state === 'idle')
})

const RUNNING = { status: 'working', ttl: null, createdAt: '', lastUpdatedAt: '' }
const TASKS = { tasks: { requests: { tools: { call: {} } }, cancel: {} } }
const scripted = async (script: Script, capabilities: object = TASKS) => {
  const peer = stage.use(await serveScript(script, capabilities))
  return { peer, ...stage.open({ kind: 'http', url: peer.url, headers: {} }) }
}

// TL-001, TL-003
test('a server that has no tasks is asked for none', async () => {
  for (const capabilities of [{}, { tasks: {} }, { tasks: { requests: { tools: {} } } }]) {
    const { peer, upstream } = await scripted(() => false, capabilities)
    assert.equal(textOf(await upstream.call(asTask('x', ''), makeExchange())), 'plain')
    const call = await peer.visit(({ message }) => message?.method === 'tools/call')
    assert.deepEqual(Object.keys(paramsOf(call.message)), ['name', 'arguments'])
  }
  const { peer, upstream } = await scripted(() => false, {})
  assert.equal(await upstream.tasks.see('t', makeExchange()), undefined)
  await upstream.tasks.cancel('t', makeExchange())
  await assert.rejects(upstream.tasks.result('t', makeExchange()), { code: 'upstream/broken' })
  assert.ok(peer.visits.every(({ message }) => !message?.method?.startsWith('tasks/')))
})

const paramsOf = (message: object | undefined): JsonObject => {
  const params = message && 'params' in message ? message.params : undefined
  return isObject(params) ? params : {}
}

// TL-006
test('a plain answer to a call that could have become a task is an answer', async () => {
  const { peer, upstream } = await scripted(() => false)
  assert.equal(textOf(await upstream.call(asTask('x', ''), makeExchange())), 'plain')
  const call = await peer.visit(({ message }) => message?.method === 'tools/call')
  assert.deepEqual(paramsOf(call.message)['task'], { ttl: 60_000 }) // TL-007
})

// BR-055, TL-014, TL-035
test('a request about a task says nothing but its id, and a null ttl is understood', async () => {
  const { peer, upstream } = await scripted(({ message, response }) => {
    if (!message?.method?.startsWith('tasks/')) return false
    json(response, { id: message.id, result: { taskId: 't', ...RUNNING } })
    return true
  })
  const asking = makeExchange({ wantsProgress: true })
  assert.equal((await upstream.tasks.see('t', asking))?.pollMs, undefined)
  await upstream.tasks.cancel('t', asking)
  await upstream.tasks.result('t', asking)
  const told = peer.visits.filter(({ message }) => message?.method?.startsWith('tasks/'))
  assert.deepEqual(
    told.map(({ message }) => paramsOf(message)),
    [{ taskId: 't' }, { taskId: 't' }, { taskId: 't' }],
  )
})

// TL-015, TL-019
test('what a server asks and says of a task on its stream for everything else is heard', async () => {
  let stream: Parameters<Script>[0]['response'] | undefined
  const meta = { 'io.modelcontextprotocol/related-task': { taskId: 't' } }
  const answered = Promise.withResolvers<unknown>()
  const { upstream, event, peer } = await scripted(({ method, message, response }) => {
    if (method === 'GET') {
      stream = events(response)
      const note = { method: 'notifications/tasks/status', params: { taskId: 't', ...RUNNING } }
      const question = { id: 'q', method: 'roots/list', params: { _meta: meta } }
      for (const one of [note, question]) {
        stream.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...one })}\n\n`)
      }
      return true
    }
    if (message?.id === 'q') answered.resolve(message)
    return message?.method === 'tasks/result' // It blocks.
  })
  const leaving = new AbortController()
  const answer = { kind: 'result', result: { roots: [] } } as const
  const waiting: Exchange = makeExchange({ signal: leaving.signal, answer })
  const result = upstream.tasks.result('t', waiting)
  assert.deepEqual(await event(({ kind }) => kind === 'task'), { kind: 'task', id: 't' })
  const said = await answered.promise
  assert.deepEqual(said, { jsonrpc: '2.0', id: 'q', result: { roots: [], _meta: meta } })
  leaving.abort()
  await assert.rejects(result, { code: 'call/abandoned' })
  // TL-023: the waiting is over, the task is not.
  await peer.visit(({ message }) => message?.method === 'notifications/cancelled')
  assert.ok(peer.visits.every(({ message }) => message?.method !== 'tasks/cancel'))
})
