// Over both transports each tool of both fixtures answers an official client.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { callEverything, createCaller } from './caller.ts'
import type { Revision } from './legs.ts'
import { launch } from './processes.ts'

const FILES: Readonly<Record<Revision, string>> = {
  '2025-11-25': fileURLToPath(new URL('fixture-2025.ts', import.meta.url)),
  '2026-07-28': fileURLToPath(new URL('fixture-2026.ts', import.meta.url)),
}

for (const revision of ['2025-11-25', '2026-07-28'] as const) {
  test(`the ${revision} fixture plays each tool over HTTP`, async () => {
    await using fixture = await launch(
      [FILES[revision]],
      (line) => /^listening (\S+)$/.exec(line)?.[1],
      { verbose: false },
    )
    await callEverything(revision, new StreamableHTTPClientTransport(new URL(fixture.url)))
  })

  test(`the ${revision} fixture plays each tool over stdio`, async () => {
    const args = [FILES[revision], '--stdio']
    await callEverything(revision, new StdioClientTransport({ command: process.execPath, args }))
  })
}

test('the modern fixture refuses a client that opens with the old handshake', async () => {
  const args = [FILES['2026-07-28'], '--stdio']
  const client = createCaller('2025-11-25')
  await assert.rejects(
    client.connect(new StdioClientTransport({ command: process.execPath, args })),
    /version/i,
  )
  await client.close()
})
