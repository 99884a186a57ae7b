// Keys come and go, issuers fall over, and metadata may lie.

import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { systemWorld, type World } from '#base'
import { INTROSPECTING, makeKey, seconds, startIssuer, type FakeIssuer } from './fake-issuer.ts'
import {
  bearer,
  challenged,
  listing,
  openGuarded,
  send,
  type GuardedHouse,
} from './guarded-house.ts'

const MINUTE_MS = 60_000

let issuer: FakeIssuer
beforeEach(async () => {
  issuer = await startIssuer()
})
afterEach(() => issuer[Symbol.asyncDispose]())

/** A world in which the story says how late it is. */
function clock(): World & { later: (ms: number) => void } {
  let ahead = 0
  return {
    ...systemWorld,
    now: () => systemWorld.now() + ahead,
    monotonic: () => systemWorld.monotonic() + ahead,
    later: (ms) => {
      ahead += ms
    },
  }
}

const open = (more = {}, world?: World): Promise<GuardedHouse> =>
  openGuarded({
    auth: { issuers: [{ issuer: issuer.issuer, ...more }] },
    ...(world ? { world } : {}),
  })

const status = async (house: GuardedHouse, token: string): Promise<number> =>
  (await send(house, listing(bearer(token)))).status

const fresh = (house: GuardedHouse, claims = {}): Promise<string> =>
  issuer.mint({ claims: { aud: house.audience('peer'), exp: seconds() + 86_400, ...claims } })

describe('keys', () => {
  it('are fetched once, and a known token asks for nothing', async () => {
    await using house = await open()
    const token = await fresh(house)
    const all = await Promise.all(Array.from({ length: 20 }, () => status(house, token)))
    assert.deepEqual(new Set(all), new Set([200]))
    assert.equal(await status(house, await fresh(house)), 200)
    assert.equal(issuer.asked.get('/jwks'), 1)
  })

  it('that are new are found, and those that are gone are gone within minutes', async () => {
    const world = clock()
    await using house = await open({}, world)
    const before = await fresh(house)
    assert.equal(await status(house, before), 200)
    await issuer.rotate()
    world.later(MINUTE_MS)
    assert.equal(await status(house, await fresh(house)), 200)
    assert.equal(issuer.asked.get('/jwks'), 2)
    world.later(5 * MINUTE_MS)
    assert.equal(await status(house, before), 401)
  })

  it('that nobody knows do not become a flood of questions', async () => {
    await using house = await open()
    assert.equal(await status(house, await fresh(house)), 200)
    const key = await makeKey()
    for (let at = 0; at < 10; at++) {
      const claims = { aud: house.audience('peer') }
      assert.equal(await status(house, await issuer.mint({ claims, key })), 401)
    }
    assert.ok((issuer.asked.get('/jwks') ?? 0) <= 2)
  })

  it('are used for an hour while their issuer is down, and no longer', async () => {
    const world = clock()
    await using house = await open({}, world)
    assert.equal(await status(house, await fresh(house)), 200)
    issuer.isDown = true
    world.later(30 * MINUTE_MS)
    assert.equal(await status(house, await fresh(house)), 200)
    world.later(31 * MINUTE_MS)
    const answer = await send(house, listing(bearer(await fresh(house))))
    assert.equal(answer.status, 503)
    assert.equal(answer.headers['retry-after'], '1')
    assert.equal(challenged(answer), '')
    issuer.isDown = false
    world.later(MINUTE_MS)
    assert.equal(await status(house, await fresh(house)), 200)
  })
})

describe('an issuer', () => {
  it('whose metadata speaks of another is not believed', async () => {
    issuer.metadata = { issuer: 'http://127.0.0.1:1' }
    await using house = await open()
    assert.equal(await status(house, await fresh(house)), 503)
    assert.equal(issuer.asked.get('/jwks'), undefined)
  })

  it('with a path is found where RFC 8414 puts it, else where OpenID Connect does', async () => {
    for (const isOpenIdOnly of [false, true]) {
      await using deep = await startIssuer('/realms/work')
      const inserted = '/.well-known/oauth-authorization-server/realms/work'
      if (isOpenIdOnly) deep.hidden.add(inserted)
      await using house = await openGuarded({ auth: { issuers: [{ issuer: deep.issuer }] } })
      const token = await deep.mint({ claims: { aud: house.audience('peer') } })
      assert.equal(await status(house, token), 200)
      const others = [
        '/.well-known/openid-configuration/realms/work',
        '/realms/work/.well-known/openid-configuration',
      ]
      assert.deepEqual([...deep.asked.keys()], [inserted, ...(isOpenIdOnly ? others : []), '/jwks'])
    }
  })

  it('whose keys are configured is never asked about itself', async () => {
    await using house = await open({ jwksUri: `${issuer.issuer}/jwks` })
    assert.equal(await status(house, await fresh(house)), 200)
    assert.deepEqual([...issuer.asked.keys()], ['/jwks'])
  })

  it('that sends us elsewhere is not followed, and nobody there is connected to', async () => {
    // SS1, SS9
    let connections = 0
    const trap = createServer((socket) => {
      connections++
      socket.destroy()
    })
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve))
    const { port } = trap.address() as { port: number }
    try {
      for (const jwks_uri of [
        `http://192.168.0.1:${port}/jwks`,
        `http://169.254.169.254/latest/meta-data`,
        `http://[::ffff:127.0.0.1]:${port}/jwks`,
        `http://user:pass@127.0.0.1:${port}/jwks`,
        `file:///etc/passwd`,
        `http://127.0.0.1:${port}/jwks#x`,
      ]) {
        issuer.metadata = { jwks_uri }
        await using house = await open()
        assert.equal(await status(house, await fresh(house)), 503, jwks_uri)
      }
      assert.equal(connections, 0)
    } finally {
      trap.close()
    }
  })
})

describe('an opaque token', () => {
  const secret = '${SECRET}'
  const plan = { introspection: { clientId: INTROSPECTING.clientId, clientSecret: secret } }
  const knowing: World = {
    ...systemWorld,
    env: (name) => (name === 'SECRET' ? INTROSPECTING.clientSecret : systemWorld.env(name)),
  }
  const active = (house: GuardedHouse) => ({
    active: true,
    sub: 'ada',
    aud: house.audience('peer'),
    scope: 'mcp:discover',
    client_id: 'story',
    exp: seconds() + 600,
  })

  it('is asked about once, and not again for a while', async () => {
    await using house = await open(plan, knowing)
    issuer.opaque.set('abc', active(house))
    const all = await Promise.all(Array.from({ length: 10 }, () => status(house, 'abc')))
    assert.deepEqual(new Set(all), new Set([200]))
    assert.equal(issuer.asked.get('/introspect'), 1)
  })

  it('that was revoked is refused within half a minute', async () => {
    const world = { ...clock(), env: knowing.env }
    await using house = await open(plan, world)
    issuer.opaque.set('abc', active(house))
    assert.equal(await status(house, 'abc'), 200)
    issuer.opaque.delete('abc')
    world.later(30_001)
    assert.equal(await status(house, 'abc'), 401)
  })

  it('is refused when it is not active, or not for us', async () => {
    await using house = await open(plan, knowing)
    const good = active(house)
    const wrong: readonly (readonly [string, Record<string, unknown>])[] = [
      ['inactive', { active: false }],
      ['truthy', { ...good, active: 'true' }],
      ['elsewhere', { ...good, aud: house.audience() }],
      ['nobody', { ...good, aud: undefined }],
      ['expired', { ...good, exp: 1 }],
      ['forever', { ...good, exp: undefined }],
      ['other', { ...good, iss: 'https://other.example' }],
      ['subjectless', { ...good, sub: undefined }],
      ['bound', { ...good, cnf: { jkt: 'x' } }],
    ]
    for (const [token, says] of wrong) {
      issuer.opaque.set(token, says)
      assert.equal(await status(house, token), 401, token)
    }
    assert.equal(await status(house, 'unheard-of'), 401)
  })

  it('is not the only kind that can be revoked, where its issuer is always asked', async () => {
    const world = { ...clock(), env: knowing.env }
    const always = { introspection: { ...plan.introspection, always: true } }
    await using house = await open(always, world)
    const token = await fresh(house)
    assert.equal(await status(house, token), 401)
    world.later(5_001)
    issuer.opaque.set(token, active(house))
    assert.equal(await status(house, token), 200)
    issuer.opaque.delete(token)
    assert.equal(await status(house, token), 200)
    world.later(30_001)
    assert.equal(await status(house, token), 401)
  })

  it('of which nobody can say anything is nobody’s fault but ours', async () => {
    await using house = await open(plan, knowing)
    issuer.isDown = true
    assert.equal(await status(house, 'abc'), 503)
  })

  it('is not understood where no issuer is asked', async () => {
    await using house = await open()
    const answer = await send(house, listing(bearer('abc')))
    assert.match(challenged(answer), /not understood/)
    assert.equal(issuer.asked.size, 0)
  })
})
