import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { systemWorld } from '#base'
import { openStore, RECORD_TABLES, storeRecords } from '#store'
import { silentLog } from '#telemetry'
import { openRevocations, type Issued, type Revocations, type Revoked } from './revocations.ts'

const ISSUER = 'https://idp.example'

/** Nodes over one store, at a time that the test sets. */
async function openNodes(count: number) {
  const clock = { now: 1_000 }
  const world = { ...systemWorld, now: () => clock.now }
  const records = storeRecords(world, openStore(':memory:', [RECORD_TABLES]))
  const open = (): Promise<Revocations> =>
    openRevocations({ world, log: silentLog, records, isShared: false })
  return { clock, open, nodes: await Promise.all(Array.from({ length: count }, open)) }
}

const ada: Issued = {
  id: `${ISSUER}#ada`,
  tokenId: 't1',
  grantId: 'g1',
  client: 'https://client.example',
  issuedAt: 900,
}

test('a token, its consent, its principal and its client each take it along', async () => {
  // AS39
  for (const what of [
    { kind: 'token', id: 't1' },
    { kind: 'grant', id: 'g1' },
    { kind: 'user', id: `${ISSUER}#ada` },
    { kind: 'client', id: 'https://client.example' },
  ] as const) {
    const { nodes } = await openNodes(1)
    const [node] = nodes
    assert.equal(node?.isRevoked(ada), false)
    await node?.revoke(what)
    assert.equal(node?.isRevoked(ada), true, what.kind)
    const another = {
      id: `${ISSUER}#bob`,
      tokenId: 't2',
      grantId: 'g2',
      client: 'c',
      issuedAt: 900,
    }
    assert.equal(node?.isRevoked(another), false, what.kind)
  }
})

test('what a principal is given afterwards is theirs again; what says no time is from before', async () => {
  const { nodes } = await openNodes(1)
  const [node] = nodes
  await node?.revoke({ kind: 'user', id: ada.id })
  assert.equal(node?.isRevoked({ ...ada, issuedAt: 1_000 }), true)
  assert.equal(node?.isRevoked({ ...ada, issuedAt: 2_000 }), false)
  assert.equal(node?.isRevoked({ ...ada, issuedAt: undefined }), true)
})

test('whoever acts for somebody is revoked with them, and by themselves', async () => {
  // GV3
  const actors = [{ subject: 'robot', issuer: ISSUER, client: 'robots' }]
  for (const what of [
    { kind: 'user', id: `${ISSUER}#robot` },
    { kind: 'client', id: 'robots' },
  ] as const) {
    const { nodes } = await openNodes(1)
    await nodes[0]?.revoke(what)
    assert.equal(nodes[0]?.isRevoked({ ...ada, actors }), true, what.id)
    assert.equal(nodes[0]?.isRevoked(ada), false, what.id)
  }
})

test('every node knows what another one revoked once it has looked, and so does the next start', async () => {
  // AS39
  const kind = fc.constantFrom('token' as const, 'grant' as const, 'user' as const)
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ kind, id: fc.constantFrom('a', 'b', 'c') }), { maxLength: 8 }),
      async (all: readonly Revoked[]) => {
        const { nodes, open } = await openNodes(2)
        for (const [at, one] of all.entries()) await nodes[at % 2]?.revoke(one)
        const looked = [...nodes, await open()]
        for (const node of looked) await node.refresh()
        for (const id of ['a', 'b', 'c']) {
          for (const facts of [
            { id: 'x', tokenId: id },
            { id: 'x', grantId: id },
            { id, issuedAt: 1 },
          ]) {
            const [first, ...rest] = looked.map((node) => node.isRevoked(facts))
            assert.ok(rest.every((one) => one === first))
            const by = 'tokenId' in facts ? 'token' : 'grantId' in facts ? 'grant' : 'user'
            assert.equal(
              first,
              all.some((one) => one.kind === by && one.id === id),
            )
          }
        }
      },
    ),
    { numRuns: 30 },
  )
})

test('what is under way ends when it is revoked, here or elsewhere, and only then', async () => {
  const { nodes } = await openNodes(2)
  const [one, other] = nodes
  const ended: string[] = []
  const watch = (name: string, issued: Issued): (() => void) | undefined =>
    one?.whenRevoked(issued, () => void ended.push(name))
  watch('ada', ada)
  watch('bob', { ...ada, id: `${ISSUER}#bob`, tokenId: 't2', grantId: 'g2', client: 'c' })
  watch('gone', ada)?.()
  await other?.revoke({ kind: 'token', id: 't1' })
  assert.deepEqual(ended, [])
  await one?.refresh()
  assert.deepEqual(ended, ['ada'])
  await one?.revoke({ kind: 'client', id: 'c' })
  assert.deepEqual(ended, ['ada', 'bob'])
})

test('where others share the records a node looks by itself, twice a second, until it is closed', async () => {
  // AS39
  const records = storeRecords(systemWorld, openStore(':memory:', [RECORD_TABLES]))
  const waits: { readonly ms: number; readonly go: () => void }[] = []
  const begun = Promise.withResolvers<void>()
  const world = {
    ...systemWorld,
    wait: (ms: number): Promise<void> =>
      new Promise((go) => {
        waits.push({ ms, go })
        begun.resolve()
      }),
  }
  const rooms = { log: silentLog, records }
  const looking = await openRevocations({ ...rooms, world, isShared: true })
  const other = await openRevocations({ ...rooms, world: systemWorld, isShared: false })
  await begun.promise
  const ended = Promise.withResolvers<void>()
  looking.whenRevoked(ada, ended.resolve)
  await other.revoke({ kind: 'token', id: 't1' })
  const [first] = waits
  assert.ok(first && first.ms <= 500)
  first.go()
  await ended.promise
  assert.equal(looking.isRevoked(ada), true)
  looking.close()
})
