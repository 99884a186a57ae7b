import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { toolDeclarationFromMcpTool } from '@modelcontextprotocol/ext-tasks/client'
import { hosting, TRANSPORTS } from './hosting.ts'
import { connectV1, taskSession } from '../../../../test/peers/task-peers.ts'

for (const transport of TRANSPORTS) {
  for (const era of ['modern', 'legacy'] as const) {
    describe(`the ${era} task client over ${transport}`, async () => {
      const host = await hosting(transport)
      const peer = await taskSession(host.where, era)
      const { session, client } = peer
      const { tools } = await client.listTools()
      after(async () => {
        await peer[Symbol.asyncDispose]()
        await host[Symbol.asyncDispose]()
      })
      const call = async (name: string, args: Record<string, string | number>) => {
        const listed = tools.find((tool) => tool.name === name)
        assert.ok(listed)
        return await session.callTool(name, args, {
          declaration: toolDeclarationFromMcpTool(listed),
          task: { preference: 'prefer' },
        })
      }

      it('gets a task, and its result', async () => {
        const execution = await call('journey', { steps: 2, pauseMs: 50 })
        const { outcome, lastTask } = await execution.settle()
        assert.equal(outcome.status, 'completed')
        assert.ok(lastTask)
        assert.match(lastTask.taskId, /^[\w-]{31}$/)
        assert.match(JSON.stringify(outcome), /"structuredContent":\{"steps":2/)
      })

      // TL-012, TL-015, TX-018
      it('is asked twice on the way, and again by the children of a task', async () => {
        const { outcome } = await (await call('booking', { room: 'blue' })).settle()
        assert.match(JSON.stringify(outcome), /blue is booked for Ada/)
        const both = await (await call('pair', {})).settle()
        assert.match(JSON.stringify(both.outcome), /one is booked for Ada; two is booked for Ada/)
        assert.equal(host.seen().filter((line) => line.startsWith('reserve')).length, 3)
      })

      it('cancels a task, once', async () => {
        const execution = await call('nap', { ms: 60_000 })
        const { outcome } = await execution.settle({
          onEvent: async (event) => {
            if (event.type === 'task') await execution.cancel().catch(() => undefined)
          },
        })
        assert.equal(outcome.status, 'cancelled')
      })
    })
  }

  describe(`the v1 client over ${transport}`, async () => {
    const host = await hosting(transport)
    const peer = await connectV1(host.where)
    const { client } = peer
    after(async () => {
      await peer[Symbol.asyncDispose]()
      await host[Symbol.asyncDispose]()
    })

    // TL-029, TL-031, TL-036
    it('streams a task to its result', async () => {
      await client.listTools()
      const types: string[] = []
      let result: unknown
      const stream = client.experimental.tasks.callToolStream(
        { name: 'booking', arguments: { room: 'red' } },
        undefined,
        { task: { ttl: 60_000 } },
      )
      for await (const message of stream) {
        types.push(message.type)
        if (message.type === 'result') result = message.result
        if (message.type === 'error') throw message.error
      }
      assert.match(JSON.stringify(result), /red is booked for Ada/)
      assert.equal(types[0], 'taskCreated')
    })
  })
}
