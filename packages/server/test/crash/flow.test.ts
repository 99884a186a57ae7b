// A run that has read the open web, and a gateway that dies before the answer: what was read is not forgotten.

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { makeFolder, until } from '../stories/house.ts'
import { ask, modern } from '../stories/raw.ts'
import { endGateways, startGateway, type Gateway } from './gateway.ts'

const SERVER = fileURLToPath(new URL('gated.ts', import.meta.url))
const SET = new URL('../../../../examples/policies/flow/flow.cedar', import.meta.url)

const folder = makeFolder()
after(async () => {
  await endGateways()
  folder[Symbol.dispose]()
})

const call = ({ url }: Gateway, name: string, mark: string) =>
  ask(url, modern('tools/call', { params: { name: `gated_${name}`, arguments: { mark } } }))

// PO-063
it('a kill right after the web was asked leaves its label, and what follows is asked about', async () => {
  const effects = join(folder.path, 'effects')
  const gate = join(folder.path, 'gate')
  const arrived = (): string => (existsSync(effects) ? readFileSync(effects, 'utf8') : '')
  const config = join(folder.path, 'countersign.json')
  mkdirSync(join(folder.path, 'policies'))
  writeFileSync(join(folder.path, 'policies', 'flow.cedar'), readFileSync(SET))
  const text = {
    listen: { port: 0 },
    data: 'data',
    policy: { folder: 'policies', groups: { security: ['operator'] } },
    servers: {
      gated: {
        command: process.execPath,
        args: [SERVER, effects, gate],
        tools: { look: { labels: ['untrusted'] }, add: { labels: ['outward'] } },
      },
    },
  }
  writeFileSync(config, JSON.stringify(text))
  const scene = { folder: folder.path, config, effects: () => [], pids: () => [] }

  const first = await startGateway(scene)
  const cutOff = call(first, 'look', 'web').catch(() => undefined)
  await until('the web was asked', () => arrived().includes('look web') || undefined)
  await first.kill('SIGKILL')
  await cutOff

  writeFileSync(gate, '')
  const second = await startGateway(scene)
  const { json } = await call(second, 'add', 'mail')
  assert.match(json.result.content[0].text, /^Waiting for approval\. Nothing has been executed/)
  assert.ok(!arrived().includes('add mail'))
  await second.kill('SIGKILL')
})
