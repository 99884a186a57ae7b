import assert from 'node:assert/strict'
import { exec } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { Client as ModernClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { copyQuickstart, isAlive, ROOT, startProgram, untilGone } from './run-quickstart.ts'

const WHO = { name: 'quickstart-test', version: '1.0.0' }
const REVISION = '2026-07-28'

interface Case {
  readonly name: string
  readonly arguments: Record<string, unknown>
  readonly says: RegExp
}

/** The memory server answers with what is new, so each era brings its own. */
const cases = (era: string): readonly Case[] => [
  { name: 'everything_echo', arguments: { message: 'one' }, says: /one/ },
  { name: 'everything_http_echo', arguments: { message: 'two' }, says: /two/ },
  { name: 'files_read_text_file', arguments: { path: 'groceries.txt' }, says: /olive oil/ },
  {
    name: 'memory_create_entities',
    arguments: { entities: [{ name: era, entityType: 'era', observations: ['wrote'] }] },
    says: new RegExp(era),
  },
]

type CallTool = (name: string, args: Record<string, unknown>) => Promise<unknown>

async function callAll(callTool: CallTool, era: string): Promise<void> {
  for (const { name, arguments: args, says } of cases(era)) {
    assert.match(JSON.stringify(await callTool(name, args)), says, `${name}, ${era}`)
  }
}

async function callModern(url: URL): Promise<void> {
  const client = new ModernClient(WHO, { versionNegotiation: { mode: { pin: REVISION } } })
  await client.connect(new StreamableHTTPClientTransport(url))
  try {
    await callAll((name, args) => client.callTool({ name, arguments: args }), 'modern')
  } finally {
    await client.close()
  }
}

async function callLegacy(url: URL): Promise<void> {
  const client = new LegacyClient(WHO)
  await client.connect(new LegacyTransport(url))
  try {
    await callAll((name, args) => client.callTool({ name, arguments: args }), 'legacy')
    const graph = await client.callTool({ name: 'memory_read_graph', arguments: {} })
    assert.match(JSON.stringify(graph), /modern.*legacy/)
  } finally {
    await client.close()
  }
}

test('npm start serves three real servers to both eras, and leaves nothing behind', async () => {
  await using copy = await copyQuickstart()
  const args = ['start', '--', '--port', '0', '--json', '--config', copy.config]
  await using started = startProgram('npm', args)
  const [, url = ''] = await started.until(/"event":"listening","url":"([^"]+)"/)
  await callModern(new URL(url))
  await callLegacy(new URL(url))
  await started.until(new RegExp(`("event":"call"[^]*){${String(2 * cases('').length + 1)}}`))
  const family = started.family()
  // npm, the start script, the gateway, and four servers; a shell may stand between the first two.
  assert.ok(family.length >= 7, `only ${String(family.length)} processes`)
  await started.stop() // npm's exit code depends on whether its shell passes signals on.
  await untilGone(family)
  assert.match(started.printed(), /"event":"stopping"/)
})

test('what npm start prints connects clients, and its sample call works as printed', async () => {
  await using copy = await copyQuickstart()
  const args = ['scripts/start.mjs', '--port', '0', '--config', copy.config]
  await using started = startProgram(process.execPath, args)
  await started.until(/Calls, as they happen:\n/)
  const printed = started.printed()
  const [block = ''] = /^\{\n[^]*?^\}$/m.exec(printed) ?? []
  const { mcpServers } = JSON.parse(block) as { mcpServers: { countersign: { url: string } } }
  const { url } = mcpServers.countersign
  assert.match(printed, new RegExp(`^ *claude mcp add --transport http countersign ${url}$`, 'm'))
  assert.match(printed, new RegExp(`^ *npx @modelcontextprotocol/inspector .*${url}.*$`, 'm'))
  const [line = ''] = /npx countersign call .*/.exec(printed) ?? []
  const { stdout } = await promisify(exec)(line, { cwd: ROOT })
  assert.match(stdout, /hello/)
  await started.until(/everything {2}tools\/call echo {2}.* answered /)
  const family = started.family()
  assert.equal(await started.stop(), 0)
  assert.deepEqual(family.filter(isAlive), [])
})

test('npm start runs the sample configuration of this repository', () => {
  const script = readFileSync(join(ROOT, 'scripts/lib/quickstart.mjs'), 'utf8')
  const [, path = ''] = /const CONFIG = '([^']+)'/.exec(script) ?? []
  assert.match(readFileSync(join(ROOT, path), 'utf8'), /^ {2}everything_http:/m)
})
