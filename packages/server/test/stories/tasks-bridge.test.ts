// Tasks that a server makes itself, before clients of both eras: adopted, followed, and ended.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { serveLegacy as serveOld, type HttpPeer } from '../upstream/peers/legacy-http.ts'
import {
  makeLegacyTasksServer,
  makeShelf as makeOldShelf,
} from '../upstream/peers/legacy-tasks-server.ts'
import { serveModernTasks } from '../upstream/peers/modern-tasks-http.ts'
import { makeShelf, type Shelf } from '../upstream/peers/modern-tasks-server.ts'
import { tool } from '../wire/peer.ts'
import { openSession, type Session } from '../wire/session.ts'
import { ask, type Loose } from '../wire/wire.ts'
import { openWireHouse, worldWith } from '../wire/wire-house.ts'
import { uncaught, until, type TestHouse } from './house.ts'

const RELATED = 'io.modelcontextprotocol/related-task'
const CAPABILITIES = { elicitation: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } }
const ID = /^task_[\w-]{22}$/
const UNKNOWN = 'task_AAAAAAAAAAAAAAAAAAAAAA'

const oldShelf = makeOldShelf()
let newShelf: Shelf
let servers: readonly HttpPeer[]
/** What the gateway sent to the old server, oldest first. */
const heard: Loose[] = []
let house: TestHouse
before(async () => {
  newShelf = makeShelf()
  const names = ['greet', 'echo', 'hang', 'fail', 'break', 'ask']
  newShelf.override.set('tools/list', {
    resultType: 'complete',
    ttlMs: 60_000,
    cacheScope: 'private',
    tools: names.map((name) => tool(name, { annotations: { readOnlyHint: true } })),
  })
  const make = () => {
    const server = makeLegacyTasksServer(oldShelf)
    const connect = server.connect.bind(server)
    server.connect = async (transport) => {
      await connect(transport)
      const { onmessage } = transport
      transport.onmessage = (message, extra) => {
        heard.push(message)
        onmessage?.(message, extra)
      }
    }
    return server
  }
  const [old, recent] = await Promise.all([
    serveOld({ json: false, make }),
    serveModernTasks(newShelf),
  ])
  servers = [old, recent]
  house = await openWireHouse({
    servers: { old: { url: old.url }, new: { url: recent.url } },
    // A story that waits for a state asks more often than anybody may.
    tasks: { after: '100 ms', pollsPerSecondMax: 10_000 },
    world: worldWith({ 250: 20 }),
  })
})
after(async () => {
  await house[Symbol.asyncDispose]()
  for (const one of servers) await one.close()
  oldShelf.store.cleanup()
  assert.deepEqual(uncaught, [])
})

/** A client of one era before one server, in the words both have in common. */
interface Follower {
  readonly make: (name: string) => Promise<string>
  readonly status: (id: string) => Promise<Loose>
  /** What the task came to: its content, or its error. */
  readonly outcome: (id: string) => Promise<Loose>
  readonly answer: (id: string, name: string) => Promise<void>
  readonly cancel: (id: string) => Promise<Loose>
}

const args = { arguments: { words: 'Who?' } }
const accepted = (name: string): Loose => ({ action: 'accept', content: { name } })

function modern(server: string): Follower {
  const say = async (method: string, params: object): Promise<Loose> =>
    (await ask(house.at(server), method, params, { capabilities: CAPABILITIES })).message
  const status = async (taskId: string): Promise<Loose> =>
    (await say('tasks/get', { taskId })).result
  return {
    status,
    make: async (name) => {
      const { result } = await say('tools/call', { name, ...args })
      assert.equal(result.resultType, 'task', JSON.stringify(result))
      return result.taskId
    },
    outcome: async (id) => {
      const task = await untilOver(status, id)
      return task.result ?? { error: task.error ?? { message: task.status } }
    },
    answer: async (taskId, name) => {
      for (;;) {
        const { inputRequests = {}, status: now } = await status(taskId)
        if (now === 'completed') return
        const inputResponses = Object.fromEntries(
          Object.keys(inputRequests).map((key) => [key, accepted(name)]),
        )
        await say('tasks/update', { taskId, inputResponses })
      }
    },
    cancel: (taskId) => say('tasks/cancel', { taskId }),
  }
}

function legacy(session: Session): Follower {
  const say = async (method: string, params: object): Promise<Loose> =>
    (await session.request(method, params)).message
  const status = async (taskId: string): Promise<Loose> =>
    (await say('tasks/get', { taskId })).result
  return {
    status,
    make: async (name) => {
      const { result, error } = await say('tools/call', { name, ...args, task: {} })
      assert.ok(result, JSON.stringify(error))
      return result.task.taskId
    },
    outcome: async (taskId) => {
      await untilOver(status, taskId)
      const { result, error } = await say('tasks/result', { taskId })
      return result ?? { error }
    },
    answer: async (taskId, name) => {
      const stream = await session.begin('tasks/result', { taskId })
      for (;;) {
        const message = await stream.message()
        if (message.id !== undefined && message.method === undefined) return
        if (message.method !== 'elicitation/create') continue
        // BR-054: what names a task names it by the id of this hop.
        assert.deepEqual(message.params._meta, { [RELATED]: { taskId } })
        await session.respond(message.id, accepted(name))
      }
    },
    cancel: (taskId) => say('tasks/cancel', { taskId }),
  }
}

const untilOver = (status: Follower['status'], id: string): Promise<Loose> =>
  until('the task is over', async () => {
    const task = await status(id)
    return ['completed', 'failed', 'cancelled'].includes(task.status) ? task : undefined
  })

const FOLLOWERS: Readonly<Record<string, (server: string) => Promise<Follower>>> = {
  modern: async (server) => modern(server),
  legacy: async (server) => legacy(await openSession(house.at(server), '2025-11-25', CAPABILITIES)),
}

for (const server of ['old', 'new']) {
  for (const [era, open] of Object.entries(FOLLOWERS)) {
    describe(`a ${era} client of the tasks of the ${server} server`, () => {
      let client: Follower
      before(async () => {
        client = await open(server)
      })

      // Of the old server's tools, `ask` alone is always a task; others are when their client wishes.
      const made = { skip: server === 'old' && era === 'modern' && 'answered at once' }

      it(
        'has one of ours for each, and the result without a trace of theirs (TX-011 TL-013 BR-053 BR-054)',
        made,
        async () => {
          const id = await client.make('echo')
          assert.match(id, ID)
          const outcome = await client.outcome(id)
          assert.ok(outcome.content[0].text)
          const related = era === 'legacy' ? { taskId: id } : undefined
          assert.deepEqual(outcome._meta?.[RELATED], related)
        },
      )

      it(
        'sees a tool that failed as its era has it (TL-011 TX-012 BR-057 AM-09)',
        made,
        async () => {
          const id = await client.make('fail')
          const outcome = await client.outcome(id)
          assert.equal(outcome.isError, true)
          const { status } = await client.status(id)
          assert.equal(status, era === 'legacy' ? 'failed' : 'completed')
        },
      )

      it('sees an error as an error (TL-017 TX-012)', made, async () => {
        const id = await client.make('break')
        const outcome = await client.outcome(id)
        assert.ok(outcome.error.message, JSON.stringify(outcome))
        assert.equal((await client.status(id)).status, 'failed')
      })

      it('is asked what the server asks, and its answer gets there (TL-015 TX-016 BR-050 BR-054 BR-056 Q-022)', async () => {
        const id = await client.make('ask')
        await client.answer(id, 'Ada')
        const { content } = await client.outcome(id)
        assert.match(content[0].text, /Ada/)
      })

      it('ends it there too, and nobody asks for its result then (TL-022 TX-019 BR-050 BR-057)', async () => {
        const earlier = heard.filter(({ method }) => method === 'tasks/cancel').length
        const id = await client.make(server === 'new' ? 'hang' : 'ask')
        await until('the server has it', async () => (await client.status(id)).statusMessage)
        const { result } = await client.cancel(id)
        assert.equal(result.status, era === 'legacy' ? 'cancelled' : undefined)
        assert.equal((await client.status(id)).status, 'cancelled')
        await until('the server has ended it', async () => {
          if (server === 'new') return [...newShelf.tasks.values()].at(-1)?.cancelled === true
          return heard.filter(({ method }) => method === 'tasks/cancel').length > earlier
        })
        const again = await client.cancel(id)
        if (era === 'legacy') assert.equal(again.error.code, -32602)
        else assert.equal(again.result.resultType, 'complete')
      })

      it('knows none that is not there (TL-024 TX-024)', async () => {
        assert.equal(await client.status(UNKNOWN), undefined)
        assert.equal((await client.cancel(UNKNOWN)).error.code, -32602)
      })
    })

    describe(`a task of the ${server} server that a ${era} client made`, () => {
      it('is followed, answered and read in the other era (BR-052 AM-34 AM-21)', async () => {
        const maker = await open(server)
        const other = await FOLLOWERS[era === 'modern' ? 'legacy' : 'modern']?.(server)
        assert.ok(other)
        const id = await maker.make('ask')
        await other.answer(id, 'Eve')
        assert.match((await other.outcome(id)).content[0].text, /Eve/)
        assert.match((await maker.outcome(id)).content[0].text, /Eve/)
      })

      it('is asked about no more once it is over, however often clients ask (BR-053)', async () => {
        const client = await open(server)
        const id = await client.make('ask')
        await client.answer(id, 'Max')
        await client.outcome(id)
        const looks = (): number =>
          newShelf.seen.filter(({ message }) => message['method'] === 'tasks/get').length +
          heard.filter(({ method }) => method === 'tasks/get').length
        const earlier = looks()
        for (let asked = 0; asked < 10; asked++) await client.status(id)
        assert.equal(looks(), earlier)
      })
    })
  }
}

describe('what the old server hears of its tasks', () => {
  it('names none of them beside the parameter (BR-055 Q-022)', async () => {
    const about = heard.filter(({ method }) => method?.startsWith('tasks/'))
    assert.ok(about.length > 0)
    for (const { params } of about) assert.equal(params._meta?.[RELATED], undefined)
  })

  it('is never asked for the result of one that was cancelled (BR-057)', () => {
    const cancelled = heard.findIndex(({ method }) => method === 'tasks/cancel')
    assert.ok(cancelled >= 0)
    const { taskId } = heard[cancelled]?.params ?? {}
    const later = heard.slice(cancelled).filter(({ method }) => method === 'tasks/result')
    for (const { params } of later) assert.notEqual(params.taskId, taskId)
  })
})

describe('the end of the session that made a task', () => {
  it('ends neither it nor that of its server (BR-052 TL-026 AM-34)', async () => {
    const session = await openSession(house.at('old'), '2025-11-25', CAPABILITIES)
    const id = await legacy(session).make('ask')
    await session.end()
    const later = modern('old')
    await later.answer(id, 'Zoe')
    assert.match((await later.outcome(id)).content[0].text, /Zoe/)
  })
})
