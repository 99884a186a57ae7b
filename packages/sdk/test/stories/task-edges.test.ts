import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { WHO } from './durable-tools.ts'
import { hosting, PROGRAM } from './hosting.ts'

type Loose = Record<string, unknown>
type Reply = { readonly result?: Loose; readonly error?: { code: number; data?: Loose } }

/** A conversation over bare HTTP, in whatever revision. */
async function session(url: URL, protocolVersion: string) {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  }
  const post = async (body: object): Promise<Reply> => {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ jsonrpc: '2.0', ...body }),
    })
    const id = response.headers.get('mcp-session-id')
    if (id !== null) headers['mcp-session-id'] = id
    const text = await response.text()
    const data = /^data: (\{.*\})$/m.exec(text)?.[1]
    return JSON.parse(data ?? (text === '' ? '{}' : text)) as Reply
  }
  const clientInfo = { name: 'bare', version: '1' }
  const params = { protocolVersion, capabilities: {}, clientInfo }
  const { result } = await post({ id: 1, method: 'initialize', params })
  headers['mcp-protocol-version'] = protocolVersion
  await post({ method: 'notifications/initialized' })
  const say = (method: string, given: Loose = {}) => post({ id: 2, method, params: given })
  return { result, say }
}

// TL-001, TL-003, TL-006
describe('a client of a revision without tasks', () => {
  it('hears nothing of them, and what it says of them is nothing', async () => {
    await using host = await hosting('http')
    const { result, say } = await session(host.where as URL, '2025-06-18')
    assert.equal('tasks' in (result!['capabilities'] as Loose), false)
    const { result: list } = await say('tools/list')
    assert.ok((list!['tools'] as Loose[]).every((tool) => !('execution' in tool)))
    const call = { name: 'nap', arguments: { ms: 1 }, task: { ttl: 1_000 } }
    const { result: answer } = await say('tools/call', call)
    assert.match(JSON.stringify(answer), /awake/)
    assert.equal((await say('tasks/get', { taskId: 'x' })).error?.code, -32_601)
  })

  // TX-030: nobody can be asked, and that is said at once.
  it('learns that a tool wants to ask somebody, where nobody can be asked', async () => {
    await using host = await hosting('http')
    const { say } = await session(host.where as URL, '2025-11-25')
    const { result } = await say('tools/call', { name: 'visit', arguments: {} })
    assert.equal(result?.['isError'], true)
    assert.match(JSON.stringify(result), /does not declare elicitation in url mode/)
  })
})

describe('a server over stdio', () => {
  it('ends when its client is gone, and gives its folder free', async () => {
    const data = mkdtempSync(join(tmpdir(), 'countersign-gone-'))
    for (let time = 0; time < 2; time++) {
      const child = spawn(process.execPath, [PROGRAM, '--data', data], { stdio: 'pipe' })
      const ended = once(child, 'exit')
      const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: WHO }
      const hello = { jsonrpc: '2.0', id: 1, method: 'initialize', params }
      child.stdin.write(`${JSON.stringify(hello)}\n`)
      const [answer] = await once(child.stdout, 'data')
      assert.match(String(answer), /durable-test/)
      child.stdin.end()
      assert.deepEqual(await ended, [0, null])
    }
    rmSync(data, { recursive: true, force: true, maxRetries: 3 })
  })
})
