// Everything that is governed leaves an entry of a kind that is known, and a receipt that leads to it.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { entryLeaf, toBase64 } from '@countersign/contract/ledger/index'
import { problemOfBody } from '@countersign/contract/ledger/entries'
import { startIssuer, type FakeIssuer } from '../auth/fake-issuer.ts'
import { bearer, calling, openGuarded, send, type GuardedHouse } from '../auth/guarded-house.ts'
import { makeFolder, openTestHouse, until, type TestHouse } from '../stories/house.ts'
import { ask, modern } from '../stories/raw.ts'
import { callPeer, exported, openLedgerHouse, PEER } from './ledger-house.ts'

const RECEIPT = 'dev.countersign/receipt'

/** What no kind of entry allows, or no kind there is. */
async function strangeIn({ house }: Pick<TestHouse, 'house'>): Promise<readonly string[]> {
  const entries = await house.ledger.read({ after: 0 })
  return entries.flatMap(({ kind, body }) => {
    const problem = problemOfBody(kind, body)
    return problem === undefined ? [] : [`${kind}: ${problem}`]
  })
}

const kindsIn = async ({ house }: Pick<TestHouse, 'house'>): Promise<ReadonlySet<string>> =>
  new Set((await house.ledger.read({ after: 0 })).map(({ kind }) => kind))

describe('the entries of a house', { timeout: 60_000 }, () => {
  it('are all of the kinds that are known, in the shapes that are told (AU-001, AU-002)', async () => {
    using folder = makeFolder()
    {
      await using house = await openLedgerHouse(folder.path)
      const { admin } = house.house
      await callPeer(house, 'echo')
      await callPeer(house, 'seen')
      const { brake } = await admin.pullBrake({ stopped: { what: 'everything' }, reason: 'test' })
      await admin.releaseBrake({ id: brake.id, reason: 'test' })
      await admin.revoke({ token: 'some-token' })
      await admin.rotateLedgerKey({})
      const kinds = await kindsIn(house)
      for (const kind of [
        'definitions.admitted',
        'call.opened',
        'call.closed',
        'brake.pulled',
        'brake.released',
        'revoked',
        'ledger.key',
      ]) {
        assert.ok(kinds.has(kind), kind)
      }
      assert.ok(!kinds.has('config.changed'))
      assert.deepEqual(await strangeIn(house), [])
    }
    const plan = { data: folder.path, tasks: { after: '3 s' } }
    await using house = await openTestHouse({
      ...plan,
      servers: { peer: { ...PEER, env: { TOKEN: 'not to be told' } } },
    })
    const changed = (await house.entries()).filter(({ kind }) => kind === 'config.changed')
    assert.deepEqual(
      changed.map(({ body }) => body['sections']),
      [['ledger', 'servers', 'tasks'].filter((one) => one !== 'ledger')],
    )
    assert.deepEqual(await strangeIn(house), [])
  })

  it('are named by the receipts of answers: with their number as soon as there is one (AU-010)', async () => {
    using folder = makeFolder()
    await using house = await openLedgerHouse(folder.path)
    const read = (await callPeer(house, 'echo'))._meta[RECEIPT]
    const written = (await callPeer(house, 'seen'))._meta[RECEIPT]
    assert.deepEqual(Object.keys(read), ['call', 'leaf'])
    assert.deepEqual(Object.keys(written), ['call', 'entry', 'leaf'])
    const lines = (await exported(house)).map((line) => JSON.parse(line))
    const at = (entry: number) => lines.find(({ n }) => n === entry - 1)
    assert.equal(at(written.entry).leaf, written.leaf)
    assert.equal(at(written.entry).entry.call, written.call)
    const leaves = lines.filter(({ leaf }) => leaf === read.leaf)
    assert.equal(leaves.length, 1)
    assert.equal(toBase64(entryLeaf(leaves[0].entry)), read.leaf)
    assert.equal(leaves[0].entry.kind, 'call.opened')
  })

  it('are none for what is no call: our own tools, and what is not there (AU-011)', async () => {
    using folder = makeFolder()
    await using house = await openLedgerHouse(folder.path)
    const params = { name: 'countersign_pending', arguments: {} }
    const { json } = await ask(house.at(), modern('tools/call', { params }))
    assert.ok(json.result.content)
    assert.equal(json.result._meta?.[RECEIPT], undefined)
    assert.ok(!(await kindsIn(house)).has('call.opened'))
  })
})

describe('who cannot prove who they are', { timeout: 60_000 }, () => {
  let issuer: FakeIssuer
  let house: GuardedHouse
  before(async () => {
    issuer = await startIssuer()
    house = await openGuarded({ auth: { issuers: [{ issuer: issuer.issuer }] } })
  })
  after(async () => {
    await house[Symbol.asyncDispose]()
    await issuer[Symbol.asyncDispose]()
  })

  it('is written down, without what they showed; a flood of them is counted (AU-003, AU-004)', async () => {
    const forged = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2VjcmV0'
    for (let at = 0; at < 35; at++) {
      assert.equal((await send(house, calling('echo', bearer(forged)))).status, 401)
    }
    const refused = await until('they are written down', async () => {
      const entries = await house.house.ledger.read({ after: 0 })
      const found = entries.filter(({ kind }) => kind === 'caller.refused')
      return found.length >= 30 ? found : undefined
    })
    assert.equal(refused.length, 30)
    assert.ok(!JSON.stringify(refused).includes('c2VjcmV0'))
    assert.equal(refused[0]?.body['view'], 'peer')
    assert.deepEqual(await strangeIn(house), [])
  })
})
