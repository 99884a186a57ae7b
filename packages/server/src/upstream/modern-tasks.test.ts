import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callTool, makeExchange } from '../../test/upstream/fakes/exchange.ts'
import { introduction, makeHop } from '../../test/upstream/fakes/hop.ts'
import { makeModernLink } from './modern-link.ts'

const open = (capabilities = {}) => {
  const hop = makeHop()
  return { hop, link: makeModernLink(hop, introduction('modern', capabilities)) }
}
const EXTENDED = { extensions: { 'io.modelcontextprotocol/tasks': {} } }

// TX-001, TX-002, TX-003
test('tasks are declared to a server that has them, for a tool call of a caller that takes them', () => {
  const taking = makeExchange({ takesTasks: true, capabilities: {} })
  const read = { method: 'resources/read', params: { uri: 'x:y' } } as const
  const declares = (capabilities: object, ...call: Parameters<typeof link.call>) => {
    const { hop, link } = open(capabilities)
    void link.call(...call)
    return JSON.stringify(hop.last()).includes('io.modelcontextprotocol/tasks')
  }
  const { link } = open()
  assert.equal(declares(EXTENDED, callTool('x'), taking), true)
  assert.equal(declares(EXTENDED, callTool('x'), makeExchange({ capabilities: EXTENDED })), false)
  assert.equal(declares({}, callTool('x'), taking), false)
  assert.equal(declares({ extensions: [] }, callTool('x'), taking), false)
  assert.equal(declares(EXTENDED, read, taking), false)
})

// TX-002: the client gives no hint.
test('a modern server is not asked for a task', () => {
  const { hop, link } = open(EXTENDED)
  void link.call({ ...callTool('x'), task: { ttlMs: 1 } }, makeExchange({ takesTasks: true }))
  assert.doesNotMatch(JSON.stringify(hop.last()), /"task":|ttl/)
})

test('a server without tasks is told nothing about any', async () => {
  const { hop, link } = open()
  assert.equal(await link.tasks.see('t', makeExchange()), undefined)
  await link.tasks.cancel('t', makeExchange())
  await assert.rejects(link.tasks.update('t', {}, makeExchange()), { code: 'upstream/broken' })
  assert.deepEqual(hop.sent, [])
})

// TX-021
test('a task that comes of a call which was given up is cancelled', async () => {
  const { hop, link } = open(EXTENDED)
  const leaving = new AbortController()
  const exchange = makeExchange({ takesTasks: true, signal: leaving.signal })
  const made = link.call(callTool('x'), exchange)
  leaving.abort()
  await assert.rejects(made, { code: 'call/abandoned' })
  hop.answer('tools/call', { resultType: 'task', taskId: 't', status: 'working' })
  assert.equal(hop.last()['method'], 'tasks/cancel')
})

// TX-012
test('a task that failed without saying why has failed', async () => {
  const { hop, link } = open(EXTENDED)
  for (const [more, message] of [
    [{}, 'The task failed.'],
    [{ statusMessage: 'no disk' }, 'no disk'],
    [{ error: 'x', statusMessage: 'no disk' }, 'no disk'],
  ] as const) {
    const seen = link.tasks.see('t', makeExchange())
    hop.answer('tasks/get', { taskId: 't', status: 'failed', ...more })
    const end = { kind: 'error', error: { code: -32603, message } }
    assert.deepEqual((await seen)?.end, end)
  }
})
