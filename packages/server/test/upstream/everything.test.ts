import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import type { Transport } from '#upstream'
import { callTool, makeExchange } from './fakes/exchange.ts'
import { makeStage } from './fakes/story.ts'
import { listen } from './peers/legacy-http.ts'

const stage = makeStage()
const script = createRequire(import.meta.url).resolve(
  '@modelcontextprotocol/server-everything/dist/index.js',
)
const everything = (mode: string, env: Readonly<Record<string, string>> = {}) => ({
  command: process.execPath,
  args: [script, mode],
  env,
})

/** A port that was free a moment ago. */
async function freePort(): Promise<string> {
  const peer = await listen(() => undefined)
  await peer.close()
  return new URL(peer.url).port
}

const TRANSPORTS: readonly [string, () => Promise<Transport>][] = [
  ['stdio', async () => ({ kind: 'stdio', process: everything('stdio') })],
  [
    'Streamable HTTP, started by us',
    async () => {
      const PORT = await freePort()
      const url = `http://127.0.0.1:${PORT}/mcp`
      return { kind: 'http', url, headers: {}, process: everything('streamableHttp', { PORT }) }
    },
  ],
]

for (const [name, transport] of TRANSPORTS) {
  test(`the reference server over ${name} lists everything, is called, reports progress and asks`, async () => {
    const { upstream } = stage.open(await transport())
    const introduction = await upstream.introduce()
    assert.equal(introduction.era, 'legacy')
    for (const kind of ['tool', 'prompt', 'resource', 'template'] as const) {
      const { items, problems } = await upstream.list(kind)
      assert.ok(items.length > 0, kind)
      assert.deepEqual(problems, [])
    }
    const sum = await upstream.call(callTool('get-sum', { a: 20, b: 22 }), makeExchange())
    assert.match(JSON.stringify(sum), /42/)
    const long = makeExchange({ wantsProgress: true })
    const args = { duration: 0.1, steps: 2 }
    await upstream.call(callTool('trigger-long-running-operation', args), long)
    assert.equal(long.heard.progress.length, 2)
    const asked = makeExchange()
    await upstream.call(callTool('trigger-elicitation-request'), asked)
    assert.equal(asked.heard.asked[0]?.method, 'elicitation/create')
    assert.ok(upstream.status().pid !== undefined)
    await upstream.close()
  })
}

for (const [name, transport] of TRANSPORTS) {
  // TL-004, TL-015, BR-056
  test(`the reference server over ${name} asks within a task, and goes on with the answer`, async () => {
    const { upstream } = stage.open(await transport())
    const args = { topic: 'tasks', ambiguous: true }
    const call = { ...callTool('simulate-research-query', args), task: { ttlMs: 60_000 } }
    const reply = await upstream.call(call, makeExchange())
    assert.ok(reply.kind === 'task', JSON.stringify(reply))
    const { id } = reply.task
    assert.equal((await upstream.tasks.see(id, makeExchange()))?.status, 'working')
    const content = { interpretation: 'technical' }
    const waiting = makeExchange({
      answer: { kind: 'result', result: { action: 'accept', content } },
    })
    const result = await upstream.tasks.result(id, waiting)
    assert.match(JSON.stringify(result), /tasks \(technical\)/)
    assert.equal(waiting.heard.asked.length, 1)
    assert.equal((await upstream.tasks.see(id, makeExchange()))?.status, 'completed')
    await upstream.close()
  })
}

// H-088
test('the reference server over HTTP+SSE of 2024-11-05 is reached when it is named, and by falling back', async () => {
  const PORT = await freePort()
  const child = spawn(process.execPath, [script, 'sse'], { env: { ...process.env, PORT } })
  await new Promise<void>((resolve) => {
    child.stderr.on('data', (text) => {
      if (String(text).includes('running on port')) resolve()
    })
  })
  stage.use({
    close: async () => {
      child.kill('SIGKILL')
    },
  })
  const url = `http://127.0.0.1:${PORT}/sse`
  for (const kind of ['sse', 'http'] as const) {
    const { upstream } = stage.open({ kind, url, headers: {} })
    const exchange = makeExchange()
    const sum = await upstream.call(callTool('get-sum', { a: 20, b: 22 }), exchange)
    assert.match(JSON.stringify(sum), /42/)
    assert.equal(exchange.heard.dispatched, 1)
    await upstream.close()
  }
})
