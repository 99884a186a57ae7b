import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Fault } from '@countersign/contract'
import { parseConfig, type Config } from './parse-config.ts'

const read = (embedded: string): Config =>
  parseConfig({
    world: { env: () => undefined },
    path: '/etc/countersign.yaml',
    text: `auth:\n  embedded: ${embedded}\nservers: {}\n`,
  })

const complains = (embedded: string, words: RegExp): void => {
  assert.throws(
    () => read(embedded),
    (thrown) => thrown instanceof Fault && words.test(thrown.message),
    embedded,
  )
}

describe('auth.embedded', () => {
  it('is off unless it is written, and then needs nothing more', () => {
    const { auth } = read('{}')
    assert.deepEqual(auth?.issuers, [])
    const { accessTokenMs, refreshIdleMs, refreshMs, metadataClients, registration, dpop } =
      auth?.embedded ?? assert.fail()
    assert.deepEqual(
      { accessTokenMs, refreshIdleMs, refreshMs, metadataClients, registration, dpop },
      {
        accessTokenMs: 5 * 60_000,
        refreshIdleMs: 8 * 3_600_000,
        refreshMs: 30 * 24 * 3_600_000,
        metadataClients: { from: 'open', domains: [], reach: 'public' },
        registration: false,
        dpop: 'accepted',
      },
    )
  })

  it('takes clients of the domains that are named', () => {
    const { auth } = read("{ clients: { from: listed, domains: [a.example, '*.b.example'] } }")
    assert.deepEqual(auth?.embedded?.metadataClients, {
      from: 'listed',
      domains: ['a.example', '*.b.example'],
      reach: 'public',
    })
  })

  it('refuses what would weaken it, or means nothing', () => {
    complains('{ accessToken: 2 h }', /auth\.embedded\.accessToken/)
    complains('{ accessToken: 1 s }', /auth\.embedded\.accessToken/)
    complains('{ refresh: 1 h, refreshIdle: 2 h }', /refreshIdle {2}longer than refresh/)
    complains('{ clients: { from: listed } }', /clients\.domains {2}empty/)
    complains('{ clients: { domains: [a.example] } }', /clients\.domains {2}means nothing/)
    complains('{ clients: { from: listed, domains: ["*"] } }', /clients\.domains/)
    complains('{ clients: { from: listed, domains: ["https://a.example"] } }', /clients\.domains/)
    complains('{ clients: { network: loopback } }', /clients\.network/)
    complains('{ dpop: off }', /auth\.embedded\.dpop/)
    complains('{ issuer: "https://a.example" }', /issuer/)
  })
})
