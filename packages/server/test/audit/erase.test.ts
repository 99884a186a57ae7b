// Erasing a person's data leaves the proof standing, and nothing else.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Fault, type Admin } from '@countersign/contract'
import { ExportVerifier, parseKey, verifyReceipt } from '@countersign/contract/ledger/index'
import { until } from '../stories/house.ts'
import { countersign } from '../policy/command.ts'
import { openPolicyHouse } from '../policy/policy-house.ts'
import { ask, envelope, modern } from '../stories/raw.ts'
import { callIdOf, filesWith, makeFolder, openKept } from './kept-house.ts'

const CANARY = 'canary-4711-swordfish'

/** Whether an export holds together, by the key alone. */
async function isWhole(admin: Admin): Promise<boolean> {
  const { key } = await admin.getLedgerKey({})
  const verifier = new ExportVerifier({ keys: [parseKey(key)!] })
  for (let from: number | undefined = 0; from !== undefined;) {
    const page: Awaited<ReturnType<Admin['exportLedger']>> = await admin.exportLedger({ from })
    // oxlint-disable-next-line eslint/no-await-in-loop -- One line after the other.
    for (const line of page.lines) await verifier.line(line)
    from = page.next
  }
  return verifier.report().isWhole
}

describe('erasing a subject', { timeout: 60_000 }, () => {
  it('destroys key, payloads and tasks, and the ledger stays whole', async () => {
    // AU-110, AU-111, AU-112, AU-116
    using folder = makeFolder()
    const { admin, data, ...house } = await openKept({ folder: folder.path })
    await using _house = house
    const call = callIdOf(await house.call('cancel_booking', { mark: CANARY }))
    const task = await house.begin('book', { mark: CANARY })
    await until('the booking is over', async () =>
      (await admin.getTask({ id: task })).state === 'completed' ? true : undefined,
    )
    assert.ok(filesWith(data, CANARY).length > 0, 'the task is there to be erased')
    assert.ok(await isWhole(admin))
    const before = await admin.getCustody({ call })
    const receipt = await admin.getReceipt({ call })

    const erased = await admin.eraseSubject({ subject: 'local', reason: 'asked to be forgotten' })
    assert.deepEqual(
      [erased.hadKey, erased.tasks, erased.isScrubbed, erased.connections],
      [true, 1, true, []],
    )
    assert.equal(erased.payloads, 4)
    // Neither as text nor in what a database leaves behind: free pages, the write-ahead log.
    assert.deepEqual(filesWith(data, CANARY), [])

    assert.ok(await isWhole(admin))
    const after = await admin.getCustody({ call })
    assert.deepEqual(after.rounds, before.rounds)
    const { key } = await admin.getLedgerKey({})
    const later = await admin.getReceipt({ call })
    assert.deepEqual(
      later.entries.map(({ leaf }) => leaf),
      receipt.entries.map(({ leaf }) => leaf),
    )
    for (const one of [receipt, later]) {
      // oxlint-disable-next-line eslint/no-await-in-loop -- One after the other.
      assert.ok((await verifyReceipt(one, [parseKey(key)!])).isProved)
    }
    assert.deepEqual(after.ledger.entries, before.ledger.entries)
    const { payloads, salts } = await admin.readPayloads({ calls: [call] })
    assert.deepEqual([payloads, salts], [[], {}])
    await assert.rejects(admin.getTask({ id: task }), /There is no task/)
    const [entry] = (await house.open.entries()).filter(({ kind }) => kind === 'erasure')
    assert.deepEqual(
      [entry?.body['subject'], entry?.body['reason'], entry?.body['tasks']],
      ['local', 'asked to be forgotten', 1],
    )

    // A fresh key: the same arguments cannot be told from others any more.
    const again = callIdOf(await house.call('cancel_booking', { mark: CANARY }))
    const fresh = await admin.getCustody({ call: again })
    assert.match(fresh.rounds[0]?.arguments ?? '', /^hmac-sha256:/)
    assert.notEqual(fresh.rounds[0]?.arguments, before.rounds[0]?.arguments)
    const kept = await admin.readPayloads({ calls: [again] })
    assert.match(kept.payloads[0]?.text ?? '', new RegExp(CANARY))
  })

  it('does not pull the rug from under a task, unless it is told to', async () => {
    // AU-113
    using folder = makeFolder()
    await using house = await openKept({ folder: folder.path })
    const { admin } = house
    const task = await house.begin('wait', { mark: CANARY })
    const refused = (thrown: unknown): true => {
      assert.ok(thrown instanceof Fault)
      assert.match(thrown.message, new RegExp(`1 task is under way, such as ${task}`))
      return true
    }
    await assert.rejects(admin.eraseSubject({ subject: 'local' }), refused)
    assert.equal((await admin.getTask({ id: task })).state, 'working')
    const erased = await admin.eraseSubject({ subject: 'local', cancels: true })
    assert.equal(erased.tasks, 1)
    await assert.rejects(admin.getTask({ id: task }), /There is no task/)
    assert.deepEqual(filesWith(house.data, CANARY), [])
    await assert.rejects(admin.eraseSubject({ subject: 'nobody' }), /Nothing is kept of "nobody"/)
  })

  it('takes the arguments out of what people were asked to approve', async () => {
    // AU-114
    await using house = await openPolicyHouse({
      policies: {
        'all.cedar': `@id("everything") permit (principal, action, resource);
          @id("wipe-asks") @ask("sre") forbid (principal, action == Action::"call", resource == Tool::"cabinet/wipe");`,
      },
      groups: { sre: ['operator'] },
    })
    const { admin } = house.house
    const capabilities = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
    const params = { name: 'wipe', arguments: { path: CANARY } }
    const asked = modern('tools/call', { params, meta: envelope({}, capabilities) })
    const { result } = (await ask(house.at(), asked)).json
    const approval = await until(
      'somebody is asked',
      async () => (await admin.listApprovals({}))[0],
    )
    assert.match(JSON.stringify(await admin.getApproval({ id: approval.id })), new RegExp(CANARY))
    assert.match(approval.bound.arguments, /^hmac-sha256:/)
    await admin.decideApproval({ id: approval.id, verdict: 'approve' })
    await until('it is done', async () =>
      (await admin.getTask({ id: result.taskId })).state === 'completed' ? true : undefined,
    )
    const erased = await admin.eraseSubject({ subject: 'local' })
    assert.deepEqual([erased.approvals, erased.tasks], [1, 1])
    const left = await admin.getApproval({ id: approval.id })
    assert.deepEqual([left.arguments, left.state], [{}, 'used'])
    assert.deepEqual(filesWith(house.house.config.data, CANARY), [])
  })

  it('is a command', async () => {
    // AU-110
    using folder = makeFolder()
    {
      await using house = await openKept({ folder: folder.path })
      await house.call('cancel_booking', { mark: CANARY })
    }
    writeFileSync(join(folder.path, 'countersign.yaml'), 'data: data\n')
    const { code, out, err } = await countersign(folder.path, 'erase', 'local', '--reason', 'law')
    assert.equal(code, 0, err)
    assert.match(out, /^Erased of local: the key, 2 payloads, 0 tasks/)
    assert.match(out, /nothing of it is left in its files/)
    const again = await countersign(folder.path, 'erase', 'local')
    assert.match(again.err, /Nothing is kept of "local"/)
  })
})
