// Nothing of one era is said in the other, and what is not offered means nothing.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type TestHouse } from '../stories/house.ts'
import { serveLegacy, type Peer } from './peer.ts'
import { openSession } from './session.ts'
import { ask } from './wire.ts'
import { openWireHouse } from './wire-house.ts'

const REVISIONS = ['2025-11-25', '2025-06-18', '2025-03-26'] as const

let peer: Peer
let house: TestHouse
let url: URL
before(async () => {
  peer = await serveLegacy()
  house = await openWireHouse({ servers: { peer: { url: peer.url } } })
  url = house.at('peer')
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await peer[Symbol.asyncDispose]()
})

for (const revision of REVISIONS) {
  describe(`a session of ${revision}`, () => {
    const hasTasks = revision === '2025-11-25'

    it('is offered what its revision knows, tasks in one alone (F-001 V-005 V-010 TL-001 TL-002 TX-032)', async () => {
      const { initialized } = await openSession(url, revision)
      assert.equal(initialized.protocolVersion, revision)
      const offered = Object.keys(initialized.capabilities).toSorted()
      const wanted = ['completions', 'logging', 'prompts', 'resources', 'tools']
      assert.deepEqual(offered, hasTasks ? [...wanted, 'tasks'].toSorted() : wanted)
      const { tasks, extensions } = initialized.capabilities
      const declared = { list: {}, cancel: {}, requests: { tools: { call: {} } } }
      assert.deepEqual([tasks, extensions], [hasTasks ? declared : undefined, undefined])
    })

    it('hears nothing of the new era (F-056 BR-008)', async () => {
      const session = await openSession(url, revision)
      const answers = [
        session.initialized,
        (await session.request('tools/list')).message.result,
        (await session.request('tools/call', { name: 'echo' })).message.result,
      ]
      for (const answer of answers) {
        const keys = [...Object.keys(answer), ...Object.keys(answer._meta ?? {})]
        for (const key of ['resultType', 'ttlMs', 'cacheScope', 'inputRequests']) {
          assert.ok(!keys.includes(key), key)
        }
        assert.ok(!keys.some((key) => key.startsWith('io.modelcontextprotocol/')))
      }
    })

    it('has its calls answered by JSON when they can be (H-064 H-085)', async () => {
      const session = await openSession(url, revision)
      const answer = await session.request('tools/call', { name: 'echo' })
      assert.equal(answer.status, 200)
      assert.equal(answer.headers['content-type'], 'application/json')
    })

    it(`may ask for a task, which ${hasTasks ? 'it gets in its own words' : 'means nothing here'} (TL-001 TL-006 TX-003 TX-032)`, async () => {
      const session = await openSession(url, revision, {
        tasks: { list: {} },
        extensions: { 'io.modelcontextprotocol/tasks': {} },
      })
      const { message } = await session.request('tools/call', { name: 'echo', task: { ttl: 1 } })
      if (hasTasks) {
        assert.equal(message.result.task.status, 'working')
        for (const key of ['resultType', 'content', 'taskId', 'ttlMs'])
          assert.equal(message.result[key], undefined)
      } else {
        assert.equal(message.result.content[0].text, 'done')
        assert.equal(message.result.task, undefined)
        for (const method of ['tasks/get', 'tasks/result', 'tasks/list', 'tasks/cancel']) {
          const refused = await session.request(method, { taskId: 'task_1' })
          assert.equal(refused.message.error.code, -32601)
        }
      }
      // This server has no tasks: it is never asked for one (TL-003).
      assert.equal(peer.got('tools/call').at(-1)?.body.params.task, undefined)
    })
  })
}

describe('the new era', () => {
  it('has no tasks of the old one (TX-025 TX-032 V-024)', async () => {
    const { result } = (await ask(url, 'server/discover')).message
    assert.equal(result.capabilities.tasks, undefined)
    const called = await ask(url, 'tools/call', { name: 'echo', task: { ttl: 1 } })
    assert.equal(called.message.result.resultType, 'complete')
    assert.equal(peer.got('tools/call').at(-1)?.body.params.task, undefined)
    for (const method of ['tasks/list', 'tasks/result']) {
      const { status, message } = await ask(url, method, { taskId: 't' })
      assert.deepEqual([status, message.error.code], [404, -32601])
    }
  })
})
