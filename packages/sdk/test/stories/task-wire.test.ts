import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { hosting, TRANSPORTS } from './hosting.ts'
import type { Raw } from '../../../../test/peers/raw-dispatch.ts'
import { connect, envelope, EXTENSION } from '../../../../test/peers/task-peers.ts'

type Loose = Record<string, unknown>
type Reply = { readonly result?: Loose; readonly error?: { code: number; data?: Loose } }

/** Requests of one era over one connection. */
const speaker =
  (raw: Raw, meta?: Loose) =>
  async (method: string, params: Loose = {}): Promise<Reply> => {
    const more = meta === undefined ? {} : { _meta: meta }
    return await raw.dispatch({ method, params: { ...params, ...more } })
  }

const heardOf = (raw: Raw, method: string): Loose[] =>
  raw.heard.flatMap((message) =>
    'method' in message && message.method === method ? [message.params as Loose] : [],
  )

/** Asks until it is so. The server sets the pace. */
async function until<Value>(
  look: () => Promise<Value>,
  isSo: (value: Value) => boolean,
): Promise<Value> {
  for (;;) {
    const value = await look()
    if (isSo(value)) return value
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

for (const transport of TRANSPORTS) {
  describe(`2026-07-28 with tasks over ${transport}`, async () => {
    const host = await hosting(transport)
    const { client, raw } = await connect(host.where, 'modern')
    const say = speaker(raw, envelope())
    const plainly = speaker(raw, envelope(false))
    after(async () => {
      await client.close()
      await host[Symbol.asyncDispose]()
    })
    const create = async (name: string, args: Loose = {}): Promise<string> => {
      const { result } = await say('tools/call', { name, arguments: args })
      assert.equal(result?.['resultType'], 'task')
      return String(result['taskId'])
    }

    // TX-001, TX-032
    it('declares the extension, and nothing of the other era', async () => {
      const { result } = await say('server/discover')
      const capabilities = result?.['capabilities'] as Loose
      assert.deepEqual(capabilities['extensions'], { [EXTENSION]: {} })
      assert.equal(capabilities['tasks'], undefined)
      const { result: list } = await say('tools/list')
      assert.ok((list!['tools'] as Loose[]).every((tool) => !('execution' in tool)))
    })

    // TX-005, TX-006, TX-007, TX-009
    it('gives a flat task that can be asked for at once', async () => {
      const { result } = await say('tools/call', { name: 'nap', arguments: { ms: 1 } })
      assert.ok(result)
      const { _meta: _, ...created } = result
      assert.deepEqual(Object.keys(created).toSorted(), [
        'createdAt',
        'lastUpdatedAt',
        'pollIntervalMs',
        'resultType',
        'status',
        'taskId',
        'ttlMs',
      ])
      const { result: task } = await say('tasks/get', { taskId: created['taskId'] })
      assert.equal(task?.['resultType'], 'complete')
    })

    // TX-003, TX-004, TX-023, L-012
    it('refuses who does not declare it, before it looks at ids', async () => {
      for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
        const { error } = await plainly(method, { taskId: 'no such task' })
        assert.equal(error?.code, -32_021)
        assert.ok(error.data)
      }
      const { error } = await plainly('tools/call', { name: 'only', arguments: {} })
      assert.deepEqual(error?.data, { requiredCapabilities: { extensions: { [EXTENSION]: {} } } })
      const filter = { notifications: { taskIds: ['x'] } }
      assert.equal((await plainly('subscriptions/listen', filter)).error?.code, -32_021)
    })

    // TX-024, TX-025, TX-029
    it('knows no task it did not make, and no method of the other era', async () => {
      for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
        assert.equal((await say(method, { taskId: 'x'.repeat(31) })).error?.code, -32_602)
        assert.equal((await say(method)).error?.code, -32_602)
      }
      for (const method of ['tasks/list', 'tasks/result']) {
        assert.ok((await say(method, { taskId: 'x' })).error)
      }
    })

    // TX-010, TX-015, TX-016, TX-017, TX-022, AM-25
    it('takes one answer at a time, each key once', async () => {
      const taskId = await create('pair')
      const get = async () => (await say('tasks/get', { taskId })).result as Loose
      const asked = await until(
        get,
        (task) => Object.keys(task['inputRequests'] ?? {}).length === 2,
      )
      const [first, second] = Object.keys(asked['inputRequests'] as Loose)
      assert.ok(first !== undefined && second !== undefined)
      const answer = { action: 'accept', content: { name: 'Ada' } }
      const both = { [first]: answer, unheard: { ignored: true } }
      const { result: ack } = await say('tasks/update', { taskId, inputResponses: both })
      assert.equal(ack?.['resultType'], 'complete')
      const partly = await get()
      assert.equal(first in (partly['inputRequests'] as Loose), false)
      assert.equal(partly['status'], 'input_required')
      await say('tasks/update', { taskId, inputResponses: { [second]: answer } })
      const next = await until(get, (task) => {
        const keys = Object.keys(task['inputRequests'] ?? {})
        return keys.length === 2 && !keys.includes(first) && !keys.includes(second)
      })
      const rest = Object.keys(next['inputRequests'] as Loose)
      const no = { action: 'decline' }
      const inputResponses = Object.fromEntries(rest.map((key) => [key, no]))
      await say('tasks/update', { taskId, inputResponses })
      const { result } = await until(get, (task) => task['status'] === 'completed')
      assert.match(JSON.stringify(result), /one is free: accept, decline/)
    })

    // TX-015, TX-019
    it('asks again, by another name, when an answer has not the form', async () => {
      const taskId = await create('booking', { room: 'odd' })
      const get = async () => (await say('tasks/get', { taskId })).result as Loose
      await until(get, (task) => task['status'] === 'input_required')
      const inputResponses = { who: { action: 'accept', content: { name: 7 } } }
      await say('tasks/update', { taskId, inputResponses })
      const again = await until(get, (task) => task['status'] === 'input_required')
      assert.deepEqual(Object.keys(again['inputRequests'] as Loose), ['who-2'])
      assert.equal((await say('tasks/cancel', { taskId })).result?.['resultType'], 'complete')
      assert.equal((await get())['status'], 'cancelled')
      assert.equal((await say('tasks/cancel', { taskId })).error, undefined)
    })

    // TX-011, TX-012, AM-08
    it('tells failures of a tool from errors of the protocol', async () => {
      const failed = await create('fails')
      const done = await until(
        async () => (await say('tasks/get', { taskId: failed })).result as Loose,
        (task) => task['status'] !== 'working',
      )
      assert.equal(done['status'], 'completed')
      assert.equal((done['result'] as Loose)['isError'], true)
      assert.equal(done['statusMessage'], 'out of paper')
      const broken = await create('breaks')
      const ended = await until(
        async () => (await say('tasks/get', { taskId: broken })).result as Loose,
        (task) => task['status'] !== 'working',
      )
      assert.equal(ended['status'], 'failed')
      assert.deepEqual(ended['error'], { code: -32_050, message: 'out of order' })
    })

    // TX-026, TX-027, P-006, L-002, L-003, AM-20
    it('tells those who listen everything that changes', async () => {
      const taskId = await create('journey', { steps: 2, pauseMs: 30 })
      const listen = raw.dispatch({
        method: 'subscriptions/listen',
        params: { notifications: { taskIds: [taskId, 'none'] }, _meta: envelope() },
      })
      listen.catch(() => undefined)
      const news = await until(
        async () => heardOf(raw, 'notifications/tasks'),
        (all) => all.some((task) => task['status'] === 'completed'),
      )
      const [ack] = heardOf(raw, 'notifications/subscriptions/acknowledged').slice(-1)
      assert.deepEqual(ack?.['notifications'], { taskIds: [taskId] })
      const last = news.at(-1)
      assert.deepEqual(last?.['_meta'], ack?.['_meta'])
      assert.match(JSON.stringify(last?.['result']), /"steps":2/)
      assert.equal(heardOf(raw, 'notifications/progress').length, 0)
    })
  })

  describe(`2025-11-25 with tasks over ${transport}`, async () => {
    const host = await hosting(transport)
    const { client, raw } = await connect(host.where, 'legacy')
    const say = speaker(raw)
    after(async () => {
      await client.close()
      await host[Symbol.asyncDispose]()
    })
    const create = async (name: string, args: Loose = {}, more: Loose = {}): Promise<Loose> => {
      const { result } = await say('tools/call', { name, arguments: args, task: {}, ...more })
      assert.ok(result)
      return result['task'] as Loose
    }

    // TL-002, TL-004, TL-021
    it('says what it can do, and lists tasks where a connection has one client', async () => {
      const tasks = (client.getServerCapabilities() as Loose)['tasks'] as Loose
      assert.deepEqual(tasks['requests'], { tools: { call: {} } })
      assert.deepEqual(tasks['cancel'], {})
      assert.equal('list' in tasks, transport === 'stdio')
      const { result } = await say('tools/list')
      const support = Object.fromEntries(
        (result!['tools'] as Loose[]).map(({ name, execution }) => [
          name,
          (execution as Loose | undefined)?.['taskSupport'],
        ]),
      )
      assert.equal(support['nap'], 'optional')
      assert.equal(support['only'], 'required')
      assert.equal(support['hello'], undefined)
    })

    // TL-007, TL-008, TL-010, TL-025, TL-035, AM-35
    it('keeps a task for as long as it was asked to', async () => {
      const task = await create('nap', { ms: 1 }, { task: { ttl: 60_000 } })
      assert.equal(task['ttl'], 60_000)
      assert.equal(task['status'], 'working')
      const long = await create('nap', { ms: 1 }, { task: { ttl: 1e12 } })
      assert.equal(long['ttl'], 7 * 86_400_000)
      assert.ok('createdAt' in task && 'lastUpdatedAt' in task && 'pollInterval' in task)
    })

    // TL-013, TL-014, TL-017
    it('blocks for the result, which says whose it is', async () => {
      const { taskId } = await create('journey', { steps: 1, pauseMs: 30 })
      const { result } = await say('tasks/result', { taskId })
      assert.deepEqual((result!['_meta'] as Loose)['io.modelcontextprotocol/related-task'], {
        taskId,
      })
      const { result: task } = await say('tasks/get', { taskId })
      assert.equal(task?.['status'], 'completed')
      assert.equal('_meta' in (task ?? {}), false)
    })

    // TL-011, TL-033, AM-09
    it('calls a failed tool failed, and gives its result all the same', async () => {
      const { taskId } = await create('fails')
      const { result } = await say('tasks/result', { taskId })
      assert.equal(result?.['isError'], true)
      const { result: task } = await say('tasks/get', { taskId })
      assert.equal(task?.['status'], 'failed')
      assert.equal(task['statusMessage'], 'out of paper')
      const broken = await create('breaks')
      assert.equal((await say('tasks/result', { taskId: broken['taskId'] })).error?.code, -32_050)
    })

    // TL-018, TL-022, TL-023, AM-07
    it('cancels a task for good, once', async () => {
      const { taskId } = await create('nap', { ms: 60_000 })
      const waiting = say('tasks/result', { taskId })
      const { result } = await say('tasks/cancel', { taskId })
      assert.equal(result?.['status'], 'cancelled')
      assert.equal((await say('tasks/cancel', { taskId })).error?.code, -32_602)
      const { error } = await waiting
      assert.deepEqual([error?.code, error?.data], [-32_603, { taskId, status: 'cancelled' }])
    })

    // TL-004, TL-020, TL-024, AM-06
    it('refuses what it cannot do', async () => {
      for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
        assert.equal((await say(method, { taskId: 'x'.repeat(31) })).error?.code, -32_602)
      }
      const { error } = await say('tools/call', { name: 'only', arguments: {} })
      assert.equal(error?.code, -32_601)
      assert.equal((await say('tasks/update', { taskId: 'x' })).error?.code, -32_601)
      const listed = await say('tasks/list', { cursor: 'nonsense' })
      assert.equal(listed.error?.code, transport === 'stdio' ? -32_602 : -32_601)
    })

    // TL-019, TL-028, P-005
    it('tells of changes and of progress by the token of the first request', async () => {
      const progressToken = `token of ${transport}`
      const { taskId } = await create(
        'journey',
        { steps: 3, pauseMs: 40 },
        { _meta: { progressToken } },
      )
      await say('tasks/result', { taskId })
      const progress = heardOf(raw, 'notifications/progress').filter(
        (note) => note['progressToken'] === progressToken,
      )
      assert.ok(progress.length >= 2)
      const status = await until(
        async () =>
          heardOf(raw, 'notifications/tasks/status').filter((one) => one['taskId'] === taskId),
        (all) => all.some((task) => task['status'] === 'completed'),
      )
      assert.ok(status.length >= 2)
    })
  })
}

// TL-009, TL-020
describe('tasks of one client over stdio', () => {
  it('are listed page by page, newest first', async () => {
    await using host = await hosting('stdio')
    const { client, raw } = await connect(host.where, 'legacy')
    const say = speaker(raw)
    const made: unknown[] = []
    for (let at = 0; at < 60; at++) {
      const { result } = await say('tools/call', { name: 'nap', arguments: { ms: 1 }, task: {} })
      made.push((result!['task'] as Loose)['taskId'])
    }
    const { result: first } = await say('tasks/list')
    const { result: second } = await say('tasks/list', { cursor: first?.['nextCursor'] })
    const ids = [first, second].flatMap((page) =>
      (page!['tasks'] as Loose[]).map((task) => task['taskId']),
    )
    assert.deepEqual(new Set(ids), new Set(made))
    assert.equal(ids.length, made.length)
    assert.equal(second?.['nextCursor'], undefined)
    await client.close()
  })
})
