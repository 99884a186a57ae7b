import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EmbeddedSettings } from '#auth'
import { parseConfig } from './parse-config.ts'

const read = (embedded: object): EmbeddedSettings => {
  const servers = { files: { command: 'x' } }
  const views = { work: { servers: ['files'] } }
  const text = JSON.stringify({ servers, views, auth: { embedded } })
  const config = parseConfig({ world: { env: () => undefined }, text, path: 'countersign.json' })
  assert.ok(config.auth?.embedded)
  return config.auth.embedded
}
const RULE = { claims: { sub: 'x' }, scopes: ['files:read'] }
const CI = { issuer: 'https://ci.example', rules: [RULE] }
const SPIRE = { trustDomain: 'prod.example', jwksUri: 'https://spire.example', rules: [RULE] }
const IDP = { issuer: 'https://idp.example', scopes: ['files:read'] }

function complains(embedded: object, ...problems: readonly RegExp[]): void {
  for (const message of problems) {
    assert.throws(
      () => read(embedded),
      { code: 'config/invalid', message },
      JSON.stringify(embedded),
    )
  }
}

describe('programs that are let in', () => {
  // WI3, CO4
  it('are nobody unless it is written, and then are held to strict defaults', () => {
    const { workloads, enterprises, delegation } = read({})
    assert.deepEqual([workloads, enterprises, delegation.clients], [[], [], []])
    const [one] = read({ workloads: { ci: CI } }).workloads
    assert.equal(one?.name, 'ci')
    assert.equal(one.replay, 'once')
    assert.equal(one.dpop, 'accepted')
    assert.equal(one.reach, 'public')
    assert.equal(one.lifetimeMs, 3_600_000)
    assert.deepEqual(one.rules[0]?.views, [''])
    const [spiffe] = read({ workloads: { spire: { ...SPIRE, replay: 'window' } } }).workloads
    assert.equal(spiffe?.lifetimeMs, 600_000)
    assert.equal(spiffe.dpop, 'required')
    assert.ok(!spiffe.algorithms.includes('EdDSA'))
  })

  it('may have their keys on this machine while it is tried out, and then nowhere else', () => {
    const [one] = read({ workloads: { ci: { ...CI, issuer: 'http://localhost:1' } } }).workloads
    assert.equal(one?.reach, 'loopback')
    const local = { ...SPIRE, jwksUri: 'http://127.0.0.1:8080/bundle', replay: 'window' }
    assert.equal(read({ workloads: { spire: local } }).workloads[0]?.reach, 'loopback')
  })

  it('are refused with every mistake that would let in too many', () => {
    const workloads = (ci: object, more: object = {}) => ({ workloads: { ci, ...more } })
    // WI6: a rule without a claim lets in whoever uses the same platform.
    const open = {
      ...CI,
      rules: [
        { ...RULE, claims: {} },
        { ...RULE, claims: { sub: '*' } },
      ],
    }
    complains(workloads(open), /rules\[0\]\.claims {2}lets in every program/, /rules\[1\]\.claims/)
    complains(workloads({ ...CI, rules: [] }), /rules {2}too small/)
    complains(workloads({ ...CI, rules: [{ ...RULE, scopes: [] }] }), /scopes {2}too small/)
    complains(workloads({ ...CI, rules: [{ ...RULE, scopes: ['a b'] }] }), /scopes\[0\]/)
    complains(workloads({ ...CI, trustDomain: 'prod.example' }), /one of them/)
    complains(workloads({ rules: [RULE] }), /one of them/)
    complains(workloads({ ...SPIRE, jwksUri: undefined }), /jwksUri {2}missing/)
    complains(workloads({ ...CI, issuer: 'http://ci.example' }), /not https/)
    complains(workloads({ ...SPIRE, jwksUri: 'http://spire.example' }), /not https/)
    complains(workloads({ ...CI, issuer: 'https://ci.example?x=1' }), /a query in an issuer/)
    complains(workloads({ ...CI, replay: 'window', lifetime: '1 h' }), /lifetime {2}too long/)
    complains(workloads({ ...CI, replay: 'window', dpop: 'accepted' }), /dpop {2}must be required/)
    complains(workloads({ ...CI, algorithms: ['HS256'] }), /not one of the choices/)
    complains(workloads({ ...CI, algoritms: ['ES256'] }), /algoritms/)
    complains(workloads(CI, { again: CI }), /again {2}named twice/)
    complains({ workloads: { 'a:b': CI } }, /a:b/)
    const rules = [{ ...RULE, views: ['', 'files', 'work', 'wrok'] }]
    complains(workloads({ ...CI, rules }), /views\[3\] {2}no view is called wrok .*mean work/)
  })

  it('include people of enterprises, with mistakes said at once', () => {
    const [one] = read({ enterprises: [IDP] }).enterprises
    assert.equal(one?.replay, 'once')
    assert.equal(one.lifetimeMs, 600_000)
    const wrong = [
      { ...IDP, issuer: 'http://idp.example' },
      { ...IDP, tenantClaim: 'tid' },
      { ...IDP, views: ['nothing'] },
    ]
    complains(
      { enterprises: [...wrong, IDP, IDP] },
      /enterprises\[0\]\.issuer {2}not https/,
      /enterprises\[1\] {2}tenantClaim and tenants/,
      /enterprises\[2\]\.views\[0\] {2}no view/,
      /enterprises\[4\] {2}named twice/,
    )
  })

  it('may act for others when they are named, which everybody is not', () => {
    const { delegation } = read({ delegation: { clients: ['agent', 'workload:ci:*'] } })
    assert.deepEqual(delegation, { clients: ['agent', 'workload:ci:*'], lifetimeMs: 120_000 })
    complains({ delegation: { clients: ['agent', '**'] } }, /clients\[1\] {2}means everybody/)
  })
})
