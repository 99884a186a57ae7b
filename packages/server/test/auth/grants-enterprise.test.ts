import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { JWT_BEARER } from '../../src/auth/grants/make-grants.ts'
import { makeKey, seconds, startIssuer, type FakeIssuer, type Minting } from './fake-issuer.ts'
import {
  ALL,
  ask,
  EPOCH,
  FILES,
  identityProvider,
  ISSUER,
  isRefused,
  openBench,
  OTHER,
  TOKEN_ENDPOINT,
  workloadIssuer,
  type Asking,
  type Bench,
} from './grants-bench.ts'

type Loose = Readonly<Record<string, unknown>>

const CLIENT = { id: 'agent', isAuthenticated: true }
/** A statement of an identity provider about one of its people (ID-JAG). */
const statement = (more: Minting = {}): Minting => ({
  ...more,
  header: { typ: 'oauth-id-jag+jwt', ...more.header },
  claims: {
    aud: ISSUER,
    client_id: CLIENT.id,
    resource: FILES,
    scope: 'files:read files:write',
    ...more.claims,
  },
})

let idp: FakeIssuer
let bench: Bench
const settings = (of: FakeIssuer) => ({
  issuer: of.issuer,
  algorithms: ['ES256'],
  views: ['files'],
  scopes: ['files:read', 'tool:files.put'],
})

const stack = new AsyncDisposableStack()
before(async () => {
  idp = stack.use(await startIssuer())
  bench = stack.use(openBench({ enterprises: [identityProvider(settings(idp))] }))
})
after(() => stack.disposeAsync())

const present = async (
  minting: Minting = {},
  params: Loose = {},
  { client = CLIENT, ...asking }: Asking = {},
  at = bench,
) => {
  const assertion = await idp.mint(statement(minting))
  return ask(at, JWT_BEARER, { assertion, ...params }, { client, ...asking })
}

describe('an enterprise that decides for its people', () => {
  // AS29, AS30, AS31, AS34, AS35
  it('is taken at its word for one client, one resource and what both sides allow', async () => {
    const granting = await present({ claims: { jti: 'said' } })
    assert.equal(granting.subject, `${idp.issuer}#ada`)
    assert.equal(granting.client, 'agent')
    assert.equal(granting.resource.url, FILES)
    assert.deepEqual(granting.scopes, ['files:read', 'tool:files.put'])
    assert.deepEqual(granting.claims, { cat: EPOCH, idp: idp.issuer })
    // AS36: what was shown is named, never kept.
    const { body } = bench.noted.at(-1)!
    assert.deepEqual(body['basis'], { issuer: idp.issuer, assertion: 'jti said', client: 'agent' })
    assert.doesNotMatch(JSON.stringify(body), /eyJ/)
  })

  // CO8, AS31
  it('gives what is in the request and the statement, and passes over the rest', async () => {
    const cases: readonly [string, string | undefined, readonly string[]][] = [
      ['files:read', 'files:read files:write', ['files:read']],
      ['files:read files:admin', 'files:read', ['files:read']],
      ['mcp:discover files:read', undefined, ['files:read', 'mcp:discover']],
      ['files:read', 'tool:files.look', ['tool:files.look']],
      ['files:write', 'files:read', ['files:read']],
      ['files:write', 'tool:files.put', ['tool:files.put']],
    ]
    for (const [said, asked, given] of cases) {
      const { scopes } = await present({ claims: { scope: said } }, { scope: asked })
      assert.deepEqual(scopes.toSorted(), given.toSorted(), `${said} ∩ ${String(asked)}`)
    }
    const nothing: readonly [string | undefined, string | undefined][] = [
      ['files:read', 'tool:files.put'],
      ['files:read', 'files:admin'],
      ['tool:files.look', 'files:read'],
      [undefined, 'files:read'],
      ['unknown:read', undefined],
    ]
    for (const [said, asked] of nothing) {
      const refused = present({ claims: { scope: said } }, { scope: asked })
      await isRefused(bench, refused, 'invalid_scope')
    }
  })

  it('may name its resource in the statement, in the request, or in both alike', async () => {
    assert.ok(await present({}, { resource: FILES }))
    assert.ok(await present({ claims: { resource: undefined } }, { resource: FILES }))
    assert.ok(await present({ claims: { resource: [FILES] } }))
    assert.ok(await present({ claims: { resource: [FILES, OTHER] } }, { resource: FILES }))
    const wrong: readonly [Loose, Loose, string][] = [
      [{ resource: FILES }, { resource: OTHER }, 'invalid_grant'],
      [{ resource: [FILES, OTHER] }, {}, 'invalid_grant'],
      [{ resource: 7 }, {}, 'invalid_grant'],
      [{ resource: undefined }, {}, 'invalid_target'],
      [{ resource: OTHER }, {}, 'invalid_target'],
      [{ resource: ALL }, {}, 'invalid_target'],
      [{ resource: 'https://evil.example/mcp' }, {}, 'invalid_target'],
    ]
    for (const [claims, params, code] of wrong) {
      await isRefused(bench, present({ claims }, params), code)
    }
  })

  // AS33
  it('needs a client that proves who it is', async () => {
    const isPublic = { id: 'agent', isAuthenticated: false }
    await isRefused(bench, present({}, {}, { client: isPublic }), 'invalid_client')
    const assertion = await idp.mint(statement())
    await isRefused(bench, ask(bench, JWT_BEARER, { assertion }), 'invalid_client')
  })

  it('may know our clients by other names, and then those alone', async () => {
    const clients = { agent: 'app-42' }
    await using mapped = openBench({
      enterprises: [identityProvider({ ...settings(idp), clients })],
    })
    assert.ok(await present({ claims: { client_id: 'app-42' } }, {}, {}, mapped))
    await isRefused(mapped, present({}, {}, {}, mapped), 'invalid_grant', /another client/)
    const other = { id: 'other', isAuthenticated: true }
    const asked = present({ claims: { client_id: 'other' } }, {}, { client: other }, mapped)
    await isRefused(mapped, asked, 'invalid_grant', /another client/)
    const odd = { id: '__proto__', isAuthenticated: true }
    const inherited = present({ claims: { client_id: '__proto__' } }, {}, { client: odd }, mapped)
    await isRefused(mapped, inherited, 'invalid_grant', /another client/)
  })

  // AS37
  it('speaks of people who are known here by issuer and subject, never by their address', async () => {
    bench.people.set(`${idp.issuer} linked`, 'account-1')
    const linked = await present({ claims: { sub: 'linked', email: 'x@acme.example' } })
    assert.equal(linked.subject, 'account-1')
    bench.people.set(`${idp.issuer} gone`, 'disabled-1')
    const gone = present({ claims: { sub: 'gone' } })
    await isRefused(bench, gone, 'invalid_grant', /may not sign in/)
    const other = await present({ claims: { sub: 'other', email: 'x@acme.example' } })
    assert.equal(other.subject, `${idp.issuer}#other`)
  })

  it('speaks for the people of the tenants that are named, who never look like one another', async () => {
    await using tenants = openBench({
      enterprises: [
        identityProvider({ ...settings(idp), tenantClaim: 'tid', tenants: ['a#b', 'c'] }),
      ],
    })
    tenants.people.set(`${idp.issuer} ada`, 'account-1')
    const subjectOf = async (claims: Loose) => (await present({ claims }, {}, {}, tenants)).subject
    assert.equal(await subjectOf({ tid: 'a#b' }), `${idp.issuer}#a%23b#ada`)
    assert.equal(await subjectOf({ tid: 'c', sub: 'b#ada' }), `${idp.issuer}#c#b#ada`)
    for (const tid of ['d', undefined, ['c'], '']) {
      const asked = present({ claims: { tid } }, {}, {}, tenants)
      await isRefused(tenants, asked, 'invalid_grant', /tenant/)
    }
  })

  it('may bind its statement to a key, which is then the only one', async () => {
    const claims = { cnf: { jkt: 'mine' } }
    assert.equal((await present({ claims }, {}, { jkt: 'mine' })).jkt, 'mine')
    await isRefused(bench, present({ claims }, {}, { jkt: 'other' }), 'invalid_grant', /key/)
    await isRefused(bench, present({ claims }), 'invalid_dpop_proof')
    const unknown = { cnf: { 'x5t#S256': 'x' } }
    await isRefused(bench, present({ claims: unknown }, {}, { jkt: 'mine' }), 'invalid_grant')
  })
})

describe('a statement of an enterprise is refused', () => {
  const at = (offset: number): number => seconds() + offset
  const wrong: readonly [string, () => Minting | Promise<Minting>, RegExp][] = [
    [
      'of a provider that is not trusted',
      () => ({ claims: { iss: 'https://evil.example' } }),
      /provider/,
    ],
    ['of nobody', () => ({ claims: { iss: undefined } }), /provider/],
    ['for another audience', () => ({ claims: { aud: 'https://other.example' } }), /audience/],
    ['for our token endpoint', () => ({ claims: { aud: TOKEN_ENDPOINT } }), /audience/],
    ['for a view of ours', () => ({ claims: { aud: FILES } }), /audience/],
    [
      'for others beside us',
      () => ({ claims: { aud: [ISSUER, 'https://o.example'] } }),
      /audience/,
    ],
    ['for another client', () => ({ claims: { client_id: 'other' } }), /client/],
    ['for no client', () => ({ claims: { client_id: undefined } }), /client_id/],
    ['that is over', () => ({ claims: { iat: at(-400), exp: at(-100) } }), /expired/],
    ['that never ends', () => ({ claims: { exp: undefined } }), /exp/],
    ['of the future', () => ({ claims: { iat: at(100), exp: at(200) } }), /future/],
    ['of no time', () => ({ claims: { iat: undefined } }), /iat/],
    ['that is not valid yet', () => ({ claims: { nbf: at(100) } }), /not valid yet/],
    ['that lives for too long', () => ({ claims: { exp: at(700) } }), /lives too long/],
    ['about nobody', () => ({ claims: { sub: undefined } }), /sub/],
    ['without an identifier', () => ({ claims: { jti: undefined } }), /jti/],
    [
      'of another key',
      async () => ({ key: { ...(await makeKey()), kid: idp.keys[0]!.kid } }),
      /signature/,
    ],
    ['of an unknown key', async () => ({ key: await makeKey() }), /unknown key/],
    ['of another algorithm', async () => ({ key: await makeKey('RS256') }), /algorithm/],
    ['that is an identity token', () => ({ header: { typ: 'JWT' } }), /not let in/],
    ['that is an access token', () => ({ header: { typ: 'at+jwt' } }), /type/],
  ]
  // AS29, AS30, AS32
  for (const [what, minting, why] of wrong) {
    it(what, async () => {
      await isRefused(bench, present(await minting()), 'invalid_grant', why)
    })
  }

  it('as an identity of a program, even from an issuer that is trusted for both', async () => {
    await using both = openBench({
      enterprises: [identityProvider(settings(idp))],
      workloads: [
        workloadIssuer({
          issuer: idp.issuer,
          rules: [{ claims: { sub: 'ada' }, views: ['files'], scopes: ['files:admin'] }],
        }),
      ],
    })
    const granting = await present({}, {}, {}, both)
    assert.equal(granting.subject, `${idp.issuer}#ada`)
    assert.ok(!granting.scopes.includes('files:admin'))
  })
})

describe('a statement that was used', () => {
  // AS32, CO1
  it('is good for one token of many that ask at once', async () => {
    const assertion = await idp.mint(statement())
    const asked = () => ask(bench, JWT_BEARER, { assertion }, { client: CLIENT })
    const all = await Promise.allSettled(Array.from({ length: 32 }, asked))
    assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1)
    await isRefused(bench, asked(), 'invalid_grant', /before/)
  })

  it('may be shown again where its operator says so', async () => {
    await using again = openBench({
      enterprises: [identityProvider({ ...settings(idp), replay: 'window' })],
    })
    const assertion = await idp.mint(statement({ claims: { jti: randomUUID() } }))
    for (let times = 0; times < 2; times++) {
      assert.ok(await ask(again, JWT_BEARER, { assertion }, { client: CLIENT }))
    }
  })
})
