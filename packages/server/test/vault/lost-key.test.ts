import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { serveModern } from '../upstream/peers/modern-http.ts'
import { openConnectHouse } from './connect-house.ts'
import { protect } from './connect-peer.ts'

test('a key that is gone is not made anew while something is sealed with it', async (context) => {
  await using peer = await protect(await serveModern())
  const data = mkdtempSync(join(tmpdir(), 'countersign-lost-key-'))
  process.env['CLOUD_OF_A_LOST_KEY'] = 's3cret'
  context.after(() => {
    delete process.env['CLOUD_OF_A_LOST_KEY']
    rmSync(data, { recursive: true, force: true })
  })
  const auth = {
    grant: 'client_credentials',
    clientId: 'gateway',
    clientSecret: '${CLOUD_OF_A_LOST_KEY}',
  }
  const plan = { data, servers: { cloud: { url: peer.url, auth } } }
  {
    await using home = await openConnectHouse(plan)
    const client = new Client({ name: 'plain', version: '1' })
    await client.connect(new StreamableHTTPClientTransport(home.at('cloud')))
    await client.callTool({ name: 'add', arguments: { a: 1, b: 2 } })
    await client.close()
    assert.equal((await home.house.admin.listConnections({})).length, 1)
  }
  const file = join(data, 'keys', 'vault.key')
  renameSync(file, `${file}.away`)
  await assert.rejects(openConnectHouse(plan), /vault\.key is not there, and there are credentials/)
  renameSync(`${file}.away`, file)
  await using again = await openConnectHouse(plan)
  assert.equal((await again.house.admin.listConnections({})).length, 1)
})
