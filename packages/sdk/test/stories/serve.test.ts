import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Client as ModernClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as LegacyStdio } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as LegacyHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  ElicitRequestSchema,
  LoggingMessageNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { serve } from '../../src/index.ts'
import { cancelled, NAME, TOOLS } from './tools.ts'

const PROGRAM = {
  command: process.execPath,
  args: [fileURLToPath(new URL('tools.ts', import.meta.url))],
}
const LOG_LEVEL = 'io.modelcontextprotocol/logLevel'
const WHO = { name: 'sdk-test-client', version: '1.0.0' }

/** What a person answers, whichever question comes. */
const answerOf = (
  message: string,
): { action: 'accept'; content: Record<string, string | boolean> } => ({
  action: 'accept',
  content: message.startsWith('Who') ? { name: 'Ada' } : { sure: true },
})

interface CallOptions {
  readonly onprogress?: (progress: { progress: number; total?: number | undefined }) => void
  readonly signal?: AbortSignal
}

/** The few words the stories speak, whichever official client speaks them. */
interface Peer {
  readonly logs: string[]
  readonly call: (
    name: string,
    args: Record<string, unknown>,
    options?: CallOptions,
  ) => Promise<Record<string, unknown>>
  readonly list: () => Promise<readonly Record<string, unknown>[]>
  readonly close: () => Promise<void>
}

async function modern(url: URL | undefined): Promise<Peer> {
  const logs: string[] = []
  const client = new ModernClient(WHO, {
    capabilities: { elicitation: { form: {} } },
    versionNegotiation: { mode: { pin: '2026-07-28' } },
  })
  client.setRequestHandler('elicitation/create', ({ params }) => answerOf(params.message))
  client.setNotificationHandler('notifications/message', ({ params }) => {
    logs.push(String(params.data))
  })
  await client.connect(
    url ? new StreamableHTTPClientTransport(url) : new StdioClientTransport(PROGRAM),
  )
  return {
    logs,
    call: (name, args, options) =>
      client.callTool({ name, arguments: args, _meta: { [LOG_LEVEL]: 'debug' } }, options),
    list: async () => (await client.listTools()).tools,
    close: () => client.close(),
  }
}

async function legacy(url: URL | undefined): Promise<Peer> {
  const logs: string[] = []
  const client = new LegacyClient(WHO, { capabilities: { elicitation: {} } })
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => answerOf(params.message))
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
    logs.push(String(params.data))
  })
  await client.connect(url ? new LegacyHttp(url) : new LegacyStdio(PROGRAM))
  await client.setLoggingLevel('debug')
  return {
    logs,
    call: (name, args, options) => client.callTool({ name, arguments: args }, undefined, options),
    list: async () => (await client.listTools()).tools,
    close: () => client.close(),
  }
}

for (const [era, connect] of Object.entries({ modern, legacy })) {
  for (const transport of ['http', 'stdio'] as const) {
    describe(`a ${era} client over ${transport}`, async () => {
      const serving =
        transport === 'http'
          ? await serve(TOOLS, { ...NAME, http: { port: 0 }, onError: () => undefined })
          : undefined
      const peer = await connect(serving?.url)
      after(async () => {
        await peer.close()
        await serving?.close()
      })

      it('sees what the author declared', async () => {
        const [add, walk] = await peer.list()
        assert.equal(add?.['title'], 'Add')
        assert.deepEqual(add?.['annotations'], TOOLS[0]?.annotations)
        assert.match(JSON.stringify(add?.['outputSchema']), /"sum"/)
        assert.deepEqual(walk?.['_meta'], {
          'dev.countersign/tool': { effect: 'idempotent', scopes: ['walk:write'] },
        })
      })

      it('gets structured output, images, progress and logs', async () => {
        const sum = await peer.call('add', { a: 1, b: 2 })
        assert.deepEqual(sum['structuredContent'], { sum: 3 })
        assert.match(JSON.stringify(await peer.call('draw', {})), /image\/png/)
        const seen: number[] = []
        const onprogress = ({ progress }: { progress: number }): void => void seen.push(progress)
        assert.match(
          JSON.stringify(await peer.call('walk', { steps: 3 }, { onprogress })),
          /arrived/,
        )
        // A client drops what is still in its queue when the answer is read with it.
        assert.deepEqual(seen, [1, 2, 3].slice(0, seen.length))
      })

      it('learns that a tool failed, and why, and nothing of its inside', async () => {
        const result = await peer.call('fail', {})
        assert.equal(result['isError'], true)
        assert.deepEqual(result['content'], [{ type: 'text', text: 'out of paper' }])
        const wrong = await peer.call('add', { a: 'one', b: 2 }).catch(String)
        assert.doesNotMatch(JSON.stringify(wrong), /node_modules|\.ts:/)
      })

      it('is asked, more than once in one call', async () => {
        const result = await peer.call('greet', { greeting: 'Hello' })
        assert.deepEqual(result['content'], [{ type: 'text', text: 'Hello, Ada!' }])
      })

      it('stops a call it no longer wants', async () => {
        const controller = new AbortController()
        const tag = `${era} ${transport}`
        const onprogress = (): void => controller.abort()
        const call = peer.call('wait', { tag }, { signal: controller.signal, onprogress })
        await assert.rejects(call)
        // The next answer comes after the cancellation was handled: one connection, or one process.
        await peer.call('add', { a: 1, b: 2 })
        if (transport === 'http') assert.ok(cancelled.includes(tag))
        assert.deepEqual(peer.logs, ['off we go'])
      })
    })
  }
}

/** One GET with a Host or Origin of our choosing; resolves with the status. */
const statusOf = (url: URL, headers: Record<string, string>): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    request(url, { headers }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .once('error', reject)
      .end()
  })

describe('over HTTP', () => {
  it('a page that made its name mean this machine is refused', async () => {
    await using serving = await serve(TOOLS, { ...NAME, http: { port: 0 } })
    const { url } = serving
    assert.ok(url)
    assert.equal(url.hostname, '127.0.0.1')
    assert.equal(await statusOf(url, { host: 'evil.example' }), 403)
    assert.equal(await statusOf(url, { origin: 'http://evil.example' }), 403)
    assert.equal(await statusOf(new URL('/other', url), {}), 404)
  })

  it('a session that is not known is not found', async () => {
    await using serving = await serve(TOOLS, { ...NAME, http: { port: 0 } })
    assert.ok(serving.url)
    const headers = { 'mcp-session-id': 'x', accept: 'text/event-stream' }
    assert.equal(await statusOf(serving.url, headers), 404)
  })

  it('two tools of one name are refused at the start', async () => {
    const twice = [...TOOLS, ...TOOLS]
    await assert.rejects(serve(twice, { ...NAME, http: { port: 0 } }))
  })
})
