// The tasks extension of 2026-07-28: every rule on the wire, of calls whose server has no tasks.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { text } from '../wire/peer.ts'
import { ask, begin, SUBSCRIPTION, type Answer, type Asked, type Loose } from '../wire/wire.ts'
import { openWireHouse, worldWith } from '../wire/wire-house.ts'
import { uncaught, until, type TestHouse } from './house.ts'
import { FORM, openSlow, type Call, type SlowServer } from './peers/slow.ts'

const EXTENSION = 'io.modelcontextprotocol/tasks'
const RELATED = 'io.modelcontextprotocol/related-task'
const TASKS = { extensions: { [EXTENSION]: {} } }
const ABLE = { elicitation: {}, ...TASKS }
const ID = /^task_[\w-]{22}$/
const UNKNOWN = 'task_AAAAAAAAAAAAAAAAAAAAAA'
const BASE = ['createdAt', 'lastUpdatedAt', 'pollIntervalMs', 'status', 'taskId', 'ttlMs']

let slow: SlowServer
let house: TestHouse
before(async () => {
  slow = await openSlow()
  house = await openWireHouse({
    servers: { slow: { url: slow.url } },
    // A story that waits for a state asks more often than anybody may.
    tasks: { after: '100 ms', pollsPerSecondMax: 10_000 },
    // What is not answered at once is streamed at once, so that a story can read while it waits.
    world: worldWith({ 250: 20 }),
  })
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await slow[Symbol.asyncDispose]()
  assert.deepEqual(uncaught, [])
})

const say = (method: string, params: object = {}, asked: Asked = {}): Promise<Answer> =>
  ask(house.at('slow'), method, params, { capabilities: ABLE, ...asked })

interface Made {
  readonly id: string
  readonly created: Loose
  readonly call: Call
}

async function make(asked: Asked = {}, name = 'read'): Promise<Made> {
  const { message } = await say('tools/call', { name }, asked)
  const { result } = message
  assert.equal(result?.resultType, 'task', JSON.stringify(message))
  return { id: result.taskId, created: result, call: await slow.next() }
}

const get = async (taskId: unknown): Promise<Loose> =>
  (await say('tasks/get', { taskId })).message.result
const untilStatus = (id: string, status: string): Promise<Loose> =>
  until(`the task is ${status}`, async () => {
    const task = await get(id)
    return task.status === status ? task : undefined
  })
const codeOf = ({ message }: Answer): number => message.error?.code
const keysOf = ({ _meta, resultType: _type, ...task }: Loose): readonly string[] =>
  Object.keys(task).toSorted()
const questions = async (id: string, count: number): Promise<Loose> =>
  (
    await until(`there are ${String(count)} questions`, async () => {
      const task = await get(id)
      return Object.keys(task.inputRequests ?? {}).length === count ? task : undefined
    })
  ).inputRequests

describe('a slow call of a client with tasks', () => {
  it('follows from what both sides declare, and from nothing of the other era (TX-001 TX-032 TX-034 V-024 V-028 Q-060)', async () => {
    const { capabilities } = (await say('server/discover')).message.result
    assert.deepEqual(capabilities.extensions, { [EXTENSION]: {} })
    assert.equal(capabilities.tasks, undefined)
    const { tools } = (await say('tools/list')).message.result
    for (const one of tools) assert.equal(one.execution, undefined)
  })

  it('is answered with a flat task that can be asked for at once (TX-002 TX-005 TX-006 TX-007 TX-009 TX-029)', async () => {
    const quick = (await say('tools/call', { name: 'echo' })).message.result
    assert.deepEqual([quick.resultType, quick.taskId], ['complete', undefined])
    const { id, created, call } = await make()
    assert.deepEqual(keysOf(created), BASE)
    assert.match(id, ID) // 128 random bits.
    assert.equal(created.status, 'working')
    for (const key of ['ttlMs', 'pollIntervalMs'])
      assert.ok(Number.isInteger(created[key]) && created[key] > 0, key)
    const looked = await get(id)
    assert.deepEqual([looked.resultType, looked.taskId], ['complete', id])
    assert.deepEqual(keysOf(looked), BASE)
    assert.ok(await house.house.gateway.desk.find('local', id))
    assert.equal(await house.house.gateway.desk.find('somebody', id), undefined)
    call.done('done')
  })

  it('needs no more than the extension, and is ended from any connection (TX-030 TX-019)', async () => {
    const { id } = await make({ capabilities: TASKS })
    assert.deepEqual((await say('tasks/cancel', { taskId: id })).status, 200)
    await untilStatus(id, 'cancelled')
  })

  it('is never a task to who did not say so on this very request (TX-003 TX-031 AM-22)', async () => {
    for (const capabilities of [{}, { tasks: { requests: { tools: { call: {} } } } }]) {
      const plain = say('tools/call', { name: 'send' }, { capabilities })
      const call = await slow.next()
      await until('it is written down', async () => {
        const { standings } = await house.house.gateway.desk.list({ owner: 'local', limit: 1 })
        return standings[0]?.errand.tool === 'send' && standings[0].ended === undefined
      })
      call.done('sent')
      const { result } = (await plain).message
      assert.deepEqual([result.resultType, result.taskId], ['complete', undefined])
      assert.equal(result.content[0].text, 'sent')
      const refused = await say('tasks/get', { taskId: UNKNOWN }, { capabilities })
      assert.equal(codeOf(refused), -32021)
    }
  })
})

describe('tasks/get', () => {
  it('shows a whole result, an error included that the tool gave (TX-010 TX-011 TX-012 AM-08)', async () => {
    for (const said of [text('done'), { ...text('no luck'), isError: true }]) {
      const { id, call } = await make()
      call.answer({ result: { ...said, _meta: { [RELATED]: { taskId: 'theirs' }, a: 1 } } })
      const task = await untilStatus(id, 'completed')
      assert.equal(task.resultType, 'complete')
      assert.equal(task.result.resultType, 'complete')
      assert.deepEqual([task.result.content, task.result._meta.a], [said.content, 1])
      assert.equal(task.result._meta[RELATED], undefined)
      assert.equal(task.error, undefined)
    }
  })

  it('shows the error of a call that failed, and no result (TX-010 TX-012)', async () => {
    const { id, call } = await make()
    call.answer({ error: { code: -32007, message: 'broke', data: { why: 1 } } })
    const task = await untilStatus(id, 'failed')
    assert.equal(task.error.message, 'broke')
    assert.equal(typeof task.error.code, 'number')
    assert.deepEqual([task.result, task.statusMessage], [undefined, 'broke'])
  })

  it('shows for how long, and how often it may be asked (TX-013 TX-014 Q-065)', async () => {
    const { id, created, call } = await make()
    call.done('done')
    const task = await untilStatus(id, 'completed')
    assert.deepEqual([task.ttlMs, task.createdAt], [created.ttlMs, created.createdAt])
    assert.ok(Date.parse(task.lastUpdatedAt) >= Date.parse(task.createdAt))
    assert.ok(task.pollIntervalMs >= 1_000)
    assert.deepEqual(await get(id), task) // It stays for as long as it said.
  })

  it('shows progress as words, and sends none (TX-027 P-006)', async () => {
    const { id, call } = await make({ meta: { progressToken: 'mine' } })
    const stream = await begin(
      house.at('slow'),
      'subscriptions/listen',
      {
        notifications: { taskIds: [id] },
      },
      { capabilities: ABLE, id: 'watch' },
    )
    await stream.message()
    const { progressToken } = call.params._meta
    call.say('notifications/progress', {
      progressToken,
      progress: 1,
      total: 4,
      message: 'half way',
    })
    const task = await until('it says so', async () => {
      const looked = await get(id)
      return looked.statusMessage === undefined ? undefined : looked
    })
    assert.match(task.statusMessage, /half way \(1 of 4\)/)
    call.done('done')
    for (let status = ''; status !== 'completed';) {
      const { method, params } = await stream.message()
      assert.equal(method, 'notifications/tasks')
      status = params.status
    }
    stream.close()
  })
})

describe('tasks/update', () => {
  it('takes answers one by one, and the next get shows it (TX-015 TX-016 TX-018 TX-022 AM-25 BR-050)', async () => {
    const { id, call } = await make()
    const [first, second] = [
      call.ask('elicitation/create', FORM),
      call.ask('elicitation/create', FORM),
    ]
    const asked = await questions(id, 2)
    const keys = Object.keys(asked)
    for (const key of keys) {
      assert.equal(asked[key].method, 'elicitation/create')
      assert.equal(asked[key].params.message, FORM.message)
      assert.equal(asked[key].params._meta?.[RELATED], undefined)
    }
    const answer = (name: string): Loose => ({ action: 'accept', content: { name } })
    const [one = '', two = ''] = keys
    const ack = await say('tasks/update', { taskId: id, inputResponses: { [one]: answer('Ada') } })
    const { _meta: _, ...acknowledged } = ack.message.result
    assert.deepEqual(acknowledged, { resultType: 'complete' })
    const left = await get(id)
    assert.deepEqual([left.status, Object.keys(left.inputRequests)], ['input_required', [two]])
    // TX-017: what is answered stays answered, and what nobody asked is ignored.
    const more = { [one]: answer('Eve'), nobody: { ignored: true }, [two]: 'no answer' }
    const again = await say('tasks/update', { taskId: id, inputResponses: more })
    assert.equal(again.message.result.resultType, 'complete')
    assert.deepEqual(Object.keys((await get(id)).inputRequests), [two])
    await say('tasks/update', { taskId: id, inputResponses: { [two]: answer('Bob') } })
    assert.equal((await get(id)).status, 'working')
    const names = [(await first).result.content.name, (await second).result.content.name]
    assert.deepEqual(new Set(names), new Set(['Ada', 'Bob']))
    // A later question has a key of its own.
    void call.ask('elicitation/create', FORM)
    for (const key of Object.keys(await questions(id, 1))) assert.ok(!keys.includes(key))
    call.done('done')
    await untilStatus(id, 'completed')
    const late = await say('tasks/update', { taskId: id, inputResponses: { [one]: answer('X') } })
    assert.equal(late.message.result.resultType, 'complete')
  })

  it('is refused without answers, and for a task that is not there (TX-017 TX-024)', async () => {
    const { id, call } = await make()
    for (const inputResponses of [undefined, null, 7, 'yes', []])
      assert.equal(codeOf(await say('tasks/update', { taskId: id, inputResponses })), -32602)
    const unknown = await say('tasks/update', { taskId: UNKNOWN, inputResponses: {} })
    assert.equal(codeOf(unknown), -32602)
    call.done('done')
  })

  it('never has to answer what the call was not made for (TX-033 AM-21)', async () => {
    const { id, call } = await make({ capabilities: TASKS })
    const { error, result } = await call.ask('elicitation/create', FORM)
    assert.ok(error ?? result.action !== 'accept', JSON.stringify(result))
    assert.equal((await get(id)).inputRequests, undefined)
    call.done('done without')
    await untilStatus(id, 'completed')
  })
})

describe('tasks/cancel', () => {
  it('is acknowledged in every state, and seen by the next get (TX-019 TX-022 BR-050)', async () => {
    const isAcknowledged = async (id: string): Promise<void> => {
      const { result } = (await say('tasks/cancel', { taskId: id })).message
      const { _meta: _, ...ack } = result
      assert.deepEqual(ack, { resultType: 'complete' })
    }
    const running = await make()
    await isAcknowledged(running.id)
    const cancelled = await get(running.id)
    assert.equal(cancelled.status, 'cancelled')
    assert.deepEqual([cancelled.result, cancelled.error], [undefined, undefined])
    running.call.done('too late')
    await isAcknowledged(running.id)
    assert.equal((await get(running.id)).status, 'cancelled')

    const asking = await make()
    void asking.call.ask('elicitation/create', FORM)
    await questions(asking.id, 1)
    await isAcknowledged(asking.id)
    assert.deepEqual(keysOf(await get(asking.id)).includes('inputRequests'), false)

    const over = await make()
    over.call.done('done')
    const completed = await untilStatus(over.id, 'completed')
    await isAcknowledged(over.id)
    assert.deepEqual(await get(over.id), completed)
  })

  it('is the only way to end a task: hanging up is none (TX-020)', async () => {
    const { id, call } = await make({ id: 'maker' })
    await say('tasks/get', { taskId: id }) // Another connection; that of the call is closed.
    assert.equal((await get(id)).status, 'working')
    call.done('done')
    await untilStatus(id, 'completed')
  })
})

describe('a task method', () => {
  it('is refused without the extension before any id is looked up (TX-023 BR-051)', async () => {
    const { id, call } = await make()
    for (const taskId of [id, UNKNOWN]) {
      for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
        const params = { taskId, inputResponses: {} }
        const { status, message } = await say(method, params, { capabilities: {} })
        assert.deepEqual([status, message.error.code], [400, -32021])
        assert.deepEqual(message.error.data, { requiredCapabilities: TASKS })
      }
    }
    const filter = { notifications: { taskIds: [id] } }
    const listening = await say('subscriptions/listen', filter, { capabilities: {} })
    assert.equal(codeOf(listening), -32021)
    call.done('done')
  })

  it('finds nothing by an id that is none (TX-024 TX-029)', async () => {
    for (const method of ['tasks/get', 'tasks/cancel']) {
      for (const taskId of [UNKNOWN, '', 'x'.repeat(1_000), 7, null, {}, undefined])
        assert.equal(codeOf(await say(method, { taskId })), -32602, JSON.stringify(taskId))
    }
  })

  it('is not believed when its headers say otherwise (TX-028 AM-11 Q-035)', async () => {
    const { id, call } = await make()
    const params = { taskId: id }
    const other = await say('tasks/get', params, { headers: { 'mcp-name': UNKNOWN } })
    assert.deepEqual([other.status, codeOf(other)], [400, -32020])
    const method = await say('tasks/get', params, { headers: { 'mcp-method': 'tasks/cancel' } })
    assert.deepEqual([method.status, codeOf(method)], [400, -32020])
    const right = await say('tasks/get', params, { headers: { 'mcp-name': id } })
    assert.equal(right.message.result.taskId, id)
    assert.equal((await get(id)).taskId, id) // SDK v2 sends none.
    call.done('done')
  })
})

describe('notifications/tasks', () => {
  it('say what a get would, of the tasks that are the client’s own (TX-026 AM-20)', async () => {
    const { id, call } = await make()
    const filter = { notifications: { taskIds: [id, UNKNOWN, 7] } }
    const asked = { capabilities: ABLE, id: 'watch' }
    const stream = await begin(house.at('slow'), 'subscriptions/listen', filter, asked)
    const { params } = await stream.message()
    assert.deepEqual(params.notifications, { taskIds: [id] })
    const told = async (status: string): Promise<Loose> => {
      for (;;) {
        const { method, params: task } = await stream.message()
        assert.equal(method, 'notifications/tasks')
        assert.equal(task._meta[SUBSCRIPTION], 'watch')
        if (task.status === status) return task
      }
    }
    const answered = call.ask('elicitation/create', FORM)
    const [key = ''] = Object.keys((await told('input_required')).inputRequests)
    const inputResponses = { [key]: { action: 'decline' } }
    await say('tasks/update', { taskId: id, inputResponses })
    assert.deepEqual((await answered).result, { action: 'decline' })
    call.done('done')
    const { _meta: _, ...last } = await told('completed')
    const { _meta: __, resultType: ___, ...looked } = await get(id)
    assert.deepEqual(last, looked)
    stream.close()
  })
})
