import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { systemWorld } from '#base'
import { parseConfig } from './index.ts'

const PAGE = new URL('../../../../docs/authorization.md', import.meta.url)
const world = { ...systemWorld, env: (name: string) => `value of ${name}` }
/** What a part of an example needs around it to be a whole. */
const LISTEN = 'listen: { host: 0.0.0.0, port: 7420, publicUrl: https://mcp.example }'
const SERVERS = 'servers: { github: { command: x }, files: { command: x } }'

test('what the page on authorization shows can be written so', () => {
  const shown = [...readFileSync(PAGE, 'utf8').matchAll(/```yaml\n([\s\S]*?)```/g)]
    .map(([, text = '']) => text.replaceAll('{tenant}', 'a'))
    .filter((text) => /^(?:auth|listen|- )/.test(text))
  assert.ok(shown.length >= 5)
  for (const text of shown) {
    const isIssuer = text.startsWith('- ')
    const part = isIssuer ? `auth:\n  issuers:\n${text.replaceAll(/^/gm, '    ')}` : text
    const whole = [...(part.includes('listen:') ? [] : [LISTEN]), part, SERVERS].join('\n')
    assert.doesNotThrow(() => parseConfig({ world, text: whole, path: '/c.yaml' }), text)
  }
})
