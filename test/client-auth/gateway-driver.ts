// One scenario of the official suite with the whole gateway: the suite starts this with a server's URL.
//
// The server is the only one behind a house without accounts. A plain client calls its tool; whenever
// the answer is a page to open, a browser opens it, agrees there and at the account server, and the
// client calls again.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Secret, systemWorld } from '../../packages/server/src/base/index.ts'
import { parseConfig } from '../../packages/server/src/config/index.ts'
import { openHouse } from '../../packages/server/src/server.ts'
import { makeLog } from '../../packages/server/src/telemetry/index.ts'
import { makeFormBrowser } from '../../packages/server/test/auth/form-browser.ts'
import { CONTEXT, DOCUMENT_URL, writtenFor } from './plans.ts'

const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? ''
const revision = process.env['MCP_CONFORMANCE_PROTOCOL_VERSION'] ?? '2025-11-25'
const url = process.argv[2] ?? ''
/** A person gives up as well. */
const CONNECTS_MAX = 6

const folder = mkdtempSync(join(tmpdir(), 'countersign-client-auth-'))
const written = {
  listen: { port: 0 },
  data: folder,
  vault: { clientDocument: DOCUMENT_URL },
  servers: {
    behind: { url, auth: writtenFor(scenario), era: revision >= '2026' ? 'modern' : 'legacy' },
  },
}
const config = parseConfig({
  world: systemWorld,
  text: JSON.stringify(written),
  path: join(folder, 'countersign.json'),
})
const idToken = async (): Promise<Secret> => new Secret(CONTEXT['idp_id_token'] ?? '')
const house = await openHouse(config, {
  world: systemWorld,
  log: makeLog('warn'),
  identities: { of: idToken, keep: async () => undefined },
})
const { port } = await house.listen()
const origin = `http://127.0.0.1:${port}`

/** What the person does: reads our page, agrees, agrees there at once, and comes back. */
async function connect(page: string): Promise<void> {
  const browser = makeFormBrowser(origin)
  const asked = await browser.open(page)
  const onward = await asked.submit()
  if (onward.url.origin === origin) throw new Error(onward.text)
  const { headers } = await fetch(onward.url, { redirect: 'manual' })
  const done = await browser.open(headers.get('location') ?? '')
  if (done.status !== 200) throw new Error(done.text)
}

async function main(): Promise<void> {
  for (let connects = 0; connects <= CONNECTS_MAX; connects++) {
    const client = new Client({ name: 'plain', version: '1' })
    await client.connect(new StreamableHTTPClientTransport(new URL(`${origin}/mcp/behind`)))
    try {
      const answer = await client.callTool({ name: 'test-tool', arguments: {} })
      if (answer.isError !== true) {
        await client.listTools()
        return
      }
      const said = JSON.stringify(answer.content)
      const page = /http:\/\/127\.0\.0\.1:\d+\/connect\/[\w-]+/.exec(said)?.[0]
      if (page === undefined) throw new Error(said)
      await connect(page)
    } finally {
      await client.close()
    }
  }
  throw new Error('asked to connect over and over')
}

try {
  await main()
} catch (thrown) {
  process.stderr.write(`${String(thrown)}\n`)
  process.exitCode = 1
} finally {
  await house[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
}
process.exit()
