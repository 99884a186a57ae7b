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

const REPO = 'repo:acme/tools:ref:refs/heads/main'
/** As GitHub Actions writes them. */
const github = (more: Minting = {}): Minting => ({
  ...more,
  header: { typ: 'JWT', ...more.header },
  claims: {
    sub: REPO,
    aud: ISSUER,
    client_id: undefined,
    scope: undefined,
    repository: 'acme/tools',
    repository_owner: 'acme',
    environment: 'production',
    ref: 'refs/heads/main',
    run_attempt: '1',
    ...more.claims,
  },
})

let issuer: FakeIssuer
let stranger: FakeIssuer
let bench: Bench

const stack = new AsyncDisposableStack()
before(async () => {
  issuer = stack.use(await startIssuer())
  stranger = stack.use(await startIssuer())
  bench = stack.use(
    openBench({
      workloads: [
        workloadIssuer({
          issuer: issuer.issuer,
          algorithms: ['ES256'],
          audiences: ['countersign'],
          rules: [
            {
              claims: { repository: 'acme/tools', ref: 'refs/heads/*', environment: 'production' },
              views: ['files'],
              scopes: ['files:read', 'tool:files.put'],
            },
            { claims: { repository_owner: 'acme' }, views: ['other'], scopes: ['mcp:discover'] },
          ],
        }),
      ],
    }),
  )
})
after(() => stack.disposeAsync())

const present = async (minting: Minting, params: Loose = {}, asking: Asking = {}) => {
  const assertion = await issuer.mint(github(minting))
  return ask(bench, JWT_BEARER, { assertion, resource: FILES, ...params }, asking)
}

describe('a program that its platform vouches for', () => {
  // WI1, WI3, WI4, WI5, AS40
  it('gets a token for what its rule says, without any client', async () => {
    const granting = await present({ claims: { jti: 'first' } })
    assert.equal(granting.subject, `workload:ci:${REPO}`)
    assert.equal(granting.client, granting.subject)
    assert.equal(granting.resource.url, FILES)
    assert.deepEqual(granting.scopes, ['files:read', 'tool:files.put'])
    assert.deepEqual(granting.claims, { cat: EPOCH, sub_profile: 'workload' })
    assert.equal(granting.jkt, undefined)
    const { kind, body } = bench.noted.at(-1)!
    assert.equal(kind, 'token.issued')
    assert.equal(body['subject'], granting.subject)
    assert.deepEqual(body['basis'], { issuer: 'ci', assertion: 'jti first' })
  })

  it('may ask for less, down to one tool of a class or just to look', async () => {
    for (const scope of ['files:read', 'tool:files.put', 'tool:files.look', 'mcp:discover']) {
      assert.deepEqual((await present({}, { scope })).scopes, [scope])
    }
  })

  it('is judged by the first rule whose claims all match', async () => {
    const staging = { environment: 'staging' }
    await isRefused(bench, present({ claims: staging }), 'invalid_target')
    const granting = await present({ claims: staging }, { resource: OTHER })
    assert.deepEqual(granting.scopes, ['mcp:discover'])
  })

  it('is bound to the key that it proves', async () => {
    assert.equal((await present({}, {}, { jkt: 'thumb' })).jkt, 'thumb')
  })

  // CO3
  it('may name our issuer, our token endpoint or what is configured as its audience', async () => {
    for (const aud of [ISSUER, [ISSUER], TOKEN_ENDPOINT, [ISSUER, TOKEN_ENDPOINT], 'countersign']) {
      assert.ok(await present({ claims: { aud } }))
    }
  })
})

describe('an identity of a program is refused', () => {
  const at = (offset: number): number => seconds() + offset
  // WI2, WI8, WI9: [what is wrong, how it is minted, the reason]
  const wrong: readonly [string, () => Minting | Promise<Minting>, RegExp][] = [
    [
      'of an issuer that is not trusted',
      () => ({ claims: { iss: 'https://evil.example' } }),
      /issuer/,
    ],
    ['without an issuer', () => ({ claims: { iss: undefined } }), /issuer/],
    ['for another audience', () => ({ claims: { aud: 'https://other.example' } }), /audience/],
    [
      'for others beside us',
      () => ({ claims: { aud: [ISSUER, 'https://other.example'] } }),
      /audience/,
    ],
    ['for a prefix of us', () => ({ claims: { aud: 'https://gw.example' } }), /audience/],
    ['for nobody', () => ({ claims: { aud: [] } }), /audience/],
    ['without an audience', () => ({ claims: { aud: undefined } }), /aud/],
    [
      'with an audience that is no text',
      () => ({ claims: { aud: { [ISSUER]: true } } }),
      /audience/,
    ],
    ['that is over', () => ({ claims: { iat: at(-400), exp: at(-100) } }), /expired/],
    ['that never ends', () => ({ claims: { exp: undefined } }), /exp/],
    ['that is not valid yet', () => ({ claims: { nbf: at(100) } }), /not valid yet/],
    ['of the future', () => ({ claims: { iat: at(100), exp: at(200) } }), /future/],
    ['of no time', () => ({ claims: { iat: undefined } }), /iat/],
    ['that lives for too long', () => ({ claims: { exp: at(4_000) } }), /lives too long/],
    ['without a subject', () => ({ claims: { sub: undefined } }), /sub/],
    ['with an empty subject', () => ({ claims: { sub: '' } }), /subject/],
    ['with an endless subject', () => ({ claims: { sub: 'x'.repeat(256) } }), /subject/],
    [
      'with a subject too long for a token',
      () => ({ claims: { sub: 'x'.repeat(250) } }),
      /too long/,
    ],
    [
      'of another key',
      async () => ({ key: { ...(await makeKey()), kid: issuer.keys[0]!.kid } }),
      /signature/,
    ],
    ['of an unknown key', async () => ({ key: await makeKey() }), /unknown key/],
    ['of another algorithm', async () => ({ key: await makeKey('RS256') }), /algorithm/],
    ['that is an access token', () => ({ header: { typ: 'at+jwt' } }), /type/],
    ['that is a proof', () => ({ header: { typ: 'dpop+jwt' } }), /type/],
    ['that is a logout token', () => ({ header: { typ: 'application/logout+jwt' } }), /type/],
    [
      'with a claim too few',
      () => ({ claims: { repository_owner: undefined, environment: undefined } }),
      /rule/,
    ],
    [
      'with a claim of another kind',
      () => ({ claims: { repository_owner: { acme: true }, repository: 1 } }),
      /rule/,
    ],
    [
      'with almost the claim',
      () => ({ claims: { repository_owner: 'acme2', repository: 'acme/toolsy' } }),
      /rule/,
    ],
  ]
  for (const [what, minting, why] of wrong) {
    it(what, async () => {
      await isRefused(bench, present(await minting()), 'invalid_grant', why)
    })
  }

  it('that says no typ is taken as one', async () => {
    assert.ok(await present({ header: { typ: undefined } }))
  })

  it('that is signed by nobody, or no JWT at all', async () => {
    const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = {
      iss: issuer.issuer,
      sub: REPO,
      aud: ISSUER,
      iat: seconds(),
      exp: seconds() + 60,
    }
    for (const assertion of [
      `${encoded({ alg: 'none' })}.${encoded(claims)}.`,
      'a.b.c',
      'x',
      'x'.repeat(20_000),
    ]) {
      const asked = ask(bench, JWT_BEARER, { assertion, resource: FILES })
      await isRefused(bench, asked, 'invalid_grant')
      assert.doesNotMatch(JSON.stringify(bench.noted.at(-1)), /eyJ|xxx/)
    }
  })

  it('when its issuer lends its name to the key of another', async () => {
    const assertion = await stranger.mint(github({ claims: { iss: issuer.issuer } }))
    await isRefused(bench, ask(bench, JWT_BEARER, { assertion, resource: FILES }), 'invalid_grant')
  })

  // WI9, CO2
  it('by another error when what is wrong is what is asked for', async () => {
    const wrongAsk: readonly [Loose, string][] = [
      [{ scope: 'files:write' }, 'invalid_scope'],
      [{ scope: 'files:read files:admin' }, 'invalid_scope'],
      [{ scope: 'tool:files.gone' }, 'invalid_scope'],
      [{ scope: 'openid' }, 'invalid_scope'],
      [{ resource: undefined }, 'invalid_target'],
      [{ resource: OTHER }, 'invalid_target'],
      [{ resource: ALL }, 'invalid_target'],
      [{ resource: `${FILES}/` }, 'invalid_target'],
      [{ resource: 'https://evil.example/mcp/files' }, 'invalid_target'],
      [{ resource: [FILES, OTHER] }, 'invalid_request'],
      [{ assertion: undefined }, 'invalid_request'],
      [{ assertion: ['a', 'b'] }, 'invalid_request'],
      [{ scope: ['a', 'b'] }, 'invalid_request'],
    ]
    for (const [params, code] of wrongAsk) await isRefused(bench, present({}, params), code)
  })
})

describe('an identity that was used', () => {
  // WI2, CO4
  it('is good for one token of many that ask at once', async () => {
    const assertion = await issuer.mint(github())
    const all = await Promise.allSettled(
      Array.from({ length: 32 }, () => ask(bench, JWT_BEARER, { assertion, resource: FILES })),
    )
    assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1)
  })

  it('is used up by its jti, or by what is signed where it has none', async () => {
    const jti = randomUUID()
    await present({ claims: { jti } })
    await isRefused(
      bench,
      present({ claims: { jti, run_attempt: '2' } }),
      'invalid_grant',
      /before/,
    )
    const assertion = await issuer.mint(github({ claims: { jti: undefined } }))
    await ask(bench, JWT_BEARER, { assertion, resource: FILES })
    const again = ask(bench, JWT_BEARER, { assertion, resource: FILES })
    await isRefused(bench, again, 'invalid_grant', /before/)
  })

  it('is not used up by a request that fails for another reason', async () => {
    const assertion = await issuer.mint(github())
    const asked = (more: Loose) => ask(bench, JWT_BEARER, { assertion, resource: FILES, ...more })
    await isRefused(bench, asked({ scope: 'files:admin' }), 'invalid_scope')
    await isRefused(bench, asked({ resource: OTHER }), 'invalid_target')
    await assert.rejects(
      bench.grants.answer(
        JWT_BEARER,
        {
          params: { assertion, resource: FILES },
          client: undefined,
          prove: () => Promise.reject(new Error('use_dpop_nonce')),
        },
        async () => ({ tokenId: '' }),
      ),
      /use_dpop_nonce/,
    )
    assert.ok(await asked({}))
  })
})
