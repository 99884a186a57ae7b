// Figures for Prometheus: who may read them, what they say, and that nobody's words are in them.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { MEASURED, WATCHED } from '../../src/telemetry/otel/names.ts'
import { serveModern, text, tool, type Peer } from '../wire/peer.ts'
import { ask, send, type Headers } from '../wire/wire.ts'
import { openCollector } from './collector.ts'
import { openToldHouse, type ToldHouse } from './told-house.ts'

const CANARY = 'canary-7f3a'

let peer: Peer
before(async () => {
  const tools = ['one', 'two', 'three'].map((name) => tool(name))
  peer = await serveModern({
    'tools/list': () => ({ resultType: 'complete', tools }),
    'tools/call': () => ({ resultType: 'complete', ...text(CANARY) }),
  })
})
after(() => peer[Symbol.asyncDispose]())

const open = (metrics?: object, env: Readonly<Record<string, string>> = {}): Promise<ToldHouse> =>
  openToldHouse({
    servers: { inn: { url: peer.url } },
    ...(metrics ? { telemetry: { metrics } } : {}),
    env,
  })

const scrape = (port: number | undefined, headers: Headers = {}) =>
  send(new URL(`http://127.0.0.1:${String(port)}/metrics`), { method: 'GET', headers })

const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` })

describe('figures are read (TE-010)', () => {
  it('by nobody, where they are not configured', async () => {
    await using told = await open()
    assert.equal((await scrape(told.port, bearer(told.house.adminToken.reveal()))).status, 404)
  })

  it('beside everything else, by whoever holds the admin token', async () => {
    await using told = await open({})
    for (const headers of [{}, bearer('wrong'), bearer('')]) {
      // oxlint-disable-next-line no-await-in-loop
      const refused = await scrape(told.port, headers)
      assert.equal(refused.status, 401)
      assert.ok(!refused.text.includes('countersign_'))
    }
    const read = await scrape(told.port, bearer(told.house.adminToken.reveal()))
    assert.equal(read.status, 200)
    assert.match(read.headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/)
    assert.match(read.text, /^countersign_build\{countersign_version="[\d.]+"\} 1$/m)
  })

  it('or of a token for scrapers, and then not with the other', async () => {
    await using told = await open({ token: '${SCRAPE}' }, { SCRAPE: 's3cret' })
    assert.equal((await scrape(told.port, bearer('s3cret'))).status, 200)
    assert.equal((await scrape(told.port, bearer(told.house.adminToken.reveal()))).status, 401)
  })

  it('at an address of their own on this machine, where nothing else is served', async () => {
    await using told = await open({ listen: '127.0.0.1:0' })
    const port = told.house.metricsPort()
    assert.equal((await scrape(port)).status, 200)
    assert.equal((await scrape(told.port)).status, 404)
    const mcp = new URL(`http://127.0.0.1:${String(port)}/mcp`)
    assert.equal((await send(mcp, { body: {} })).status, 404)
    // A page on the web that was made to resolve to this machine.
    assert.equal((await scrape(port, { host: 'evil.example' })).status, 403)
  })
})

describe('what figures say', () => {
  it('of calls: how many, how long, how they were decided and ended (TE-011)', async () => {
    await using told = await open({ listen: '127.0.0.1:0', toolsMax: 2 })
    const args = { arguments: { secret: CANARY } }
    for (const name of ['one', 'one', 'two', 'three', CANARY]) {
      // oxlint-disable-next-line no-await-in-loop -- The first tools are those with a label.
      await ask(told.at('inn'), 'tools/call', { name, ...args })
    }
    await ask(told.at('inn'), CANARY)
    const { text: said } = await scrape(told.house.metricsPort())
    const calls = [...said.matchAll(/^countersign_calls_total\{(.*)\} (\d+)$/gm)]
    const byTool = calls.map(([, labels = '', count]) => [
      /gen_ai_tool_name="(\w+)"/.exec(labels)?.[1],
      Number(count),
    ])
    assert.deepEqual(Object.fromEntries(byTool), { one: 2, two: 1, other: 1 })
    assert.match(
      said,
      /^countersign_decisions_total\{countersign_server="inn",countersign_decision="allow"\} 4$/m,
    )
    assert.match(said, /^countersign_refusals_total\{countersign_fault="call\/unknown-name"\} 1$/m)
    assert.match(said, /^countersign_refusals_total\{countersign_fault="rpc\/unknown-method"\} 1$/m)
    assert.match(
      said,
      /^mcp_server_operation_duration_seconds_count\{mcp_method_name="_OTHER".*\} 1$/m,
    )
    assert.match(said, /^mcp_client_operation_duration_seconds_bucket\{.*le="0\.01"\} \d+$/m)
    assert.match(said, /^countersign_upstream_up\{countersign_server="inn"\} 1$/m)
    assert.match(said, /^countersign_events_total\{countersign_kind="definitions\.admitted"\} 1$/m)
    assert.match(said, /^countersign_tasks\{countersign_state="working"\} 0$/m)
    // What was said in calls is in none of it.
    assert.ok(!said.includes(CANARY))
  })

  it('has the names and labels of the table, and no others (TE-012)', async () => {
    await using told = await open({ listen: '127.0.0.1:0' })
    await ask(told.at('inn'), 'tools/call', { name: 'one' })
    const { text: said } = await scrape(told.house.metricsPort())
    const known = new Map(
      [...Object.values(MEASURED), ...Object.values(WATCHED)].map(
        ({ name, labels, unit, kind }) => [
          named(name, unit) + (kind === 'counter' ? '_total' : ''),
          new Set(labels.map((label) => label.replaceAll('.', '_'))),
        ],
      ),
    )
    for (const line of said.split('\n').filter((one) => one !== '' && !one.startsWith('#'))) {
      const [, series = '', , labels = ''] = /^(\w+)(\{(.*)\})? \S+$/.exec(line) ?? []
      const name = series.replace(/_(?:bucket|sum|count)$/, '')
      if (name === 'target_info') continue
      const allowed = known.get(name)
      assert.ok(allowed, line)
      for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) {
        assert.ok(label === 'le' || allowed.has(label), `${name} ${label}`)
      }
    }
  })
})

it('A collector is told the same figures under their own names (TE-011)', async () => {
  await using collector = await openCollector()
  await using told = await openToldHouse({
    servers: { inn: { url: peer.url } },
    telemetry: { otlp: { endpoint: collector.url, traces: false, logs: false } },
  })
  await ask(told.at('inn'), 'tools/call', { name: 'one', arguments: { secret: CANARY } })
  await told.stop()
  const received = new Map(collector.metrics().map((metric) => [metric.name, metric]))
  for (const { name, kind, unit } of Object.values(MEASURED)) {
    const metric = received.get(name)
    if (name !== 'countersign.telemetry.dropped' && name !== 'countersign.refusals') {
      assert.deepEqual([metric?.kind, metric?.unit], [kind, unit], name)
    }
  }
  const calls = received.get('countersign.calls')?.series
  assert.deepEqual(calls, [
    {
      'countersign.server': 'inn',
      'gen_ai.tool.name': 'one',
      'mcp.method.name': 'tools/call',
      'countersign.effect': 'destructive',
      'countersign.outcome': 'answered',
      'countersign.decision': 'allow',
      'countersign.fault': '',
    },
  ])
  assert.ok(received.has('countersign.ledger.unsigned'))
  assert.equal(collector.spans().length, 0)
  assert.ok(!collector.text().includes(CANARY))
})

const named = (name: string, unit: string): string =>
  name.replaceAll('.', '_') + ({ s: '_seconds', By: '_bytes' }[unit] ?? '')
