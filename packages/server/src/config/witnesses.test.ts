import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemWorld } from '#base'
import { parseConfig } from './parse-config.ts'

const read = (ledger: object, env: Readonly<Record<string, string>> = {}) =>
  parseConfig({
    world: { ...systemWorld, env: (name) => env[name] },
    text: JSON.stringify({ ledger }),
    path: '/etc/countersign.json',
  })

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`

test('witnesses are named, and their secrets come from variables', () => {
  const { ledger } = read(
    {
      witnesses: [
        { file: 'seen.jsonl' },
        { url: 'https://hooks.example/l', secret: '${SECRET}' },
        { countersign: 'https://audit.example/witness/', token: '${TOKEN}', name: 'audit' },
      ],
      witnessFor: [{ token: '${TOKEN}' }],
    },
    { SECRET, TOKEN: 'a-token' },
  )
  const [file, hook, audit] = ledger.witnesses
  assert.deepEqual(file, { kind: 'file', name: 'seen.jsonl', path: '/etc/seen.jsonl' })
  assert.ok(hook?.kind === 'webhook' && audit?.kind === 'witness')
  assert.deepEqual([hook.name, hook.reach], ['hooks.example', 'public'])
  assert.equal(hook.secrets[0]?.reveal(), SECRET)
  assert.deepEqual([audit.name, audit.url], ['audit', 'https://audit.example/witness'])
  assert.equal(ledger.witnessFor[0]?.token?.reveal(), 'a-token')
  assert.ok(!JSON.stringify(ledger).includes('a-token'))
})

test('what cannot be is said, all of it at once', () => {
  for (const [ledger, why] of [
    [{ witnesses: [{ url: 'http://hooks.example' }] }, /not an address/],
    [{ witnesses: [{ url: 'https://user:pass@hooks.example' }] }, /not an address/],
    [{ witnesses: [{ url: 'https://hooks.example', secret: 'short' }] }, /Standard Webhooks/],
    [{ witnesses: [{ countersign: 'https://a.example', token: '${NOWHERE}' }] }, /NOWHERE/],
    [{ witnesses: [{ file: 'a' }, { file: 'a' }] }, /is called a, too/],
    [{ witnesses: [{ folder: 'a' }] }, /witnesses/],
    [{ witnessFor: [{ key: 'nonsense' }] }, /no key of a ledger/],
    [{ witnessFor: [{}] }, /names nobody/],
  ] as const) {
    assert.throws(() => read(ledger), why, JSON.stringify(ledger))
  }
})

test('the digests of sections tell changes, and hold nothing of secrets', () => {
  const digestOf = (env: object): string | undefined =>
    parseConfig({
      world: systemWorld,
      text: JSON.stringify({ servers: { one: { command: 'a', env } } }),
      path: '/etc/countersign.json',
    }).digests['servers']
  assert.equal(digestOf({ TOKEN: 'one' }), digestOf({ TOKEN: 'two' }))
  assert.notEqual(digestOf({ TOKEN: 'one' }), digestOf({ OTHER: 'one' }))
})
