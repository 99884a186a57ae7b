// Official clients of tasks before the gateway: the one of SDK v1, and ext-tasks in both eras.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { toolDeclarationFromMcpTool } from '@modelcontextprotocol/ext-tasks/client'
import { text } from '../wire/peer.ts'
import { openWireHouse, worldWith } from '../wire/wire-house.ts'
import { uncaught, until, type TestHouse } from './house.ts'
import { FORM, openSlow, type Call, type SlowServer } from './peers/slow.ts'
import { connectV1, taskSession } from '../../../../test/peers/task-peers.ts'

let slow: SlowServer
let house: TestHouse
before(async () => {
  slow = await openSlow()
  house = await openWireHouse({
    servers: { slow: { url: slow.url } },
    tasks: { after: '100 ms' },
    world: worldWith({ 250: 20 }),
  })
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await slow[Symbol.asyncDispose]()
  assert.deepEqual(uncaught, [])
})

/** What a story has its call do once the client has a task of it. */
type Act = (call: Call) => Promise<void> | void
const ASK: Act = async (call) => {
  const { result } = await call.ask('elicitation/create', FORM)
  call.done(`hello ${result?.content?.name ?? JSON.stringify(result)}`)
}
const FAIL: Act = (call) => call.answer({ result: { ...text('no luck'), isError: true } })
const BREAK: Act = (call) => call.answer({ error: { code: -32007, message: 'broke' } })

describe('the client of SDK v1', () => {
  const stream = async (act: Act): Promise<readonly Record<string, unknown>[]> => {
    await using peer = await connectV1(house.at('slow'))
    await peer.client.listTools()
    // Every poll carries the task parameter, and the failed are never fetched.
    const messages = peer.client.experimental.tasks.callToolStream(
      { name: 'read', arguments: {} },
      undefined,
      { task: { ttl: 60_000 }, onprogress: () => undefined },
    )
    const acting = slow.next().then(act)
    const seen: Record<string, unknown>[] = []
    for await (const message of messages) seen.push({ ...message })
    await acting
    return seen
  }

  it('streams a task, its question and its result (TL-007 TL-015 TL-031 TL-036 Q-017)', async () => {
    const seen = await stream(ASK)
    assert.equal(seen[0]?.['type'], 'taskCreated')
    assert.equal(seen.at(-1)?.['type'], 'result')
    assert.match(JSON.stringify(seen.at(-1)), /hello Ada/)
  })

  for (const [what, act, words] of [
    ['a tool that failed', FAIL, /no luck/],
    ['an error', BREAK, /broke/],
  ] as const) {
    it(`is told the reason of ${what} (TL-011 TL-033)`, async () => {
      const seen = await stream(act)
      assert.equal(seen.at(-1)?.['type'], 'error')
      // Its own error names the task only: the reason is in the last status before it.
      assert.match(JSON.stringify(seen.at(-2)), words)
    })
  }

  it('calls plainly as well, whatever a tool says of tasks (TL-032 Q-016)', async () => {
    await using peer = await connectV1(house.at('slow'))
    await peer.client.listTools()
    const { content } = await peer.client.callTool({ name: 'echo', arguments: { a: 1 } })
    assert.match(JSON.stringify(content), /\{\\"a\\":1\}/)
  })
})

const isOpen = async (): Promise<boolean> => {
  const { standings } = await house.house.gateway.desk.list({ owner: 'local', limit: 1 })
  return standings[0] !== undefined && standings[0].ended === undefined
}

for (const era of ['modern', 'legacy'] as const) {
  describe(`ext-tasks, ${era}`, () => {
    const settle = async (act: Act): Promise<string> => {
      await using peer = await taskSession(house.at('slow'), era)
      const { tools } = await peer.client.listTools()
      const listed = tools.find(({ name }) => name === 'read')
      assert.ok(listed)
      const declaration = toolDeclarationFromMcpTool(listed)
      // in the old era it makes a task only of what it is told to.
      const task = { preference: 'prefer' } as const
      const acting = (async (): Promise<void> => {
        const call = await slow.next()
        await until('it is a task', isOpen)
        await act(call)
      })()
      const execution = await peer.session.callTool('read', {}, { declaration, task })
      const { outcome } = await execution.settle()
      await acting
      return JSON.stringify(outcome)
    }

    it('gets a task, is asked once, and has the result (TX-011 TX-015 TX-018 TL-013 Q-061 Q-062 Q-063 Q-068)', async () => {
      assert.match(await settle(ASK), /"status":"completed".*hello Ada/)
    })

    it('is told of a tool that failed (TX-012 TL-011 TL-033)', async () => {
      assert.match(await settle(FAIL), /no luck/)
    })

    it('ends a task, and asks no more about it (TX-019 TL-022 Q-064)', async () => {
      await using peer = await taskSession(house.at('slow'), era)
      const { tools } = await peer.client.listTools()
      const declaration = toolDeclarationFromMcpTool(tools.find(({ name }) => name === 'read')!)
      const options = { declaration, task: { preference: 'prefer' } } as const
      const execution = await peer.session.callTool('read', {}, options)
      const earlier = slow.peer.got('notifications/cancelled').length
      const { outcome } = await execution.settle({
        onEvent: async ({ type }) => {
          if (type === 'task') await execution.cancel().catch(() => undefined)
        },
      })
      assert.equal(outcome.status, 'cancelled')
      await slow.next()
      await until(
        'its server is told',
        () => slow.peer.got('notifications/cancelled').length > earlier,
      )
    })
  })
}
