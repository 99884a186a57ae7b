// Many nodes, one ledger in Postgres: order, signing, nodes that die, answers that are lost.

import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import { openLedger, postgresLedger, type Ledger, type PostgresLedger } from '#audit'
import { systemWorld, type World } from '#base'
import { textAt } from '@countersign/contract'
import { found, testServer } from './database.ts'
import { audited, openingOf, treeOver } from './ledger-suite.ts'

const isWrite = (sql: string): boolean => sql.startsWith('SELECT countersign_ledger.write(')

const CLOSING = { outcome: 'answered', isError: false, durationMs: 1 } as const

/** A world whose clock for durations is `late` ahead once it is said. */
function lateWorld(): World & { lateMs: number } {
  const world = {
    ...systemWorld,
    lateMs: 0,
    monotonic: () => systemWorld.monotonic() + world.lateMs,
  }
  return world
}

if ('why' in found) {
  test('Postgres: nodes of one ledger were not tried', { skip: found.why }, () => undefined)
} else {
  const { database, connect } = testServer(found.bin)
  const open = async (address: string, leaseMs?: number): Promise<PostgresLedger> => {
    const link = await connect(address)
    return postgresLedger({ world: systemWorld, link, ...(leaseMs ? { leaseMs } : {}) })
  }
  const kindsOf = async (ledger: Ledger, call: string): Promise<readonly string[]> =>
    (await ledger.of(call)).map(({ kind, body }) => `${kind} ${textAt(body, 'reason')}`)

  describe('nodes of one ledger', () => {
    // ND-001
    it('write and sign at the same time, and any of them proves what any of them wrote', async () => {
      const address = await database()
      const stores = [await open(address), await open(address), await open(address)]
      const trees = stores.map(treeOver)
      const work = stores.map(async (store, node) => {
        const ledger = openLedger(systemWorld, store, 'ahead')
        for (let round = 0; round < 15; round++) {
          const calls = Array.from({ length: 8 }, (_, at) => `n${node}r${round}c${at}`)
          await Promise.all(
            calls.map(async (call) => ledger.close(await ledger.open(openingOf(call)), CLOSING)),
          )
          if (round % 5 === node) await trees[node]?.seal()
        }
      })
      await Promise.all(work)
      await Promise.all(trees.map((tree) => tree.seal()))
      const [first, ...others] = await Promise.all(trees.map((tree) => audited(tree)))
      assert.deepEqual(first?.problems, [])
      assert.equal(first.entries, 3 * 15 * 8 * 2)
      for (const other of others) assert.deepEqual(other, first)
      const lines = (await stores[0]?.after(0, 1_000)) ?? []
      assert.ok(lines.every(({ seq }, at) => seq === at + 1))
      for (const tree of trees) {
        assert.deepEqual(await tree.proof(1), await trees[0]?.proof(1))
        assert.ok(await tree.proof(720))
      }
    })

    // ND-002
    it('close what a node that died left open, once, and nothing of one that lives', async () => {
      const address = await database()
      const LEASE_MS = 300
      const dead = await connect(address)
      let isDead = false
      const lost = await postgresLedger({
        world: systemWorld,
        leaseMs: LEASE_MS,
        link: {
          query: (sql, values) =>
            isDead ? Promise.reject(new Error('dead')) : dead.query(sql, values),
        },
      })
      await openLedger(systemWorld, lost, 'ahead').open(openingOf('lost'))
      const [one, other] = [await open(address, LEASE_MS), await open(address, LEASE_MS)]
      const ledgers = [one, other].map((store) => openLedger(systemWorld, store, 'ahead'))
      const alive = await ledgers[0]!.open(openingOf('alive'))
      assert.deepEqual(await ledgers[1]!.recover(), [])
      isDead = true
      const patience = AbortSignal.timeout(20_000)
      while ((await one.orphans()).length === 0) {
        patience.throwIfAborted()
        await systemWorld.wait(20)
      }
      await Promise.all(ledgers.map((ledger) => ledger.recover()))
      assert.deepEqual(await kindsOf(ledgers[1]!, 'lost'), ['call.opened ', 'call.closed crash'])
      await ledgers[0]!.close(alive, CLOSING)
      assert.deepEqual(await kindsOf(ledgers[1]!, 'alive'), ['call.opened ', 'call.closed '])
    })

    // ND-003
    it('write once what is sent again because its answer was lost', async () => {
      const link = await connect(await database())
      let lost = 0
      const store = await postgresLedger({
        world: systemWorld,
        link: {
          query: async (sql, values) => {
            const answer = await link.query(sql, values)
            if (!isWrite(sql) || ++lost > 3) return answer
            throw new Error('Connection terminated unexpectedly')
          },
        },
      })
      const ledger = openLedger(systemWorld, store, 'ahead')
      await ledger.close(await ledger.open(openingOf('once')), CLOSING)
      assert.deepEqual(await kindsOf(ledger, 'once'), ['call.opened ', 'call.closed '])
      assert.ok(lost > 3)
    })

    // ND-003
    it('say in the ledger that a call was refused whose opening stands after all', async () => {
      const link = await connect(await database())
      const world = lateWorld()
      let isBroken = false
      let isSent = false
      const store = await postgresLedger({
        world,
        link: {
          query: async (sql, values) => {
            if (!isBroken || !isWrite(sql)) return link.query(sql, values)
            // The first is done and its answer lost; then nothing gets through.
            if (!isSent) await link.query(sql, values)
            isSent = true
            world.lateMs += 6_000
            throw new Error('Connection terminated unexpectedly')
          },
        },
      })
      const ledger = openLedger(systemWorld, store, 'batched')
      const before = await ledger.open(openingOf('before'))
      isBroken = true
      await assert.rejects(ledger.open(openingOf('doubtful')), { code: 'ledger/unavailable' })
      // Not even sent while it is unknown what stands; what has happened is owed.
      await assert.rejects(ledger.open(openingOf('never')), { code: 'ledger/unavailable' })
      await ledger.close(before, CLOSING)
      isBroken = false
      await ledger.open(openingOf('after'))
      await ledger.open(openingOf('after2'))
      assert.deepEqual(await kindsOf(ledger, 'doubtful'), [
        'call.opened ',
        'call.closed ledger/unavailable',
      ])
      assert.deepEqual(await kindsOf(ledger, 'never'), [])
      assert.deepEqual(await kindsOf(ledger, 'before'), ['call.opened ', 'call.closed '])
    })

    // ND-004
    it('go on after a database that could not be written for a while', async () => {
      const link = await connect(await database())
      const store = await postgresLedger({ world: systemWorld, link })
      const ledger = openLedger(systemWorld, store, 'batched')
      const before = await ledger.open(openingOf('before'))
      const closed =
        'CREATE OR REPLACE RULE closed AS ON UPDATE TO countersign_ledger.head DO INSTEAD SELECT 1/0'
      await link.query(closed)
      await assert.rejects(ledger.open(openingOf('during')), { code: 'ledger/unavailable' })
      await ledger.close(before, CLOSING)
      await link.query('DROP RULE closed ON countersign_ledger.head')
      await ledger.open(openingOf('after', { effect: 'read' }))
      assert.deepEqual(await kindsOf(ledger, 'during'), [])
      assert.deepEqual(await kindsOf(ledger, 'before'), ['call.opened ', 'call.closed '])
      assert.deepEqual(await kindsOf(ledger, 'after'), ['call.opened '])
    })
  })
}
