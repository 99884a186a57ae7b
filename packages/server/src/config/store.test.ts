import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { systemWorld } from '#base'
import { parseConfig, type Config } from './parse-config.ts'

const read = (store: unknown, address?: string): Config =>
  parseConfig({
    world: { ...systemWorld, env: (name) => (name === 'DATABASE_URL' ? address : undefined) },
    text: JSON.stringify({ store }),
    path: '/somewhere/countersign.json',
  })

test('a database is named by its address, which nobody is shown', () => {
  // ND-009
  const address = 'postgresql://app:hunter2@db.example/countersign?sslmode=require'
  const config = read({ postgres: '${DATABASE_URL}' }, address)
  assert.equal(config.store?.postgres.reveal(), address)
  assert.equal(config.store.connections, 12)
  assert.doesNotMatch(JSON.stringify(config) + inspect(config, { depth: 9 }), /hunter2/)
  const literal = read({ postgres: address })
  const other = read({ postgres: address.replace('hunter2', 'hunter3') })
  // Nor is anything told that passwords could be tried out on.
  assert.equal(literal.digests['store'], other.digests['store'])
  const socket = 'postgresql://test@/postgres?host=%2Frun%2Fpostgresql'
  assert.equal(read({ postgres: socket }).store?.postgres.reveal(), socket)
  assert.equal(read(undefined).store, undefined)
})

test('what is no address is refused, without repeating it', () => {
  const refused = (store: unknown, address: string | undefined, why: RegExp): void => {
    assert.throws(
      () => read(store, address),
      (thrown: unknown) => {
        assert.ok(thrown instanceof Error)
        assert.match(thrown.message, why)
        assert.doesNotMatch(thrown.message, /hunter2/)
        return true
      },
    )
  }
  const whole = { postgres: '${DATABASE_URL}' }
  refused(whole, undefined, /DATABASE_URL is not set/)
  refused(whole, 'mysql://app:hunter2@db.example/x', /not the address of a database/)
  refused(whole, 'postgres://app:hunter2@db example/x', /not the address of a database/)
  refused({ ...whole, connections: 2 }, 'postgres://db.example/x', /connections/)
  refused({ ...whole, pool: 2 }, 'postgres://db.example/x', /pool/)
})

test('what the page on operating shows of it can be written so', () => {
  const page = readFileSync(new URL('../../../../docs/operating.md', import.meta.url), 'utf8')
  const shown = /```yaml\n(store:[\s\S]*?)```/.exec(page)?.[1] ?? ''
  const env = (): string => 'postgres://user:password@host/name?sslmode=verify-full'
  const config = parseConfig({ world: { ...systemWorld, env }, text: shown, path: '/c.yaml' })
  assert.equal(config.store?.postgres.reveal(), env())
  assert.equal(config.listen.publicUrl, 'https://mcp.example')
})
