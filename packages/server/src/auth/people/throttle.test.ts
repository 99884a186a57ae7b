import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemWorld } from '#base'
import { openStore, RECORD_TABLES, storeRecords } from '#store'
import { makeThrottle } from './throttle.ts'

test('of many tries at one moment as many are made as may be, and more when time is over', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-throttle-'))
  const store = openStore(join(folder, 'store.db'), [RECORD_TABLES])
  let ahead = 0
  const world = { ...systemWorld, now: () => systemWorld.now() + ahead }
  const throttle = makeThrottle(world, storeRecords(world, store))
  const racing = async (key: string): Promise<number> => {
    const tries = Array.from({ length: 32 }, () => throttle.take(key, 10))
    return (await Promise.all(tries)).filter(Boolean).length
  }
  try {
    assert.equal(await racing('a'), 10)
    assert.equal(await racing('a'), 0)
    assert.equal(await racing('b'), 10)
    await throttle.giveBack('a')
    assert.equal(await racing('a'), 1)
    await throttle.forget('a')
    assert.equal(await racing('a'), 10)
    ahead = 15 * 60_000 + 1
    assert.equal(await racing('b'), 10)
  } finally {
    store.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
