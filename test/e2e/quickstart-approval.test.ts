// What the quickstart says of a call that waits for a yes, done as it says.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { copyQuickstart, startProgram } from './run-quickstart.ts'

const WHO = { name: 'quickstart-test', version: '1.0.0' }

const textOf = (result: unknown): string => {
  const { content } = result as { readonly content: readonly { readonly text?: string }[] }
  return content[0]?.text ?? ''
}

test('npm start has a person say yes before something is forgotten, end to end', async () => {
  await using copy = await copyQuickstart()
  const args = ['start', '--', '--port', '0', '--config', copy.config]
  await using started = startProgram('npm', args)
  const [, url = ''] = await started.until(/Countersign is running at (\S+)/)
  await started.until(/A call that waits until you say yes[^]*call memory_delete_entities --args/)
  const client = new Client(WHO, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
  await client.connect(new StreamableHTTPClientTransport(new URL(url)))
  const call = async (name: string, given: Record<string, unknown>): Promise<string> =>
    textOf(await client.callTool({ name, arguments: given }))
  const entities = [{ name: 'Ada', entityType: 'person', observations: ['counts'] }]
  await call('memory_create_entities', { entities })

  const waiting = await call('memory_delete_entities', { entityNames: ['Ada'] })
  assert.match(waiting, /^Waiting for approval\. Nothing has been executed yet\./)
  assert.match(waiting, /Why: What is forgotten does not come back/)
  assert.match(await call('memory_read_graph', {}), /Ada/)
  const [, command = ''] = await started.until(/waits for approval: (npx countersign approve .+)$/m)
  await using approving = startProgram('/bin/sh', ['-c', `${command} --yes`])
  assert.equal(await approving.ended, 0, approving.complained())
  assert.match(approving.printed(), /"entityNames": \[\n {4}"Ada"/)

  const [, id = ''] = /^Request: (task_\S+)/m.exec(waiting) ?? []
  assert.match(await call('countersign_result', { id }), /deleted successfully/)
  assert.doesNotMatch(await call('memory_read_graph', {}), /Ada/)
  await client.close()
})
