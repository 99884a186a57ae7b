// The tasks extension of 2026-07-28 where a call does not become a task, or not at once.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serveModern, text } from '../wire/peer.ts'
import { ask, begin, type Answer } from '../wire/wire.ts'
import { openWireHouse, worldWith } from '../wire/wire-house.ts'
import { until } from './house.ts'
import { FORM, openSlow } from './peers/slow.ts'

const EXTENSION = 'io.modelcontextprotocol/tasks'
const TASKS = { extensions: { [EXTENSION]: {} } }
const ABLE = { elicitation: {}, ...TASKS }
const codeOf = ({ message }: Answer): number => message.error?.code

describe('a call', () => {
  it('that may not become a task is refused by a tool that is nothing else (TX-004)', async () => {
    const required = { requiredCapabilities: TASKS }
    await using server = await serveModern({
      'tools/call': ({ id, params }, said) => {
        const claims = params._meta['io.modelcontextprotocol/clientCapabilities']
        if (claims.extensions?.[EXTENSION]) return { resultType: 'complete', ...text('as a task') }
        const error = { code: -32021, message: 'only as a task', data: required }
        return said.status(400, { jsonrpc: '2.0', id, error })
      },
      'server/discover': () => ({
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        capabilities: { tools: {}, ...TASKS },
      }),
    })
    await using other = await openWireHouse({
      servers: {
        never: { url: server.url, tools: { echo: { after: 'never' } } },
        usual: { url: server.url },
      },
    })
    const refused = await ask(other.at('never'), 'tools/call', { name: 'echo' })
    assert.equal(codeOf(refused), -32021)
    assert.deepEqual(refused.message.error.data, required)
    // Otherwise we take the task ourselves, and say what came of it.
    const served = await ask(other.at('usual'), 'tools/call', { name: 'echo' })
    assert.equal(served.message.result.content[0].text, 'as a task')
  })

  it('asks first and becomes a task then, when its server asks in rounds (TX-008)', async () => {
    const open = Promise.withResolvers<void>()
    await using server = await serveModern({
      'tools/call': async ({ params }) => {
        if (params.inputResponses === undefined) {
          const inputRequests = { who: { method: 'elicitation/create', params: FORM } }
          return { resultType: 'input_required', inputRequests }
        }
        await open.promise
        return { resultType: 'complete', ...text(params.inputResponses.who.content.name) }
      },
    })
    await using other = await openWireHouse({
      servers: { asks: { url: server.url } },
      tasks: { after: '300 ms', pollsPerSecondMax: 10_000 },
    })
    const asked = { capabilities: ABLE }
    const at = other.at('asks')
    const first = (await ask(at, 'tools/call', { name: 'echo' }, asked)).message.result
    assert.deepEqual([first.resultType, first.taskId], ['input_required', undefined])
    const [key = ''] = Object.keys(first.inputRequests)
    const { requestState } = first
    const inputResponses = { [key]: { action: 'accept', content: { name: 'Ada' } } }
    const params = { name: 'echo', inputResponses, requestState }
    const second = (await ask(at, 'tools/call', params, asked)).message.result
    assert.equal(second.resultType, 'task')
    for (const none of ['requestState', 'inputRequests']) assert.equal(second[none], undefined)
    open.resolve()
    await until('it is completed with the answer', async () => {
      const { result } = (await ask(at, 'tasks/get', { taskId: second.taskId }, asked)).message
      return result.result?.content[0].text === 'Ada'
    })
  })
})

describe('a client that hangs up before its call is a task', () => {
  it('leaves none behind (TX-020 TX-021)', async () => {
    await using slow = await openSlow()
    await using other = await openWireHouse({
      servers: { slow: { url: slow.url } },
      world: worldWith({ 250: 20 }),
    })
    const earlier = slow.peer.got('notifications/cancelled').length
    const live = await begin(
      other.at('slow'),
      'tools/call',
      { name: 'read' },
      { capabilities: ABLE },
    )
    await slow.next()
    live.close()
    await until(
      'its server is told',
      () => slow.peer.got('notifications/cancelled').length > earlier,
    )
    const { standings } = await other.house.gateway.desk.list({ owner: 'local', limit: 9 })
    assert.deepEqual(standings, [])
  })
})
