// EV-016: who is told outside is told of everything, whenever the process is killed.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { endGateways, startGateway, type Scene } from '../crash/gateway.ts'
import { makeFolder, until } from '../stories/house.ts'
import { ask, modern } from '../stories/raw.ts'
import { makeScene, secretOf } from './feed-house.ts'
import { startReceiver } from './receiver.ts'

const SECRET = secretOf(1)
const KILLS = 3
const CALLS = 25
after(endGateways)

it(
  'arrives at least once and in order, and stands in the file exactly once',
  { timeout: 60_000 },
  async () => {
    using folder = makeFolder()
    await using receiver = await startReceiver(SECRET)
    const file = join(folder.path, 'events.jsonl')
    const events = {
      webhooks: [
        { name: 'chat', url: receiver.url, secret: SECRET, allowPrivate: true, from: 'start' },
      ],
      files: [{ path: file, format: 'countersign' }],
    }
    const config = makeScene({ events }, folder.path)
    const scene: Scene = { folder: folder.path, config, effects: () => [], pids: () => [] }
    for (let round = 0; round < KILLS; round++) {
      const gateway = await startGateway(scene)
      const url = new URL('/mcp/cabinet', gateway.url)
      const before = receiver.received.length
      const calls = Array.from({ length: CALLS }, () =>
        ask(url, modern('tools/call', { params: { name: 'write_note', arguments: {} } })).catch(
          () => undefined,
        ),
      )
      // In the middle: of calls, of a delivery, of a line.
      await until(
        'some of it is told',
        () => receiver.received.length > before + 4 + 7 * round || undefined,
      )
      await gateway.kill('SIGKILL')
      await Promise.all(calls)
    }
    const gateway = await startGateway(scene)
    const last = (): number => lines().at(-1) ?? 0
    const lines = (): readonly number[] =>
      readFileSync(file, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => Number(JSON.parse(line).seq))
    const told = (): readonly number[] => receiver.received.map(({ json }) => Number(json.seq))
    await ask(
      new URL('/mcp/cabinet', gateway.url),
      modern('tools/call', { params: { name: 'wipe', arguments: {} } }),
    )
    await until('both have the last of it', () => {
      const wiped = receiver.received.filter(({ json }) => json.kind === 'call.closed').at(-1)?.json
      return (
        (told().at(-1) === last() && wiped && last() >= Number(wiped.seq) && isWiped()) || undefined
      )
    })
    await gateway.kill('SIGTERM')
    const all = Array.from({ length: Math.max(...told()) }, (_, index) => index + 1)
    // In the file each once; to the webhook the last few again after each kill, and never one before its turn.
    assert.deepEqual(lines().slice(0, all.length), all)
    const firsts = told().filter((place, index) => told().indexOf(place) === index)
    assert.deepEqual(firsts, all)
    assert.equal(receiver.unsigned.length, 0)

    function isWiped(): boolean {
      return receiver.received.some(
        ({ json }) => json.kind === 'call.opened' && json.body.name === 'wipe',
      )
    }
  },
)
