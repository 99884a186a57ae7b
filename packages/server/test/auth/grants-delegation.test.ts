import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { JsonObject } from '@countersign/contract'
import { ACCESS_TOKEN } from '../../src/auth/grants/delegation.ts'
import { TOKEN_EXCHANGE } from '../../src/auth/grants/make-grants.ts'
import { seconds, startIssuer } from './fake-issuer.ts'
import {
  ALL,
  ask,
  FILES,
  ISSUER,
  isRefused,
  openBench,
  OTHER,
  workloadIssuer,
  type Asking,
  type Bench,
} from './grants-bench.ts'

type Loose = Readonly<Record<string, unknown>>

const AGENT = { id: 'agent', isAuthenticated: true }
const link = (sub: string) => ({ sub, iss: ISSUER, client_id: sub })
const JWT = 'urn:ietf:params:oauth:token-type:jwt'

/** A token of ours about Ada, and what it says. */
function held(bench: Bench, more: JsonObject = {}): string {
  const token = `token ${String(bench.own.size)}`
  bench.own.set(token, {
    iss: ISSUER,
    sub: 'ada',
    aud: FILES,
    client_id: 'app',
    scope: 'files:write mcp:discover',
    jti: token,
    exp: seconds() + 300,
    cat: 3,
    gid: 'grant',
    ...more,
  })
  return token
}

const opened = (): Bench =>
  openBench({ delegation: { clients: ['agent', 'helper-*'], lifetimeMs: 120_000 } })

const exchange = (bench: Bench, token: string, params: Loose = {}, asking: Asking = {}) =>
  ask(
    bench,
    TOKEN_EXCHANGE,
    { subject_token: token, subject_token_type: ACCESS_TOKEN, ...params },
    { client: AGENT, ...asking },
  )

const chain = (length: number): JsonObject | undefined => {
  let act: JsonObject | undefined
  for (let at = 0; at < length; at++) act = { sub: `actor-${at}`, ...(act ? { act } : {}) }
  return act
}
const acted = (length: number): JsonObject => {
  const act = chain(length)
  return act ? { act } : {}
}

describe('whoever acts for somebody', () => {
  // GV3
  it('gets a token about them that says who acts, and no more than theirs', async () => {
    await using bench = opened()
    const granting = await exchange(bench, held(bench), { scope: 'files:read' })
    assert.equal(granting.subject, 'ada')
    assert.equal(granting.client, 'agent')
    assert.equal(granting.resource.url, FILES)
    assert.deepEqual(granting.scopes, ['files:read'])
    // What the class meant when Ada agreed to it is what it means for those who act for her.
    assert.deepEqual(granting.claims, { cat: 3, gid: 'grant', act: link('agent') })
    assert.equal(granting.lifetimeMs, 120_000)
    assert.deepEqual(bench.noted.at(-1)?.body['act'], link('agent'))
  })

  it('without naming any gets the scopes that there are', async () => {
    await using bench = opened()
    const { scopes } = await exchange(bench, held(bench))
    assert.deepEqual(scopes, ['files:write', 'mcp:discover'])
  })

  // GV3: [what the token says, what is asked for, the error]
  const wider: readonly [string, JsonObject, Loose, string][] = [
    ['a broader class', {}, { scope: 'files:admin' }, 'invalid_scope'],
    ['one scope too many', {}, { scope: 'files:read files:admin' }, 'invalid_scope'],
    ['a tool of a class as it is now', {}, { scope: 'tool:files.put' }, 'invalid_scope'],
    ['another resource', {}, { resource: OTHER }, 'invalid_target'],
    ['all servers for one', {}, { resource: ALL }, 'invalid_target'],
    ['a resource that is none', {}, { resource: 'https://evil.example/mcp' }, 'invalid_target'],
    ['an audience', {}, { audience: FILES }, 'invalid_target'],
    ['a token for nobody here', { aud: 'https://evil.example/mcp' }, {}, 'invalid_target'],
    ['scopes where there are none', { scope: '' }, {}, 'invalid_scope'],
    ['another kind of token', {}, { requested_token_type: JWT }, 'invalid_request'],
    ['for another kind of token', {}, { subject_token_type: JWT }, 'invalid_request'],
    ['for no kind of token', {}, { subject_token_type: undefined }, 'invalid_request'],
    ['more time than is left', { exp: seconds() }, {}, 'invalid_grant'],
  ]
  for (const [what, claims, params, code] of wider) {
    it(`is refused ${what}`, async () => {
      await using bench = opened()
      await isRefused(bench, exchange(bench, held(bench, claims), params), code)
    })
  }

  it('may go from all servers to some, and from one view to the same', async () => {
    await using bench = opened()
    const narrower = await exchange(bench, held(bench, { aud: ALL }), { resource: FILES })
    assert.equal(narrower.resource.url, FILES)
    assert.ok(await exchange(bench, held(bench), { resource: FILES }))
  })

  it('has no longer than the one it acts for', async () => {
    await using bench = opened()
    const exp = seconds() + 30
    const { lifetimeMs } = await exchange(bench, held(bench, { exp }))
    assert.ok(lifetimeMs > 0 && lifetimeMs <= 30_000, String(lifetimeMs))
  })

  // GV4
  it('is one of four at most', async () => {
    await using bench = opened()
    for (const before of [0, 1, 2, 3]) {
      const { claims } = await exchange(bench, held(bench, acted(before)))
      assert.deepEqual(claims['act'], { ...link('agent'), ...acted(before) })
    }
    const fifth = exchange(bench, held(bench, acted(4)))
    await isRefused(bench, fifth, 'invalid_grant', /More than 4/)
  })

  it('has to be named, by the operator or by the token', async () => {
    await using bench = opened()
    const asked = (id: string, claims: JsonObject = {}) =>
      exchange(bench, held(bench, claims), {}, { client: { id, isAuthenticated: true } })
    assert.ok(await asked('helper-1'))
    await isRefused(bench, asked('stranger'), 'unauthorized_client')
    assert.ok(await asked('stranger', { may_act: { sub: 'stranger' } }))
    assert.ok(await asked('stranger', { may_act: { client_id: 'stranger', iss: ISSUER } }))
    const elsewhere = { may_act: { sub: 'stranger', iss: 'https://evil.example' } }
    await isRefused(bench, asked('stranger', elsewhere), 'unauthorized_client')
  })

  it('has to prove who it is', async () => {
    await using bench = opened()
    const client = { id: 'agent', isAuthenticated: false }
    await isRefused(bench, exchange(bench, held(bench), {}, { client }), 'invalid_client')
  })

  it('needs a token that is ours and still good', async () => {
    await using bench = opened()
    await isRefused(bench, exchange(bench, 'of somebody else'), 'invalid_grant', /no longer good/)
    const revoked = held(bench)
    bench.own.delete(revoked)
    await isRefused(bench, exchange(bench, revoked), 'invalid_grant', /no longer good/)
  })

  it('gets no token for everybody out of one that is bound to a key', async () => {
    await using bench = opened()
    const bound = held(bench, { cnf: { jkt: 'app' } })
    await isRefused(bench, exchange(bench, bound), 'invalid_dpop_proof')
    assert.equal((await exchange(bench, bound, {}, { jkt: 'agent' })).jkt, 'agent')
  })
})

describe('a program that acts for somebody', () => {
  it('shows who it is by its platform, and has no more than both of them may', async () => {
    await using platform = await startIssuer()
    await using bench = openBench({
      delegation: { clients: ['workload:ci:builder'], lifetimeMs: 60_000 },
      workloads: [
        workloadIssuer({
          issuer: platform.issuer,
          rules: [{ claims: { sub: 'builder' }, views: ['files'], scopes: ['files:read'] }],
        }),
      ],
    })
    const actor = (sub = 'builder') =>
      platform.mint({ header: { typ: 'JWT' }, claims: { sub, aud: ISSUER, client_id: undefined } })
    const asked = (actor_token: string, claims: JsonObject = {}) =>
      ask(bench, TOKEN_EXCHANGE, {
        subject_token: held(bench, claims),
        subject_token_type: ACCESS_TOKEN,
        actor_token,
        actor_token_type: JWT,
      })
    const token = await actor()
    const granting = await asked(token)
    assert.equal(granting.subject, 'ada')
    assert.equal(granting.client, 'workload:ci:builder')
    assert.deepEqual(granting.claims['act'], link('workload:ci:builder'))
    assert.deepEqual(granting.scopes.toSorted(), ['files:read', 'mcp:discover'])
    await isRefused(bench, asked(token), 'invalid_grant', /before/)
    await isRefused(bench, asked(await actor('other')), 'invalid_grant', /rule/)
    const elsewhere = asked(await actor(), { aud: OTHER })
    await isRefused(bench, elsewhere, 'invalid_target')
  })
})
