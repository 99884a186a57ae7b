// What docs/observability.md says is so.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseConfig } from '#config'
import { ATTRIBUTES, CONVENTIONS, MEASURED, WATCHED } from '../../src/telemetry/otel/names.ts'
import { RULES } from './prometheus.ts'

const page = readFileSync(
  fileURLToPath(new URL('../../../../docs/observability.md', import.meta.url)),
  'utf8',
)
const env = (name: string): string | undefined =>
  ['COLLECTOR_TOKEN', 'SCRAPE_TOKEN'].includes(name) ? 'secret' : undefined

test('Its examples are configurations', () => {
  const examples = [...page.matchAll(/^```yaml (\S+)\n([\s\S]*?)^```/gm)]
  assert.equal(examples.length, 2)
  for (const [, path = '', text = ''] of examples) {
    const { telemetry, notes } = parseConfig({ world: { env }, text, path: `/${path}` })
    assert.ok(telemetry?.otlp && telemetry.metrics, path)
    assert.deepEqual(notes, [])
  }
})

test('Its table of figures is the table of figures (TE-012)', () => {
  const [, table = ''] = /(\| name \| kind[\s\S]*?)\n\n/.exec(page) ?? []
  const rows = table
    .split('\n')
    .slice(2)
    .map((row) => row.split('|').map((cell) => cell.trim()))
  const written = rows.map(([, name, kind, unit, labels, says]) => [name, kind, unit, labels, says])
  const real = [...Object.values(MEASURED), ...Object.values(WATCHED)].map(
    ({ name, kind, unit, labels, says }) => [
      `\`${name}\``,
      kind,
      unit,
      labels.map((label) => `\`${label}\``).join(' '),
      says,
    ],
  )
  assert.deepEqual(written, real)
})

test('It names every attribute, every alert and the conventions (TE-004)', () => {
  for (const attribute of Object.values(ATTRIBUTES)) {
    assert.ok(page.includes(`\`${attribute}\``), attribute)
  }
  const alerts = [...readFileSync(RULES, 'utf8').matchAll(/^ +- alert: (\w+)$/gm)]
  for (const [, name = ''] of alerts) assert.ok(page.includes(`\`${name}\``), name)
  assert.ok(page.includes(CONVENTIONS.mcp.split('@')[1] ?? '?'))
  assert.ok(page.includes(CONVENTIONS.general))
})
