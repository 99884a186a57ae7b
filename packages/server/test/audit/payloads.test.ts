// What calls carried: digests that nobody can guess back, and payloads apart from their entries.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { canonical, Fault } from '@countersign/contract'
import { callIdOf, filesWith, KEEPS, makeFolder, openKept } from './kept-house.ts'

const saltedWith = (salt: string | undefined, text: string): string =>
  `hmac-sha256:${createHmac('sha256', Buffer.from(salt ?? '', 'base64url'))
    .update(text)
    .digest('hex')}`

/** A task keeps what it was given: none is to be made of a call that is only slow. */
const NO_TASKS = { after: '60 s' }

describe('what calls carried', { timeout: 60_000 }, () => {
  it('is not kept without being asked for, and its digest is salted per principal', async () => {
    // AU-100
    using folder = makeFolder()
    await using house = await openKept({ folder: folder.path, payloads: {}, tasks: NO_TASKS })
    const args = { mark: 'swordfish' }
    const first = await house.call('cancel_booking', args)
    const again = await house.call('cancel_booking', args)
    const other = await house.call('cancel_booking', { mark: 'perch' })
    const [one, same, different] = await Promise.all(
      [first, again, other].map((result) => house.admin.getCustody({ call: callIdOf(result) })),
    )
    const [round, sameRound, otherRound] = [one, same, different].map((of) => of?.rounds[0])
    assert.ok(round)
    assert.match(round.arguments, /^hmac-sha256:[\da-f]{64}$/)
    assert.equal(sameRound?.arguments, round.arguments)
    assert.notEqual(otherRound?.arguments, round.arguments)
    const { payloads, salts } = await house.admin.readPayloads({ calls: [callIdOf(first)] })
    assert.deepEqual([payloads, round.argumentsKept, round.resultKept], [[], undefined, undefined])
    const salt = salts['local']
    assert.equal(round.arguments, saltedWith(salt, canonical(args)))
    const { _meta: _ours, resultType: _type, ...result } = first
    assert.equal(round.result, saltedWith(salt, JSON.stringify(result)))
    assert.deepEqual(filesWith(house.data, 'swordfish'), [])
  })

  it('is kept sealed when asked for, and whoever reads it stands in the ledger', async () => {
    // AU-101, AU-102
    using folder = makeFolder()
    await using house = await openKept({ folder: folder.path, tasks: NO_TASKS })
    const result = await house.call('cancel_booking', { mark: 'swordfish' })
    const call = callIdOf(result)
    const custody = await house.admin.getCustody({ call })
    assert.deepEqual(
      [custody.rounds[0]?.argumentsKept, custody.rounds[0]?.resultKept, custody.payloads],
      ['kept', 'kept', undefined],
    )
    assert.deepEqual(filesWith(house.data, 'swordfish'), [])
    const { payloads, salts } = await house.admin.readPayloads({ calls: [call], why: 'case 7' })
    const [given, came] = payloads
    assert.equal(given?.text, canonical({ mark: 'swordfish' }))
    assert.match(came?.text ?? '', /cancel_booking swordfish done/)
    assert.equal(custody.rounds[0]?.result, saltedWith(salts['local'], came?.text ?? ''))
    const read = (await house.open.entries()).filter(({ kind }) => kind === 'payload.read')
    assert.deepEqual(
      read.map(({ call: of, body }) => [of, body['by'], body['why']]),
      [[call, 'admin', 'case 7']],
    )
  })

  it('is read by nobody while that cannot be written into the ledger', async () => {
    // AU-101
    using folder = makeFolder()
    let call = ''
    {
      await using house = await openKept({ folder: folder.path })
      call = callIdOf(await house.call('cancel_booking', { mark: 'swordfish' }))
    }
    const database = new DatabaseSync(join(folder.path, 'data', 'countersign.db'))
    database.exec(`CREATE TRIGGER full BEFORE INSERT ON entries WHEN NEW.kind = 'payload.read'
      BEGIN SELECT RAISE(ABORT, 'no room'); END`)
    database.close()
    await using house = await openKept({ folder: folder.path })
    await assert.rejects(house.admin.readPayloads({ calls: [call] }), /Nothing was read/)
  })

  it('is left out where it is too large or there is no room, and its entry says so', async () => {
    // AU-103
    using folder = makeFolder()
    const payloads = { ...KEEPS, bytesMax: '1 KiB', retention: { write: '1 d' } }
    await using house = await openKept({ folder: folder.path, payloads })
    const result = await house.call('cancel_booking', { mark: 'x'.repeat(2_000) })
    const { rounds } = await house.admin.getCustody({ call: callIdOf(result) })
    assert.deepEqual([rounds[0]?.argumentsKept, rounds[0]?.resultKept], ['too-large', 'too-large'])
    const { payloads: none } = await house.admin.readPayloads({ calls: [callIdOf(result)] })
    assert.deepEqual(none, [])
  })

  it('outlives a restart; without the key that it is wrapped with nothing starts', async () => {
    // AU-104
    using folder = makeFolder()
    const plan = { folder: folder.path }
    let call: string
    {
      await using house = await openKept(plan)
      call = callIdOf(await house.call('cancel_booking', { mark: 'swordfish' }))
    }
    const file = join(folder.path, 'data', 'keys', 'subjects.key')
    renameSync(file, `${file}.away`)
    await assert.rejects(openKept(plan), (thrown: unknown) => {
      assert.ok(thrown instanceof Fault)
      assert.match(thrown.message, /subjects\.key is not there.* Restore it/)
      return true
    })
    renameSync(`${file}.away`, file)
    await using again = await openKept(plan)
    const { payloads } = await again.admin.readPayloads({ calls: [call] })
    assert.equal(payloads[0]?.text, canonical({ mark: 'swordfish' }))
    // The same subject, the same salt: what was approved before still is the same call.
    const { rounds } = await again.admin.getCustody({ call })
    const same = callIdOf(await again.call('cancel_booking', { mark: 'swordfish' }))
    const later = await again.admin.getCustody({ call: same.slice(0, -4) })
    assert.equal(later.rounds[0]?.arguments, rounds[0]?.arguments)
  })
})
