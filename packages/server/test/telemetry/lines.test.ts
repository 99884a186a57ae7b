// What is logged goes to the collector too, under the same ids.

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { systemWorld } from '#base'
import { makeLog, silentLog } from '#telemetry'
import { openTeller } from '#telemetry/otel'
import { openCollector } from './collector.ts'

const IDS = { trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331' }

it('A line has the ids of the call that is its reason, and only plain facts (TE-008)', async () => {
  await using collector = await openCollector()
  const otlp = { endpoint: collector.url, headers: {}, sampling: 1 }
  const settings = {
    serviceName: 'test',
    otlp: { ...otlp, traces: true, metrics: false, logs: true },
    metrics: undefined,
    logLevel: 'warn',
  }
  const said: unknown[] = []
  const local = { ...silentLog, error: (...line: unknown[]) => void said.push(line) }
  const teller = openTeller({ world: systemWorld, log: local }, settings)
  const incoming = { method: 'ping', id: 1, revision: '2026-07-28', isHttp: true }
  const span = teller.telemetry.request(incoming, {})
  teller.log.error({ server: 'inn', chars: 7, nested: { deep: 'canary' }, ...span.ids }, 'a bug')
  teller.log.warn({ server: 'inn' }, 'nobody asked')
  teller.log.info({}, 'below the level of the log')
  teller.log.error({ ...IDS, trace_id: 'none' }, 'no ids at all')
  span.end({}, {})
  await teller.close()
  assert.equal(said.length, 2)
  const [about] = collector.spans()
  const [bug, alone, odd, ...more] = collector.lines()
  assert.deepEqual(more, [])
  assert.deepEqual(bug, {
    severity: 'ERROR',
    body: 'a bug',
    attributes: { server: 'inn', chars: 7 },
    traceId: about?.traceId,
    spanId: about?.spanId,
  })
  assert.deepEqual([alone?.severity, alone?.body, alone?.traceId], ['WARN', 'nobody asked', ''])
  assert.equal(odd?.traceId, '')
  assert.ok(!collector.text().includes('canary'))
})

it('Without a collector for lines they are written as ever', () => {
  const settings = { serviceName: 'test', otlp: undefined, logLevel: 'info' }
  const metrics = { listen: undefined, token: undefined, toolsMax: 1 }
  const log = makeLog('silent')
  const teller = openTeller({ world: systemWorld, log }, { ...settings, metrics })
  assert.equal(teller.log, log)
})
