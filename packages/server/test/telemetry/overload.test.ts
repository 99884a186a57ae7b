// A collector that hangs, or is not there: calls go on, and what it does not take is counted.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLog } from '#telemetry'
import { openTeller } from '#telemetry/otel'
import { systemWorld } from '#base'
import { serveModern, text, tool } from '../wire/peer.ts'
import { ask } from '../wire/wire.ts'
import { openCollector } from './collector.ts'
import { openToldHouse } from './told-house.ts'

const otlp = (endpoint: string) => ({
  endpoint,
  headers: {},
  traces: true,
  metrics: false,
  logs: true,
  sampling: 1,
})

describe('a collector that hangs (TE-007)', () => {
  it('holds no call up, and the house closes while it hangs', async () => {
    await using collector = await openCollector({ hangs: true })
    await using peer = await serveModern({
      'tools/list': () => ({ resultType: 'complete', tools: [tool('look')] }),
      'tools/call': () => ({ resultType: 'complete', ...text('done') }),
    })
    const telemetry = { otlp: { endpoint: collector.url } }
    await using told = await openToldHouse({ servers: { one: { url: peer.url } }, telemetry })
    for (let call = 0; call < 200; call++) {
      // One after the other: each would wait for the one before it.
      // oxlint-disable-next-line no-await-in-loop
      const { message } = await ask(told.at('one'), 'tools/call', { name: 'look' })
      assert.equal(message.result.content[0].text, 'done')
    }
    await told.stop()
    await collector.visited
  })

  it('fills no memory: what does not fit is dropped, and counted', async () => {
    await using collector = await openCollector({ hangs: true })
    const teller = openTeller(
      { world: systemWorld, log: silentLog },
      {
        serviceName: 'test',
        otlp: otlp(collector.url),
        metrics: { listen: undefined, token: undefined, toolsMax: 10 },
        logLevel: 'info',
      },
    )
    const spans = 10_000
    for (let span = 0; span < spans; span++) {
      const incoming = { method: 'ping', id: span, revision: '2026-07-28', isHttp: true }
      teller.telemetry.request(incoming, {}).end({}, {})
    }
    const said = (await teller.exposition?.()) ?? ''
    const [, dropped] =
      /^countersign_telemetry_dropped_total\{countersign_signal="traces"\} (\d+)$/m.exec(said) ?? []
    assert.equal(Number(dropped), spans - 4_096)
    await teller.close()
  })
})

it('A collector that is not there is one line in the log, whatever is lost (TE-007)', async () => {
  const gone = await openCollector()
  await gone[Symbol.asyncDispose]()
  const said: object[] = []
  const log = { ...silentLog, warn: (facts: object) => void said.push(facts) }
  const settings = {
    serviceName: 'test',
    otlp: otlp(gone.url),
    metrics: undefined,
    logLevel: 'info',
  }
  const teller = openTeller({ world: systemWorld, log }, settings)
  for (let span = 0; span < 1_200; span++) {
    const incoming = { method: 'ping', id: span, revision: '2026-07-28', isHttp: true }
    teller.telemetry.request(incoming, {}).end({}, {})
  }
  await teller.close()
  assert.equal(said.length, 1)
  assert.deepEqual(Object.keys(said[0] ?? {}), ['signal', 'items', 'why'])
})
