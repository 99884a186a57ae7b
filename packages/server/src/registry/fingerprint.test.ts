import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Transport } from '#upstream'
import { fingerprintOf } from './fingerprint.ts'

const http = (url: string, headers: Readonly<Record<string, string>> = {}): Transport => ({
  kind: 'http',
  url,
  headers,
})
const stdio = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Transport => ({
  kind: 'stdio',
  process: { command: 'node', args, env, cwd: '/srv' },
})

test('a server stays the same when what it is given in secret changes', () => {
  assert.equal(
    fingerprintOf(http('https://mcp.example/mcp?key=1', { authorization: 'Bearer a' })),
    fingerprintOf(http('https://ada:b@mcp.example/mcp?key=2', { authorization: 'Bearer c' })),
  )
  assert.equal(
    fingerprintOf(stdio(['a.js'], { TOKEN: '1' })),
    fingerprintOf(stdio(['a.js'], { TOKEN: '2' })),
  )
})

test('another address, program, argument, folder or kind is another server', () => {
  const one = http('https://mcp.example/mcp')
  const started: Transport = {
    ...one,
    kind: 'http',
    url: 'https://mcp.example/mcp',
    headers: {},
    process: { command: 'node', args: [], env: {} },
  }
  const servers: readonly Transport[] = [
    one,
    started,
    http('https://mcp.example/other'),
    http('http://mcp.example/mcp'),
    { kind: 'sse', url: 'https://mcp.example/mcp', headers: {} },
    stdio(['a.js']),
    stdio(['b.js']),
    { kind: 'stdio', process: { command: 'deno', args: ['a.js'], env: {}, cwd: '/srv' } },
    { kind: 'stdio', process: { command: 'node', args: ['a.js'], env: {}, cwd: '/opt' } },
  ]
  assert.equal(new Set(servers.map(fingerprintOf)).size, servers.length)
})
