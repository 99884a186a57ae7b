import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { adminRoutes, PROOF } from '#admin'
import { keyFile, Secret, systemWorld } from '#base'
import { parseConfig } from '#config'
import { announce, findRunning } from './running.ts'

test('only who holds the key of the data folder is taken for the running Countersign', async () => {
  const data = mkdtempSync(join(tmpdir(), 'countersign-running-'))
  const text = JSON.stringify({ data, servers: {} })
  const config = parseConfig({ world: systemWorld, text, path: join(data, 'countersign.json') })
  const key = keyFile(systemWorld, join(data, 'keys', 'admin.key')).toString('base64url')
  let token = new Secret(key)
  const server = createServer((request, response) => {
    const route = adminRoutes({} as never, token).find(({ path }) => path === PROOF)
    void route!.answer(request, response, () => Promise.resolve(undefined))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    const forget = announce(config, systemWorld, `http://127.0.0.1:${port}`)
    assert.equal((await findRunning(config))?.token.reveal(), key)
    token = new Secret('another key')
    assert.equal(await findRunning(config), undefined)
    forget()
    assert.deepEqual(readdirSync(data), ['keys'])
  } finally {
    server.close()
    rmSync(data, { recursive: true })
  }
})
