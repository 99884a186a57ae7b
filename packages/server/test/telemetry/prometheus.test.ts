// What is in deploy/ works: a real Prometheus reads us, loads the alerts, and answers the dashboard.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { scheduler } from 'node:timers/promises'
import { MEASURED, WATCHED } from '../../src/telemetry/otel/names.ts'
import { serveModern, text, tool } from '../wire/peer.ts'
import { ask, send, type Loose } from '../wire/wire.ts'
import { DEPLOY, promtool, RULES, skip, startPrometheus, type Prometheus } from './prometheus.ts'
import { openToldHouse } from './told-house.ts'

const dashboard: Loose = JSON.parse(readFileSync(join(DEPLOY, 'grafana/dashboard.json'), 'utf8'))

/** Every question of the dashboard, with its variables filled in. */
const QUESTIONS: readonly string[] = dashboard.panels
  .flatMap((panel: Loose) => panel.targets ?? [])
  .map(({ expr }: Loose) =>
    expr
      .replaceAll('$__rate_interval', '5m')
      .replaceAll('$instance', '.*')
      .replaceAll('$server', '.*'),
  )
const ALERTS: readonly string[] = readFileSync(RULES, 'utf8')
  .split(/^ +- alert: /m)
  .slice(1)
  .map((alert) => /expr:([\s\S]*?)\n +(?:for|labels):/.exec(alert)?.[1] ?? '')

/** Names of series in PromQL: what is left when labels and their names are taken out. */
const namesIn = (promql: string): readonly string[] => {
  const bare = promql.replaceAll(/\{[^}]*\}/g, ' ').replaceAll(/\bby \([^)]*\)/g, ' ')
  return [...bare.matchAll(/\b(?:countersign|mcp|nodejs|process)_\w+/g)].map(([name]) => name)
}

/** Those that are not there before something of their kind has happened. */
const ONLY_THEN = [/^countersign_feeds_/, /^countersign_telemetry_dropped/]

describe('dashboard and alerts (TE-013)', () => {
  it('ask for figures that there are', async () => {
    await using peer = await serveModern({
      'tools/list': () => ({ resultType: 'complete', tools: [tool('one')] }),
      'tools/call': () => ({ resultType: 'complete', ...text('done') }),
    })
    await using told = await openToldHouse({
      servers: { inn: { url: peer.url } },
      telemetry: { metrics: { listen: '127.0.0.1:0' } },
    })
    for (const name of ['one', 'none']) {
      // oxlint-disable-next-line no-await-in-loop
      await ask(told.at('inn'), 'tools/call', { name })
    }
    const at = new URL(`http://127.0.0.1:${String(told.house.metricsPort())}/metrics`)
    const { text: said } = await send(at, { method: 'GET' })
    const shown = new Set([...said.matchAll(/^(\w+)[{ ]/gm)].map(([, name]) => name))
    const declared = new Set(
      [...Object.values(MEASURED), ...Object.values(WATCHED)].map(({ name }) =>
        name.replaceAll('.', '_'),
      ),
    )
    const asked = [...QUESTIONS, ...ALERTS].flatMap(namesIn)
    assert.ok(asked.length > 40 && ALERTS.length >= 15 && ALERTS.every((one) => one !== ''))
    for (const name of asked) {
      const isRare = ONLY_THEN.some((pattern) => pattern.test(name))
      if (isRare) assert.ok(declared.has(name.replace(/_total$/, '')), name)
      else assert.ok(shown.has(name), `${name} is not among the figures`)
    }
  })

  it('are read by promtool', { skip: skip ?? false }, () => {
    assert.match(promtool(['check', 'rules', RULES]), /SUCCESS: \d+ rules found/)
    assert.match(
      promtool(['check', 'config', join(DEPLOY, 'prometheus/prometheus.yml')]),
      /SUCCESS: 1 rule files found/,
    )
    // Each alert is given what it is about, and what it is not about.
    const said = promtool(['test', 'rules', join(DEPLOY, 'prometheus/alerts.test.yml')])
    assert.match(said, /SUCCESS/)
  })

  it('are loaded by a Prometheus that scrapes us', { skip: skip ?? false }, async () => {
    await using peer = await serveModern({
      'tools/list': () => ({ resultType: 'complete', tools: [tool('one')] }),
      'tools/call': () => ({ resultType: 'complete', ...text('done') }),
    })
    await using told = await openToldHouse({
      servers: { inn: { url: peer.url } },
      telemetry: { metrics: { listen: '127.0.0.1:0' } },
    })
    await ask(told.at('inn'), 'tools/call', { name: 'one' })
    const port = told.house.metricsPort() ?? 0
    const at = new URL(`http://127.0.0.1:${String(port)}/metrics`)
    const { text: said } = await send(at, { method: 'GET' })
    // It says on standard error what it would have otherwise, and ends with 3 if it cannot read it.
    assert.equal(promtool(['check', 'metrics'], said), '')

    await using prometheus = await startPrometheus(port)
    await untilScraped(prometheus)
    const query = async (promql: string): Promise<Loose> =>
      prometheus.get(`/api/v1/query?query=${encodeURIComponent(promql)}`)
    const calls = await query('sum(countersign_calls_total{countersign_outcome="answered"})')
    assert.equal(calls.data.result[0]?.value[1], '1')
    for (const promql of QUESTIONS) {
      // oxlint-disable-next-line no-await-in-loop
      const { status, error } = await query(promql)
      assert.equal(status, 'success', `${promql}: ${String(error)}`)
    }
    const { data }: Loose = await prometheus.get('/api/v1/rules')
    const rules: readonly Loose[] = data.groups.flatMap((group: Loose) => group.rules)
    assert.equal(rules.length, ALERTS.length)
    for (const { name, health, lastError } of rules) {
      assert.notEqual(health, 'err', `${String(name)}: ${String(lastError)}`)
    }
    const down = rules.find(({ name }) => name === 'CountersignDown')
    assert.equal(down?.state, 'inactive')
  })
})

/** It scrapes when it likes: asked until it has, for as long as the story may take. */
async function untilScraped(prometheus: Prometheus): Promise<void> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop
    const { data }: Loose = await prometheus.get('/api/v1/targets')
    const [target] = data.activeTargets
    if (target?.health === 'up') return
    assert.notEqual(target?.health, 'down', target?.lastError)
    // oxlint-disable-next-line no-await-in-loop
    await scheduler.wait(50)
  }
}
