// What a class scope covers is what it covered when it was given, however much its server grows.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { makeFolder, until } from '../stories/house.ts'
import { modern, type Answer } from '../stories/raw.ts'
import { seconds, startIssuer, type FakeIssuer } from './fake-issuer.ts'
import { bearer, calling, isShort, listing, openGuarded, send } from './guarded-house.ts'
import type { GuardedHouse } from './guarded-house.ts'

const GROWING = {
  command: process.execPath,
  args: [fileURLToPath(new URL('growing.ts', import.meta.url))],
  era: 'legacy',
}

describe('a class scope', () => {
  const folder = makeFolder()
  const issuers = new Map<string, FakeIssuer>()
  let house: GuardedHouse

  const open = async (): Promise<GuardedHouse> => {
    const of = (name: string): string => issuers.get(name)?.issuer ?? ''
    return openGuarded({
      servers: { growing: GROWING },
      data: folder.path,
      // Its address is part of every audience, and the house is opened twice.
      listen: { publicUrl: 'http://localhost:1' },
      auth: {
        issuers: [
          { issuer: of('tool') },
          { issuer: of('class'), stepUp: 'class' },
          { issuer: of('off'), stepUp: 'off' },
          { issuer: of('growing'), classes: 'growing' },
        ],
      },
    })
  }
  before(async () => {
    for (const name of ['tool', 'class', 'off', 'growing']) issuers.set(name, await startIssuer())
    house = await open()
  })
  after(async () => {
    await house[Symbol.asyncDispose]()
    for (const one of issuers.values()) await one[Symbol.asyncDispose]()
    folder[Symbol.dispose]()
  })

  const tokenOf = async (by: string, claims: object = {}): Promise<string> => {
    const issuer = issuers.get(by)
    assert.ok(issuer)
    const usual = { aud: 'http://localhost:1/mcp/growing', scope: 'growing:write' }
    return issuer.mint({ claims: { ...usual, ...claims } })
  }
  const call = async (tool: string, by = 'tool', claims = {}): Promise<Answer> =>
    send(house, calling(tool, bearer(await tokenOf(by, claims))), 'growing')
  const listed = async (by: string): Promise<readonly string[]> => {
    const { json } = await send(house, listing(bearer(await tokenOf(by))), 'growing')
    const names: readonly string[] = json.result.tools.map(({ name }: { name: string }) => name)
    return names.filter((name) => !name.startsWith('countersign_'))
  }
  const become = async (how: string, isSo: () => Promise<boolean>): Promise<void> => {
    const scope = 'tool:growing.become'
    const headers = bearer(await tokenOf('tool', { scope, sub: 'operator' }))
    const params = { name: 'become', arguments: { how } }
    assert.equal(
      (await send(house, modern('tools/call', { params, headers }), 'growing')).status,
      200,
    )
    await until(`it became ${how}`, isSo)
  }
  const isThere = async (): Promise<boolean> => (await listed('growing')).includes('new')

  it('covers what is there when it is first used', async () => {
    for (const by of issuers.keys()) assert.equal((await call('old', by)).status, 200, by)
  })

  it('does not come to cover what is added; lists and calls are of one opinion', async () => {
    // AS38, SC2, RS4
    await become('more', isThere)
    isShort(await call('new'), 'tool:growing.new')
    // The class is what its client holds already: asking for it again would go round and round.
    isShort(await call('new', 'class'), 'tool:growing.new')
    assert.equal((await call('new', 'off')).status, 403)
    assert.deepEqual(await listed('off'), ['become', 'old'])
    assert.deepEqual(await listed('tool'), ['become', 'new', 'old'])
    for (const by of issuers.keys()) assert.equal((await call('old', by)).status, 200, by)
  })

  it('is of when each client first used it, and a tool can be asked for beside it', async () => {
    // AS38
    assert.equal((await call('new', 'tool', { client_id: 'newer' })).status, 200)
    assert.equal((await call('new', 'tool', { sub: 'bob' })).status, 200)
    const scope = 'growing:write tool:growing.new'
    assert.equal((await call('new', 'tool', { scope })).status, 200)
    assert.equal((await call('new')).status, 403)
  })

  it('grows with its server where the operator wants it to', async () => {
    assert.equal((await call('new', 'growing')).status, 200)
  })

  it('is not made to mean more by a claim of somebody else’s issuer', async () => {
    // AS38
    assert.equal((await call('new', 'tool', { cat: 1e9 })).status, 403)
  })

  it('does not cover what became riskier, and covers it again when that was taken back', async () => {
    const isRisky = async (): Promise<boolean> => (await call('old')).status === 403
    await become('riskier', isRisky)
    isShort(await call('old'), 'tool:growing.old')
    const wide = { scope: 'growing:write', sub: 'carol' }
    assert.equal((await call('old', 'tool', wide)).status, 200)
    await become('safe', async () => (await call('old', 'tool', wide)).status === 200)
  })

  it('is remembered over a restart', async () => {
    // AS38
    await house[Symbol.asyncDispose]()
    house = await open()
    isShort(await call('new'), 'tool:growing.new')
    assert.equal((await call('new', 'tool', { sub: 'bob' })).status, 200)
  })

  it('means the tools of now for whoever was revoked and comes back', async () => {
    const user = `${issuers.get('tool')?.issuer ?? ''}#ada`
    await house.house.admin.revoke({ user })
    assert.equal((await call('new')).status, 401)
    assert.equal((await call('new', 'tool', { iat: seconds() + 2 })).status, 200)
  })
})
