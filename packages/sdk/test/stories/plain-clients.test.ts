import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { hosting, TRANSPORTS } from './hosting.ts'
import { agreeable, connect, connectV1 } from '../../../../test/peers/task-peers.ts'

interface Options {
  readonly onprogress?: (progress: { progress: number }) => void
  readonly signal?: AbortSignal
}

/** Clients that never heard of tasks, in one word: a call that waits. */
const PLAIN = {
  'plain modern': async (where: Parameters<typeof connect>[0], person = agreeable) => {
    const { client } = await connect(where, 'modern', person)
    const call = (name: string, args: Record<string, unknown>, options?: Options) =>
      client.callTool({ name, arguments: args }, options)
    return { client, call }
  },
  'plain v1': async (where: Parameters<typeof connect>[0], person = agreeable) => {
    const { client } = await connectV1(where, person)
    const call = (name: string, args: Record<string, unknown>, options?: Options) =>
      client.callTool({ name, arguments: args }, undefined, options)
    return { client, call }
  },
}

const textOf = (result: unknown): string => JSON.stringify(result)

for (const transport of TRANSPORTS) {
  for (const [kind, open] of Object.entries(PLAIN)) {
    describe(`a ${kind} client over ${transport}`, async () => {
      const host = await hosting(transport)
      const { client, call } = await open(host.where)
      after(async () => {
        await client.close()
        await host[Symbol.asyncDispose]()
      })

      it('waits for a durable tool as for any other, and hears how far it is', async () => {
        const heard: number[] = []
        const onprogress = ({ progress }: { progress: number }): void => void heard.push(progress)
        const result = await call('journey', { steps: 3, pauseMs: 60 }, { onprogress })
        assert.match(textOf(result), /"structuredContent":\{"steps":3/)
        assert.ok(heard.length >= 2, String(heard))
        assert.deepEqual(
          heard,
          heard.toSorted((a, b) => a - b),
        )
        assert.match(textOf(await call('hello', {})), /hello/)
      })

      it('is asked while it waits', async () => {
        assert.match(textOf(await call('booking', { room: 'green' })), /green is booked for Ada/)
        assert.match(textOf(await call('visit', {})), /accept/)
      })

      it('learns why a tool failed, and nothing of its inside', async () => {
        const failed = await call('fails', {})
        assert.equal(failed['isError'], true)
        assert.match(textOf(failed), /out of paper/)
        assert.doesNotMatch(textOf(failed), /secret|node_modules|\.ts:/)
        const wrong = await call('journey', { steps: 'many' })
        assert.equal(wrong['isError'], true)
        assert.match(textOf(wrong), /Invalid arguments for journey/)
        await assert.rejects(call('breaks', {}), /out of order/)
        await assert.rejects(call('only', {}))
      })

      // TX-020, TL-016
      it('may hang up: the work goes on', async () => {
        const controller = new AbortController()
        const onprogress = (): void => controller.abort()
        const options = { onprogress, signal: controller.signal }
        await assert.rejects(call('journey', { steps: 2, pauseMs: 150 }, options))
        const last = (): number => host.seen().filter((line) => line.startsWith('step 2 of')).length
        while (last() < 2) await call('nap', { ms: 10 })
        assert.equal(last(), 2)
      })
    })
  }
}

describe('a person who does not want to', () => {
  it('has everything taken back', async () => {
    await using host = await hosting('http')
    const { client, call } = await PLAIN['plain modern'](host.where, () => ({ action: 'decline' }))
    const result = await call('booking', { room: 'grey' })
    assert.match(textOf(result), /grey is free: decline, decline/)
    assert.deepEqual(host.seen(), ['reserve grey', 'free grey'])
    await client.close()
  })
})
