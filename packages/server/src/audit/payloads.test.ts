import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { canonical, type Effect } from '@countersign/contract'
import { makeSeal, systemWorld, type World } from '#base'
import { openStore, RECORD_TABLES, storeRecords, type Store } from '#store'
import { silentLog } from '#telemetry'
import { openPayloads, type KeptPayloads } from './open-payloads.ts'
import type { PayloadSettings } from './payloads.ts'
import { LEDGER_TABLES, sqliteLedger } from './sqlite-ledger.ts'
import { PAYLOAD_TABLES } from './sqlite-payloads.ts'

const DAY_MS = 86_400_000
const SETTINGS: PayloadSettings = {
  arguments: true,
  results: true,
  retentionMs: { read: DAY_MS, idempotent: 0, write: 3 * DAY_MS, destructive: 9 * DAY_MS },
  bytesMax: 1_000,
  totalBytesMax: 4_000,
}
const MASTER = Buffer.alloc(32, 7)

interface Scene extends Disposable {
  readonly store: Store
  readonly clock: { now: number }
  /** As another process would see it: nothing but the store is the same. */
  readonly open: (master?: Buffer, isShared?: boolean) => Promise<KeptPayloads>
  /** Has a payload written as the ledger does. */
  readonly keep: (
    kept: KeptPayloads,
    call: string,
    effect: Effect,
    value: string,
  ) => Promise<string>
}

function makeScene(): Scene {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-payloads-'))
  const store = openStore(join(folder, 'x.db'), [LEDGER_TABLES, PAYLOAD_TABLES, RECORD_TABLES])
  const clock = { now: 1_000_000 }
  const world: World = { ...systemWorld, now: () => clock.now }
  const lines = sqliteLedger(store)
  const opened: KeptPayloads[] = []
  return {
    store,
    clock,
    open: async (master = MASTER, isShared = false) => {
      const records = storeRecords(world, store)
      const rooms = { world, log: silentLog, records, store: lines, isShared }
      const kept = await openPayloads({ ...rooms, master: makeSeal(world, [master]) }, SETTINGS)
      opened.push(kept)
      return kept
    },
    keep: async (kept, call, effect, value) => {
      const carried = await kept.asked({ call, subject: 'ada', effect }, value)
      const payload = carried?.payload
      if (payload) {
        await lines.commit((pen) => {
          pen.carry(payload)
        })
      }
      return carried?.fate ?? 'off'
    },
    [Symbol.dispose]: () => {
      for (const one of opened) one.close()
      store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

// AU-100
test('a digest is the same for equal values of one subject, and for nobody else', async () => {
  using scene = makeScene()
  const kept = await scene.open()
  const [one, other, same] = await Promise.all(
    [
      { b: 1, a: 2 },
      { a: 2, b: 2 },
      { a: 2, b: 1 },
    ].map(async (value) => kept.digest('ada', value)),
  )
  assert.match(String(one), /^hmac-sha256:[\da-f]{64}$/)
  assert.equal(one, same)
  assert.notEqual(one, other)
  assert.notEqual(await kept.digest('eve', { a: 2, b: 1 }), one)
  // From the second time on it costs no wait.
  assert.equal(kept.digest('ada', { a: 2, b: 1 }), one)
  assert.equal(await (await scene.open()).digest('ada', { a: 2, b: 1 }), one)
  assert.throws(() => void kept.digest('ada', Number.NaN))
})

test('of many who make the key of one subject at once, all use the same', async () => {
  using scene = makeScene()
  const nodes = await Promise.all(Array.from({ length: 8 }, () => scene.open()))
  const digests = await Promise.all(nodes.map(async (one) => one.digest('ada', 'x')))
  assert.equal(new Set(digests).size, 1)
})

// AU-104
test('with another master key nothing opens, and it says so at once', async () => {
  using scene = makeScene()
  await (await scene.open()).digest('ada', 'x')
  await assert.rejects(scene.open(Buffer.alloc(32, 8)), /not the key that the keys of subjects/)
})

// AU-102, AU-103
test('what is kept is bounded, one by one and in all, and a class can be left out', async () => {
  using scene = makeScene()
  const kept = await scene.open()
  assert.equal(await scene.keep(kept, 'call_1', 'idempotent', 'x'), 'off')
  assert.equal(await scene.keep(kept, 'call_2', 'read', 'x'.repeat(1_000)), 'too-large')
  const fates: string[] = []
  for (let at = 0; at < 5; at++) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- One after the other fills it.
    fates.push(await scene.keep(kept, `call_k${String(at)}`, 'read', 'y'.repeat(900)))
  }
  assert.deepEqual(fates, ['kept', 'kept', 'kept', 'kept', 'full'])
  scene.clock.now += DAY_MS
  await kept.sweep()
  assert.equal(await scene.keep(kept, 'call_later', 'read', 'y'.repeat(900)), 'kept')
})

// AU-103
test('what is over goes though the node that kept it is gone', async () => {
  using scene = makeScene()
  const [one, other] = [await scene.open(MASTER, true), await scene.open(MASTER, true)]
  await scene.keep(one, 'call_1', 'read', '1')
  one.close()
  scene.clock.now += DAY_MS
  await other.sweep()
  assert.deepEqual(await other.read('ada', 'call_1'), [])
})

// AU-103
test('what is over goes, class by class, and nothing sooner', async () => {
  using scene = makeScene()
  const kept = await scene.open()
  const left = async (): Promise<readonly string[]> => {
    const found = await Promise.all(['r', 'w', 'd'].map((call) => kept.read('ada', `call_${call}`)))
    return found.flat().map(({ call }) => call)
  }
  await scene.keep(kept, 'call_r', 'read', '1')
  await scene.keep(kept, 'call_w', 'write', '2')
  await scene.keep(kept, 'call_d', 'destructive', '3')
  const steps = [0, DAY_MS - 1, 1, 2 * DAY_MS, 6 * DAY_MS]
  const seen: (readonly string[])[] = []
  for (const ms of steps) {
    scene.clock.now += ms
    // oxlint-disable-next-line eslint/no-await-in-loop -- Time goes one way.
    await kept.sweep()
    // oxlint-disable-next-line eslint/no-await-in-loop
    seen.push(await left())
  }
  const all = ['call_r', 'call_w', 'call_d']
  assert.deepEqual(seen, [all, all, ['call_w', 'call_d'], ['call_d'], []])
})

// AU-102
test('a payload opens in its own place, unchanged, under its own key, and nowhere else', async () => {
  using scene = makeScene()
  const kept = await scene.open()
  await scene.keep(kept, 'call_1', 'write', 'one')
  await scene.keep(kept, 'call_2', 'write', 'two')
  assert.equal((await kept.read('ada', 'call_1'))[0]?.text, canonical('one'))
  assert.equal((await kept.read('eve', 'call_1'))[0]?.text, undefined)
  const move = scene.store.prepare(
    `UPDATE payloads SET sealed = (SELECT sealed FROM payloads WHERE call = 'call_2') WHERE call = 'call_1'`,
  )
  await scene.store.commit(() => move.run())
  await assert.rejects(kept.read('ada', 'call_1'), /cannot be opened: they were changed/)
})

// AU-110, AU-112
test('a destroyed key takes its payloads with it, and the next one is another', async () => {
  using scene = makeScene()
  const kept = await scene.open()
  await scene.keep(kept, 'call_1', 'write', 'one')
  const [before, key] = [await kept.digest('ada', 'one'), await kept.keyOf('ada')]
  await kept.destroyKey('ada')
  assert.deepEqual([await kept.keyOf('ada'), await kept.saltOf('ada')], [undefined, undefined])
  // It is there still, and nobody can read it.
  assert.equal((await kept.read('ada', 'call_1'))[0]?.text, undefined)
  await scene.keep(kept, 'call_2', 'write', 'one')
  assert.notEqual(await kept.digest('ada', 'one'), before)
  await kept.drop(key ?? '')
  assert.deepEqual(await kept.read('ada', 'call_1'), [])
  assert.equal((await kept.read('ada', 'call_2'))[0]?.text, canonical('one'))
})

test('what comes back after its subject was erased is not kept, and makes no key (AU-118)', async () => {
  using scene = makeScene()
  const kept = await scene.open()
  const by = { call: 'call_1', subject: 'ada', effect: 'write' } as const
  assert.ok(await kept.asked(by, 'sword'))
  assert.equal((await kept.answered(by, { text: 'fish' }))?.fate, 'kept')
  await kept.destroyKey('ada')
  assert.equal(await kept.answered(by, { text: 'fish' }), undefined)
  assert.equal(await kept.keyOf('ada'), undefined)
})
