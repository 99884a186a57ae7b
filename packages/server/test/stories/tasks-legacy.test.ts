// Tasks of 2025-11-25: every rule on the wire, of calls whose server knows nothing of tasks.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openSession, type Session } from '../wire/session.ts'
import { text } from '../wire/peer.ts'
import type { Loose } from '../wire/wire.ts'
import { openWireHouse, worldWith } from '../wire/wire-house.ts'
import { uncaught, until, type TestHouse } from './house.ts'
import { FORM, openSlow, type SlowServer } from './peers/slow.ts'
import {
  codeOf,
  get,
  ID,
  IMMEDIATE,
  make as makeOn,
  OFTEN,
  RELATED,
  resultOf,
  untilStatus,
  type Made,
} from './peers/task-words.ts'

let slow: SlowServer
let house: TestHouse
before(async () => {
  slow = await openSlow()
  // What is not answered at once is streamed at once, so that a story can read while it waits.
  const world = worldWith({ 250: 20 })
  house = await openWireHouse({ servers: { slow: { url: slow.url } }, tasks: OFTEN, world })
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await slow[Symbol.asyncDispose]()
  assert.deepEqual(uncaught, [])
})

const connect = (capabilities: object = { elicitation: {} }): Promise<Session> =>
  openSession(house.at('slow'), '2025-11-25', capabilities)

const make = (session: Session, name?: string, more?: object): Promise<Made> =>
  makeOn(slow, session, name, more)

describe('a call that is to be a task', () => {
  it('is answered at once with the task, and with nothing of its result (TL-007 TL-008 TL-009 TL-010 TL-029 TL-035 AM-35 V-045)', async () => {
    const session = await connect()
    const { id, result, call } = await make(session)
    const { task, _meta, ...rest } = result
    assert.deepEqual(rest, {})
    const keys = ['createdAt', 'lastUpdatedAt', 'pollInterval', 'status', 'taskId', 'ttl']
    assert.deepEqual(Object.keys(task).toSorted(), keys)
    assert.match(id, ID) // 128 random bits.
    assert.equal(task.status, 'working')
    for (const key of ['createdAt', 'lastUpdatedAt'])
      assert.equal(new Date(task[key]).toISOString(), task[key])
    assert.equal(task.ttl, 120_000)
    assert.ok(Number.isInteger(task.pollInterval) && task.pollInterval > 0)
    assert.ok(_meta[IMMEDIATE].includes(id))
    assert.equal(_meta[RELATED], undefined)
    // TL-003, TL-030: its server offers no tasks and is asked for none, nor offered any.
    assert.equal(call.params.task, undefined)
    const { capabilities } = slow.peer.got('initialize')[0]?.body.params ?? {}
    assert.equal(capabilities.tasks, undefined)
    const other = await make(session)
    assert.notEqual(other.id, id)
    call.done('first')
    other.call.done('second')
    assert.equal((await resultOf(session, id)).result.content[0].text, 'first')
    assert.equal((await resultOf(session, other.id)).result.content[0].text, 'second')
  })

  it('may be of any tool, must be of none, and of nothing but tools (TL-004 TL-006 TL-032 AM-06 AM-30 Q-016)', async () => {
    const session = await connect()
    const { tools } = (await session.request('tools/list')).message.result
    for (const one of tools.filter(({ name }: Loose) => !name.startsWith('countersign_')))
      assert.deepEqual(one.execution, { taskSupport: 'optional' }) // Whatever its server says.
    const made = await session.request('tools/call', { name: 'echo', task: {} })
    assert.match(made.message.result.task.taskId, ID)
    const plain = await session.request('tools/call', { name: 'echo', arguments: { a: 1 } })
    assert.equal(plain.message.result.content[0].text, '{"a":1}')
    const list = (await session.request('prompts/list', { task: { ttl: 1_000 } })).message.result
    assert.deepEqual(list, { prompts: [] })
  })

  it('is refused when it could not be made without one (TL-024)', async () => {
    const session = await connect()
    const refused = async (params: object): Promise<number> =>
      codeOf(await session.request('tools/call', params))
    assert.equal(await refused({ name: 'nobody', task: {} }), -32602)
    for (const task of [7, 'yes', null, [], { ttl: -1 }, { ttl: 'long' }])
      assert.equal(await refused({ name: 'echo', task }), -32602, JSON.stringify(task))
  })

  it('is kept for as long as we keep tasks, whatever it wishes (TL-025)', async () => {
    const session = await connect()
    for (const ttl of [0, 1, 1e15, 0.5]) {
      const { message } = await session.request('tools/call', { name: 'echo', task: { ttl } })
      const { task } = message.result
      assert.ok(Number.isInteger(task.ttl) && task.ttl >= 60_000, String(task.ttl))
      assert.ok(task.ttl <= 7 * 86_400_000, String(task.ttl))
      assert.equal((await resultOf(session, task.taskId)).result.content[0].text, '{}')
    }
  })
})

describe('the result of a task', () => {
  it('is waited for, and is what the plain call would have been answered (TL-013 TL-014 TL-016 TL-017 TL-036)', async () => {
    const session = await connect()
    const { id, call } = await make(session)
    const waiting = await session.begin('tasks/result', { taskId: id })
    const looked = await session.request('tasks/get', { taskId: id })
    assert.deepEqual([looked.message.result.status, looked.message.result.taskId], ['working', id])
    assert.equal(looked.message.result._meta?.[RELATED], undefined)
    const said = { ...text('done'), structuredContent: { a: [1] }, _meta: { 'a.example/b': 2 } }
    call.answer({ result: said })
    const { result } = await waiting.message()
    const { [RELATED]: related, ...meta } = result._meta
    assert.deepEqual(related, { taskId: id })
    assert.equal(meta['a.example/b'], 2)
    assert.deepEqual([result.content, result.structuredContent], [said.content, { a: [1] }])
    const again = await resultOf(session, id)
    assert.deepEqual(again.result, result)
    const task = await get(session, id)
    assert.deepEqual([task.status, task._meta?.[RELATED]], ['completed', undefined])
  })

  it('is waited for by nobody who only looks (TL-016)', async () => {
    // Here a stream is opened only for what has more than one message.
    await using patient = await openWireHouse({ servers: { slow: { url: slow.url } } })
    const session = await openSession(patient.at('slow'))
    const { id, call } = await make(session)
    const looked = await session.request('tasks/get', { taskId: id })
    assert.equal(looked.headers['content-type'], 'application/json')
    call.done('done')
  })

  it('that is an error fails the task, and says why (TL-011 TL-017 TL-033 AM-09)', async () => {
    const session = await connect()
    const { id, call } = await make(session)
    call.answer({ result: { ...text('no luck\nmore of it'), isError: true } })
    const failed = await untilStatus(session, id, 'failed')
    assert.equal(failed.statusMessage, 'no luck')
    const { result } = await resultOf(session, id)
    assert.deepEqual([result.isError, result.content[0].text], [true, 'no luck\nmore of it'])

    const broken = await make(session)
    broken.call.answer({ error: { code: -32007, message: 'broke', data: { why: 1 } } })
    assert.equal((await untilStatus(session, broken.id, 'failed')).statusMessage, 'broke')
    const { error } = await resultOf(session, broken.id)
    const plain = session.request('tools/call', { name: 'read', arguments: { other: 1 } })
    ;(await slow.next()).answer({ error: { code: -32007, message: 'broke', data: { why: 1 } } })
    assert.deepEqual(error, (await plain).message.error)
  })

  it('may be waited for twice, and each wait is given up on its own (TL-018 TL-023 TL-034)', async () => {
    const session = await connect()
    const { id, call } = await make(session)
    const [, stays, dropped] = await Promise.all([
      session.begin('tasks/result', { taskId: id }, 'gone'),
      session.begin('tasks/result', { taskId: id }, 'stays'),
      session.begin('tasks/result', { taskId: id }, 'dropped'),
    ])
    // The client of SDK v1 says this after a minute; the task it waited for goes on.
    await session.notify('notifications/cancelled', { requestId: 'gone' })
    dropped.close()
    assert.equal((await get(session, id)).status, 'working')
    assert.equal(slow.peer.got('notifications/cancelled').length, 0)
    call.done('late')
    assert.equal((await stays.message()).result.content[0].text, 'late')
    assert.equal((await resultOf(session, id)).result.content[0].text, 'late')
  })

  it('that is too large is not kept, and the task says so (TL-027)', async () => {
    await using small = await openWireHouse({
      servers: { slow: { url: slow.url } },
      tasks: { ...OFTEN, resultBytesMax: 65_536 },
    })
    const session = await openSession(small.at('slow'))
    const { id, call } = await make(session)
    call.done('x'.repeat(100_000))
    const failed = await untilStatus(session, id, 'failed')
    assert.match(failed.statusMessage, /carried out.*larger than what is kept/)
    const { result } = await resultOf(session, id)
    assert.deepEqual([result.isError, result.content[0].text.length < 1_000], [true, true])
  })
})

describe('cancelling a task', () => {
  it('is final before it is answered, and is told to the server (TL-010 TL-022 AM-07)', async () => {
    const session = await connect()
    const { id, call } = await make(session)
    const waiting = await session.begin('tasks/result', { taskId: id })
    const { result } = (await session.request('tasks/cancel', { taskId: id })).message
    assert.deepEqual([result.taskId, result.status], [id, 'cancelled'])
    assert.equal((await get(session, id)).status, 'cancelled')
    assert.equal((await waiting.message()).error.code, -32603)
    await until('its server is told', () => slow.peer.got('notifications/cancelled').length > 0)
    call.done('too late')
    assert.equal((await resultOf(session, id)).error.code, -32603)
    assert.equal((await get(session, id)).status, 'cancelled')
    assert.equal(codeOf(await session.request('tasks/cancel', { taskId: id })), -32602)
  })

  it('is refused once it is over, and changes nothing then (TL-010 TL-022)', async () => {
    const session = await connect()
    const ends = { completed: text('done'), failed: { ...text('no'), isError: true } }
    for (const [status, result] of Object.entries(ends)) {
      const { id, call } = await make(session)
      call.answer({ result })
      const earlier = await untilStatus(session, id, status)
      assert.equal(codeOf(await session.request('tasks/cancel', { taskId: id })), -32602)
      assert.deepEqual(await get(session, id), earlier)
    }
  })

  it('ends what it asks as well (TL-012 TL-022)', async () => {
    const session = await connect()
    const { id, call } = await make(session)
    void call.ask('elicitation/create', FORM)
    await untilStatus(session, id, 'input_required')
    const { result } = (await session.request('tasks/cancel', { taskId: id })).message
    assert.equal(result.status, 'cancelled')
  })

  it('is not done by cancelling the request that made it (TL-023)', async () => {
    const session = await connect()
    const { message } = await session.request('tools/call', { name: 'read', task: {} }, 'maker')
    const call = await slow.next()
    await session.notify('notifications/cancelled', { requestId: 'maker' })
    call.done('done')
    const { taskId } = message.result.task
    assert.equal((await untilStatus(session, taskId, 'completed')).taskId, taskId)
  })
})

describe('a question within a task', () => {
  it('is put to one who waits for the result, again when that one leaves, and names the task (TL-012 TL-013 TL-015 TL-018)', async () => {
    const session = await connect()
    const { id, call } = await make(session)
    const answered = call.ask('elicitation/create', FORM)
    await untilStatus(session, id, 'input_required')
    const first = await session.begin('tasks/result', { taskId: id }, 'first')
    const asked = await first.message()
    assert.deepEqual([asked.method, asked.params.message], ['elicitation/create', FORM.message])
    assert.deepEqual(asked.params._meta, { [RELATED]: { taskId: id } })
    await session.notify('notifications/cancelled', { requestId: 'first' })
    const second = await session.begin('tasks/result', { taskId: id })
    const again = await second.message()
    assert.equal(again.method, 'elicitation/create')
    assert.notEqual(again.id, asked.id)
    await session.respond(again.id, { action: 'accept', content: { name: 'Ada' } })
    assert.deepEqual((await answered).result, { action: 'accept', content: { name: 'Ada' } })
    await untilStatus(session, id, 'working')
    call.done('hello')
    for (;;) {
      const message = await second.message()
      if (message.method !== undefined) continue // What it says of itself.
      assert.equal(message.result.content[0].text, 'hello')
      break
    }
  })

  it('is answered once, whatever else is answered (TL-018)', async () => {
    const session = await connect()
    const { id, call } = await make(session)
    const answered = call.ask('elicitation/create', FORM)
    const stream = await session.begin('tasks/result', { taskId: id })
    const asked = await stream.message()
    await session.respond('nobody asked', { action: 'accept' })
    await session.respond(asked.id, { action: 'decline' })
    await session.respond(asked.id, { action: 'accept', content: { name: 'late' } })
    assert.deepEqual((await answered).result, { action: 'decline' })
    call.done('as you like')
    await stream.message()
  })
})

describe('what a task says of itself', () => {
  it('is its whole state on an open stream, without its name a second time (TL-014 TL-019)', async () => {
    const session = await connect()
    const listening = await session.listen()
    const { id, call } = await make(session)
    void call.ask('elicitation/create', FORM)
    const statuses: string[] = []
    for (let status = ''; status !== 'input_required';) {
      const { method, params } = await listening.message()
      if (method !== 'notifications/tasks/status') continue
      status = params.status
      statuses.push(status)
      assert.equal(params.taskId, id)
      assert.equal(params._meta, undefined)
      for (const key of ['createdAt', 'lastUpdatedAt', 'ttl', 'pollInterval'])
        assert.ok(params[key], key)
    }
    await session.request('tasks/cancel', { taskId: id })
    for (let status = ''; status !== 'cancelled';) {
      const { method, params } = await listening.message()
      if (method === 'notifications/tasks/status') ({ status } = params)
    }
    listening.close()
  })

  it('is progress under the token of its call, until it is over and no longer (TL-028 P-005)', async () => {
    const session = await connect()
    const { id, call } = await make(session, 'read', { _meta: { progressToken: 'mine' } })
    const token = call.params._meta.progressToken
    const stream = await session.begin('tasks/result', { taskId: id })
    call.say('notifications/progress', { progressToken: token, progress: 1, total: 3 })
    const told = await stream.message()
    assert.deepEqual([told.method, told.params.progressToken], ['notifications/progress', 'mine'])
    assert.deepEqual([told.params.progress, told.params.total], [1, 3])
    call.say('notifications/progress', { progressToken: token, progress: 2 })
    assert.equal((await stream.message()).params.progress, 2)
    call.done('done')
    const last = await stream.message()
    assert.equal(last.result.content[0].text, 'done')
    assert.deepEqual(await stream.rest(), [])
  })
})
