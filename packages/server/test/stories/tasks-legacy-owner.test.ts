// Tasks of 2025-11-25: whose they are, how many, for how long, and what finds them.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemWorld } from '#base'
import { openSession, type Session } from '../wire/session.ts'
import type { Loose } from '../wire/wire.ts'
import { openWireHouse, worldWith } from '../wire/wire-house.ts'
import { uncaught, until, type TestHouse } from './house.ts'
import { FORM, openSlow, type SlowServer } from './peers/slow.ts'
import {
  codeOf,
  make as makeOn,
  NO_IDS,
  OFTEN,
  RELATED,
  untilStatus,
  UNKNOWN,
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

describe('the tasks of a person', () => {
  it('are listed page by page, each once (TL-020 TL-021 TL-024)', async () => {
    await using other = await openWireHouse({ servers: { slow: { url: slow.url } } })
    const session = await openSession(other.at('slow'))
    const made: string[] = []
    for (let number = 0; number < 60; number++) {
      const { message } = await session.request('tools/call', { name: 'echo', task: {} })
      made.push(message.result.task.taskId)
    }
    const pages: Loose[] = []
    for (let cursor: string | undefined; pages.length === 0 || cursor !== undefined;) {
      const params = cursor === undefined ? {} : { cursor }
      const { result } = (await session.request('tasks/list', params)).message
      assert.equal(result._meta?.[RELATED], undefined)
      pages.push(result)
      cursor = result.nextCursor
    }
    const listed = pages.flatMap(({ tasks }) => tasks.map(({ taskId }: Loose) => taskId))
    assert.deepEqual(new Set(listed), new Set(made))
    assert.equal(listed.length, made.length)
    assert.equal(pages.length, 2)
    for (const task of pages[0].tasks) assert.ok(task.ttl && task.createdAt && task.lastUpdatedAt)
    const own: string = pages[0].nextCursor
    for (const cursor of ['', 'x', own.slice(0, 9), own.slice(1), 7, null, {}])
      assert.equal(
        codeOf(await session.request('tasks/list', { cursor })),
        -32602,
        JSON.stringify(cursor),
      )
    // TL-026: whoever is somebody else finds none of them.
    const { desk } = other.house.gateway
    assert.deepEqual((await desk.list({ owner: 'somebody', limit: 50 })).standings, [])
    assert.equal(await desk.find('somebody', made[0] ?? ''), undefined)
    assert.ok(await desk.find('local', made[0] ?? ''))
  })

  it('outlive the session that made them, and are followed from the next (TL-026 AM-34 BR-052)', async () => {
    const session = await connect()
    const { id, call } = await make(session)
    const answered = call.ask('elicitation/create', FORM)
    await session.end()
    const next = await connect()
    await untilStatus(next, id, 'input_required')
    const stream = await next.begin('tasks/result', { taskId: id })
    const asked = await stream.message()
    await next.respond(asked.id, { action: 'accept', content: { name: 'Eve' } })
    assert.equal((await answered).result.content.name, 'Eve')
    call.done('still there')
    assert.equal((await stream.message()).result.content[0].text, 'still there')
  })

  it('are found by nothing but their ids (TL-009 TL-024 TL-031 TL-036 Q-017)', async () => {
    const session = await connect()
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
      for (const taskId of NO_IDS)
        assert.equal(
          codeOf(await session.request(method, { taskId })),
          -32602,
          JSON.stringify(taskId),
        )
    }
    const { id, call } = await make(session)
    // TL-014: the parameter is the truth. TL-031: what SDK v1 repeats on every poll means nothing.
    const stray = { _meta: { [RELATED]: { taskId: UNKNOWN }, progressToken: 9 }, task: { ttl: 1 } }
    const looked = await session.request('tasks/get', { taskId: id, ...stray })
    assert.equal(looked.message.result.taskId, id)
    call.done('done')
    const fetched = await session.request('tasks/result', { taskId: id, ...stray })
    assert.deepEqual(fetched.message.result._meta[RELATED], { taskId: id })
  })

  it('are gone when their time is over (TL-024 TL-025)', async () => {
    let aheadMs = 0
    await using other = await openWireHouse({
      servers: { slow: { url: slow.url } },
      // What is over is swept away every few seconds.
      world: { ...worldWith({ 5_000: 50 }), now: () => systemWorld.now() + aheadMs },
    })
    const session = await openSession(other.at('slow'))
    const { message } = await session.request('tools/call', { name: 'echo', task: { ttl: 60_000 } })
    const { taskId } = message.result.task
    await untilStatus(session, taskId, 'completed')
    aheadMs = 8 * 86_400_000
    await until('it is gone', async () => {
      const { message: said } = await session.request('tasks/get', { taskId })
      return said.error !== undefined
    })
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel'])
      assert.equal(codeOf(await session.request(method, { taskId })), -32602, method)
    assert.deepEqual((await session.request('tasks/list')).message.result.tasks, [])
  })

  it('are limited in number and in how often they are asked for, and are on record (TL-027)', async () => {
    await using other = await openWireHouse({
      servers: { slow: { url: slow.url } },
      tasks: { inFlightMax: 1, pollsPerSecondMax: 2 },
    })
    const session = await openSession(other.at('slow'))
    const { id, call } = await make(session)
    const { error } = (await session.request('tools/call', { name: 'read', task: {} })).message
    assert.ok(error.message, JSON.stringify(error))
    const codes: unknown[] = []
    for (let looks = 0; looks < 5; looks++)
      codes.push(codeOf(await session.request('tasks/get', { taskId: id })))
    assert.ok(codes.includes(10_429), JSON.stringify(codes))
    call.done('done')
    await until('its end is written down', async () =>
      (await other.entries()).some(
        ({ kind, body }) => kind === 'task.ended' && body['task'] === id,
      ),
    )
    const kinds = (await other.entries()).filter(({ body }) => body['task'] === id)
    assert.deepEqual(
      kinds.map(({ kind }) => kind),
      ['task.created', 'task.ended'],
    )
  })
})
