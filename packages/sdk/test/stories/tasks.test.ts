import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { toolDeclarationFromMcpTool } from '@modelcontextprotocol/ext-tasks/client'
import { serve } from '../../src/index.ts'
import { durableTools, WHO } from './durable-tools.ts'
import { connectV1, taskSession, type Where } from './task-peers.ts'

const PROGRAM = fileURLToPath(new URL('durable-tools.ts', import.meta.url))

/** A server at hand over either transport, and what its tools did. */
async function hosting(transport: 'http' | 'stdio') {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-durable-'))
  const seen: string[] = []
  const witness = join(folder, 'witness')
  const data = join(folder, 'data')
  const serving =
    transport === 'http'
      ? await serve(durableTools({ saw: (what) => seen.push(what) }), {
          ...WHO,
          data,
          pollMs: 50,
          http: { port: 0 },
          onError: () => undefined,
        })
      : undefined
  const where: Where = serving?.url ?? {
    command: process.execPath,
    args: [PROGRAM, '--data', data, '--witness', witness],
  }
  return {
    where,
    seen: () => (serving ? seen : readFileSync(witness, 'utf8').trim().split('\n')),
    [Symbol.asyncDispose]: async () => {
      await serving?.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

for (const transport of ['http', 'stdio'] as const) {
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
