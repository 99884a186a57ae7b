// What nobody configured is not loaded: it would cost every start half a second and 50 MB.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from './run-quickstart.ts'

const HEAVY = [
  'oidc-provider',
  'openid-client',
  '@simplewebauthn/server',
  '@modelcontextprotocol/client',
  '@cedar-policy/cedar-wasm',
  'pg',
]

/** Prints every package that the program has loaded by its end. */
const HOOK = `
import { registerHooks } from 'node:module'
const seen = new Set()
registerHooks({
  load(url, context, next) {
    const [, name] = /node_modules\\/((?:@[^/]+\\/)?[^/]+)\\/(?!.*node_modules)/.exec(url) ?? []
    if (name) seen.add(name)
    return next(url, context)
  },
})
process.on('exit', () => process.stderr.write('loaded: ' + [...seen].join(' ') + '\\n'))
`

test('a start without authorization, policies or Postgres loads none of their libraries', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-start-'))
  try {
    writeFileSync(join(folder, 'hook.mjs'), HOOK)
    writeFileSync(join(folder, 'countersign.yaml'), 'listen: { port: 0 }\n')
    const main = join(ROOT, 'packages/server/src/main.ts')
    const hook = `file://${join(folder, 'hook.mjs')}`
    // A command opens the whole house, as serving does.
    const { stderr, status } = spawnSync(
      process.execPath,
      ['--import', hook, main, 'log', '--config', join(folder, 'countersign.yaml')],
      { encoding: 'utf8' },
    )
    assert.equal(status, 0, stderr)
    const [, loaded = ''] = /loaded: (.*)/.exec(stderr) ?? []
    const names = loaded.split(' ')
    assert.ok(names.includes('zod'), 'nothing was seen')
    assert.deepEqual(
      names.filter((name) => HEAVY.includes(name)),
      [],
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})
