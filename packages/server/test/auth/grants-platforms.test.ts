import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { JWT_BEARER } from '../../src/auth/grants/make-grants.ts'
import { makeKey, seconds, startIssuer, type FakeIssuer, type Minting } from './fake-issuer.ts'
import { ALL, ask, FILES, ISSUER, isRefused, openBench, workloadIssuer } from './grants-bench.ts'

/** As GitHub Actions writes them. */
const SUBJECT = 'repo:acme/tools:ref:refs/heads/main'
const github = (more: Minting = {}): Minting => ({
  ...more,
  header: { typ: 'JWT' },
  claims: { sub: SUBJECT, aud: ISSUER, client_id: undefined, scope: undefined },
})

describe('SPIFFE', () => {
  const ID = 'spiffe://prod.example/ns/agents/sa/builder'
  // A JWT-SVID has neither `iss` nor `jti` to rely on, and is handed out again: WI11
  const svid = (from: FakeIssuer, more: Minting = {}) =>
    from.mint({
      ...more,
      header: { typ: undefined, ...more.header },
      claims: {
        iss: undefined,
        sub: ID,
        aud: ISSUER,
        jti: undefined,
        client_id: undefined,
        scope: undefined,
        ...more.claims,
      },
    })
  const opened = (from: FakeIssuer) =>
    openBench({
      workloads: [
        workloadIssuer({
          name: 'spire',
          trustDomain: 'prod.example',
          jwksUri: `${from.issuer}/jwks`,
          algorithms: ['ES256'],
          replay: 'window',
          dpop: 'required',
          lifetimeMs: 600_000,
          rules: [
            { claims: { sub: 'spiffe://*/sa/builder' }, views: ['files'], scopes: ['files:read'] },
          ],
        }),
      ],
    })
  const asBundle = (from: FakeIssuer, use: string) => {
    for (const { jwk } of from.keys) Object.assign(jwk, { use, alg: undefined })
  }

  it('identities are taken by the keys of their bundle, again and again, for a proven key', async () => {
    await using from = await startIssuer()
    await using spire = opened(from)
    asBundle(from, 'jwt-svid')
    const assertion = await svid(from)
    for (const jkt of ['one', 'two']) {
      const granting = await ask(spire, JWT_BEARER, { assertion, resource: FILES }, { jkt })
      assert.equal(granting.subject, `workload:spire:${ID}`)
      assert.equal(granting.jkt, jkt)
    }
    const unbound = ask(spire, JWT_BEARER, { assertion, resource: FILES })
    await isRefused(spire, unbound, 'invalid_dpop_proof')
  })

  it('says nothing by `iss`, whatever stands there', async () => {
    await using from = await startIssuer()
    await using spire = opened(from)
    asBundle(from, 'jwt-svid')
    const assertion = await svid(from, { claims: { iss: 'https://spire.example' } })
    assert.ok(await ask(spire, JWT_BEARER, { assertion, resource: FILES }, { jkt: 'a' }))
  })

  it('is refused with the keys for X.509, for other trust domains and for what is no SPIFFE ID', async () => {
    await using from = await startIssuer()
    await using spire = opened(from)
    asBundle(from, 'x509-svid')
    const asked = async (more: Minting = {}) =>
      ask(spire, JWT_BEARER, { assertion: await svid(from, more), resource: FILES }, { jkt: 'a' })
    await isRefused(spire, asked(), 'invalid_grant', /unknown key/)
    const others = [
      'spiffe://test.example/ns/agents/sa/builder',
      'spiffe://prod.example.evil.example/sa/builder',
      'spiffe://prod.example@evil.example/sa/builder',
      'spiffe://prod.example:443/sa/builder',
      'spiffe://PROD.example/sa/builder',
      'spiffe://prod.example',
      'spiffe://prod.example/../sa/builder',
      'spiffe://prod.example//sa/builder',
      'https://prod.example/sa/builder',
    ]
    for (const sub of others) {
      await isRefused(spire, asked({ claims: { sub } }), 'invalid_grant', /not let in/)
    }
  })

  it('lives for ten minutes at most where it is good more than once', async () => {
    await using from = await startIssuer()
    await using spire = opened(from)
    asBundle(from, 'jwt-svid')
    const long = [{ exp: seconds() + 700 }, { exp: seconds() + 700, iat: undefined }]
    for (const claims of long) {
      const assertion = await svid(from, { claims })
      const asked = ask(spire, JWT_BEARER, { assertion, resource: FILES }, { jkt: 'a' })
      await isRefused(spire, asked, 'invalid_grant', /lives too long/)
    }
  })
})

describe('Kubernetes', () => {
  it('service accounts are let in by what stands in their projected token', async () => {
    await using cluster = await startIssuer()
    await using k8s = openBench({
      workloads: [
        workloadIssuer({
          name: 'cluster',
          issuer: cluster.issuer,
          rules: [
            {
              claims: {
                'kubernetes.io.namespace': 'agents',
                'kubernetes.io.serviceaccount.name': 'builder',
              },
              views: [''],
              scopes: ['files:admin'],
            },
          ],
        }),
      ],
    })
    const token = (serviceaccount: string) =>
      cluster.mint({
        header: { typ: undefined },
        claims: {
          aud: [ISSUER],
          sub: `system:serviceaccount:agents:${serviceaccount}`,
          client_id: undefined,
          scope: undefined,
          'kubernetes.io': {
            namespace: 'agents',
            pod: { name: 'builder-0', uid: randomUUID() },
            serviceaccount: { name: serviceaccount, uid: randomUUID() },
          },
        },
      })
    const assertion = await token('builder')
    const granting = await ask(k8s, JWT_BEARER, { assertion, resource: ALL, scope: 'files:read' })
    assert.equal(granting.subject, 'workload:cluster:system:serviceaccount:agents:builder')
    assert.deepEqual(granting.scopes, ['files:read'])
    const other = ask(k8s, JWT_BEARER, { assertion: await token('other'), resource: ALL })
    await isRefused(k8s, other, 'invalid_grant', /rule/)
  })
})

describe('the keys of a platform', () => {
  const opened = (from: FakeIssuer) =>
    openBench({
      workloads: [
        workloadIssuer({
          issuer: from.issuer,
          rules: [{ claims: { sub: SUBJECT }, views: ['files'], scopes: ['files:read'] }],
        }),
      ],
    })

  // WI7
  it('are fetched once for many, and a flood of unknown ones fetches nothing more', async () => {
    await using from = await startIssuer()
    await using one = opened(from)
    const tokens = await Promise.all(Array.from({ length: 8 }, () => from.mint(github())))
    await Promise.all(
      tokens.map((assertion) => ask(one, JWT_BEARER, { assertion, resource: FILES })),
    )
    for (let times = 0; times < 8; times++) {
      const assertion = await from.mint(github({ key: await makeKey() }))
      await isRefused(one, ask(one, JWT_BEARER, { assertion, resource: FILES }), 'invalid_grant')
    }
    assert.equal(from.asked.get('/jwks'), 1)
  })

  it('that cannot be fetched are no fault of who asks', async () => {
    await using from = await startIssuer()
    await using one = opened(from)
    from.isDown = true
    const asked = ask(one, JWT_BEARER, { assertion: await from.mint(github()), resource: FILES })
    await isRefused(one, asked, 'temporarily_unavailable')
  })

  it('are not taken from metadata of another issuer', async () => {
    await using from = await startIssuer()
    await using one = opened(from)
    from.metadata = { issuer: 'https://evil.example' }
    const asked = ask(one, JWT_BEARER, { assertion: await from.mint(github()), resource: FILES })
    await isRefused(one, asked, 'temporarily_unavailable')
    assert.equal(from.asked.get('/jwks'), undefined)
  })

  it('are never looked for on this machine or inside the network, unless it is said', async () => {
    await using from = await startIssuer()
    await using one = openBench({
      workloads: [
        workloadIssuer({
          issuer: from.issuer,
          reach: 'private',
          rules: [{ claims: { sub: SUBJECT }, views: ['files'], scopes: ['files:read'] }],
        }),
      ],
    })
    const asked = ask(one, JWT_BEARER, { assertion: await from.mint(github()), resource: FILES })
    await isRefused(one, asked, 'temporarily_unavailable')
    assert.equal(from.asked.size, 0)
  })
})
