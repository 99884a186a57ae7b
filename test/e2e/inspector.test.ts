/** The MCP Inspector's CLI, an independent client, against the quickstart in both eras. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { copyQuickstart, ROOT, startProgram } from './run-quickstart.ts'

const INSPECTOR = join(
  ROOT,
  'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js',
)
const run = promisify(execFile)

async function inspect(config: string, ...args: readonly string[]): Promise<unknown> {
  const line = [INSPECTOR, '--cli', '--config', config, '--server', 'countersign', ...args]
  const { stdout } = await run(process.execPath, line, { timeout: 60_000 })
  return JSON.parse(stdout)
}

test('the Inspector lists and calls the tools of real servers in both eras', async () => {
  await using quickstart = await copyQuickstart()
  const main = join(ROOT, 'packages/server/src/main.ts')
  const args = [main, 'serve', '--config', quickstart.config, '--port', '0', '--json']
  await using gateway = startProgram(process.execPath, args)
  const [, url = ''] = await gateway.until(/"url":"([^"]+)"/)
  const folder = await mkdtemp(join(tmpdir(), 'inspector-'))
  try {
    for (const protocolEra of ['legacy', 'modern']) {
      const config = join(folder, `${protocolEra}.json`)
      const countersign = { type: 'http', url, protocolEra }
      await writeFile(config, JSON.stringify({ mcpServers: { countersign } }))
      const { tools } = (await inspect(config, '--method', 'tools/list')) as {
        readonly tools: readonly { readonly name: string }[]
      }
      const names = tools.map(({ name }) => name)
      for (const name of ['everything_echo', 'everything_http_echo', 'memory_read_graph']) {
        assert.ok(names.includes(name), `${protocolEra}: ${name}`)
      }
      const call = ['--method', 'tools/call', '--tool-name', 'everything_echo']
      const answer = await inspect(config, ...call, '--tool-arg', 'message=hello')
      assert.match(JSON.stringify(answer), /Echo: hello/)
    }
  } finally {
    await rm(folder, { recursive: true })
  }
  assert.equal(await gateway.stop(), 0)
})
