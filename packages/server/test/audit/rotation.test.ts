// One key of a ledger takes over from another, and whoever has the old one need not do anything.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import {
  formatKey,
  parseNote,
  readHandover,
  signersOf,
  verifyReceipt,
} from '@countersign/contract/ledger/index'
import { makeSigner } from '#audit'
import { makeFolder } from '../stories/house.ts'
import { callPeer, exported, keyIn, keyOf, openLedgerHouse, verified } from './ledger-house.ts'

const VERIFIER = join(import.meta.dirname, '../../../../test/ledger/verify.py')
const hasPython = spawnSync('python3', ['--version']).status === 0

const python = (lines: readonly string[], key: string): string =>
  spawnSync('python3', [VERIFIER, key], { input: lines.join('\n'), encoding: 'utf8' }).stdout.trim()

describe('the key of a ledger', { timeout: 60_000 }, () => {
  it('is replaced while the house runs, and the old key leads to the new one (AU-020)', async () => {
    using folder = makeFolder()
    let old = ''
    let call = ''
    {
      await using house = await openLedgerHouse(folder.path)
      await callPeer(house, 'seen')
      old = await keyOf(house)
      const { key, before, origin } = await house.house.admin.rotateLedgerKey({})
      assert.equal(before, old)
      assert.notEqual(key, old)
      assert.equal(await keyOf(house), key)
      call = (await callPeer(house, 'seen'))._meta['dev.countersign/receipt'].call
      const lines = await exported(house)
      const report = await verified(lines, [old])
      assert.deepEqual(report.problems, [])
      assert.equal(report.head?.origin, origin)
      const { checkpoint = '' } = await house.house.admin.getLedgerKey({})
      const note = parseNote(checkpoint)
      assert.ok(note)
      assert.equal((await signersOf(note, [keyIn(key)])).length, 1)
      assert.equal((await signersOf(note, [keyIn(old)])).length, 0)
      const receipt = await house.house.admin.getReceipt({ call })
      assert.deepEqual((await verifyReceipt(receipt, [keyIn(old)])).problems, [])
      const { handovers: _none, ...alone } = receipt
      assert.equal((await verifyReceipt(alone, [keyIn(old)])).isProved, false)
    }
    // Once more, over a restart.
    await using house = await openLedgerHouse(folder.path)
    await house.house.admin.rotateLedgerKey({})
    const lines = await exported(house)
    assert.deepEqual((await verified(lines, [old])).problems, [])
    if (hasPython) assert.equal(python(lines, old), 'whole')
    const bent = lines.map((line) => line.replace('"kind":"ledger.key"', '"kind":"ledger.kex"'))
    assert.equal((await verified(bent, [old])).isWhole, false)
  })

  it('is replaced in the end, wherever a crash came between (AU-022)', async () => {
    using folder = makeFolder()
    const keys = join(folder.path, 'keys')
    let old = ''
    {
      await using house = await openLedgerHouse(folder.path)
      old = await keyOf(house)
    }
    // The file is there, and nothing else: what was begun is done at the next start.
    const seed = Buffer.alloc(32, 5)
    const next = join(keys, 'ledger.next.key')
    writeFileSync(next, `${seed.toString('base64url')}\n`, { mode: 0o600 })
    {
      await using house = await openLedgerHouse(folder.path)
      assert.equal(existsSync(next), false)
      assert.equal(await keyOf(house), formatKey(makeSigner(seed, keyIn(old).name).key))
      assert.deepEqual((await verified(await exported(house), [old])).problems, [])
    }
    // It stands in the ledger, and the old one is still in its place.
    renameSync(join(keys, 'ledger.key'), next)
    writeFileSync(join(keys, 'ledger.key'), `${Buffer.alloc(32, 6).toString('base64url')}\n`, {
      mode: 0o600,
    })
    await assert.rejects(openLedgerHouse(folder.path), /is not the key that this ledger was signed/)
    renameSync(next, join(keys, 'ledger.key'))
    await using house = await openLedgerHouse(folder.path)
    assert.deepEqual((await verified(await exported(house), [old])).problems, [])
  })

  it('is never replaced in silence when it is lost (AU-021)', async () => {
    using folder = makeFolder()
    const path = join(folder.path, 'keys', 'ledger.key')
    let old = ''
    {
      await using house = await openLedgerHouse(folder.path)
      await callPeer(house, 'seen')
      old = await keyOf(house)
    }
    const kept = readFileSync(path, 'utf8')
    rmSync(path)
    await assert.rejects(openLedgerHouse(folder.path), /ledger\.key is gone.*rotate-key --lost/)
    assert.equal(existsSync(path), false)
    const lost = join(folder.path, 'keys', 'ledger.lost.key')
    writeFileSync(lost, `${Buffer.alloc(32, 8).toString('base64url')}\n`, { mode: 0o600 })
    {
      await using house = await openLedgerHouse(folder.path)
      assert.equal(existsSync(lost), false)
      const now = await keyOf(house)
      assert.equal(keyIn(now).name, keyIn(old).name)
      const lines = await exported(house)
      assert.match((await verified(lines, [old])).problems[0]?.what ?? '', /No trusted key/)
      const both = await verified(lines, [old, now])
      assert.deepEqual(both.problems, [])
      assert.equal(both.breaks.length, 1)
      const entry = (await house.entries()).find(({ kind }) => kind === 'ledger.key')
      assert.equal(entry?.body['isLost'], true)
      const handover = await readHandover(String(entry.body['handover']))
      assert.equal(handover?.before, undefined)
    }
    // The other one, that was found again, is not what signs now; and one that fits is not lost.
    const fits = readFileSync(path, 'utf8')
    writeFileSync(path, kept)
    await assert.rejects(openLedgerHouse(folder.path), /is not the key that this ledger was signed/)
    writeFileSync(path, fits)
    writeFileSync(lost, kept, { mode: 0o600 })
    await assert.rejects(openLedgerHouse(folder.path), /is not lost/)
    await using house = await openLedgerHouse(folder.path)
    assert.ok(house.port > 0)
  })
})
