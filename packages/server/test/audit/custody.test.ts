// One document for each call: who, on whose behalf, under what, decided by what, approved by whom, sent
// as whom, what came back, what was undone, and the proof of it.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { Admin } from '@countersign/contract'
import { ADMIN } from '@countersign/contract/admin'
import { fromBase64, parseKey, verifyReceipt } from '@countersign/contract/ledger/index'
import { startIssuer } from '../auth/fake-issuer.ts'
import { bearer } from '../auth/guarded-house.ts'
import { countersign } from '../policy/command.ts'
import { openPolicyHouse } from '../policy/policy-house.ts'
import { until } from '../stories/house.ts'
import { ask, envelope, modern } from '../stories/raw.ts'
import { serveModern } from '../upstream/peers/modern-http.ts'
import { openConnectHouse } from '../vault/connect-house.ts'
import { protect } from '../vault/connect-peer.ts'
import { callIdOf, makeFolder, openKept } from './kept-house.ts'

type Custody = Awaited<ReturnType<Admin['getCustody']>>

/** Once it is signed, and of the shape that is published. */
const custodyOf = async (admin: Admin, of: { call?: string; task?: string }): Promise<Custody> =>
  until('it is signed', async () => {
    const custody = await admin.getCustody(of)
    assert.deepEqual(ADMIN.getCustody.output.strict().parse(custody), custody)
    return custody.ledger.isSigned ? custody : undefined
  })

describe('custody', { timeout: 60_000 }, () => {
  it('of a plain call tells all of it, and proves it', async () => {
    // AU-106, AU-107
    using folder = makeFolder()
    await using house = await openKept({ folder: folder.path })
    const { admin } = house
    const call = callIdOf(await house.call('cancel_booking', { mark: 'm' }))
    // A shortened id is enough, as long as it fits one call only.
    const custody = await custodyOf(admin, { call: call.slice(0, -6) })
    assert.equal(custody.call, call)
    assert.deepEqual(
      [custody.principal, custody.server, custody.name, custody.effect, custody.authority],
      ['local', 'bookings', 'cancel_booking', 'write', undefined],
    )
    assert.match(custody.definition ?? '', /^sha256:/)
    const [round] = custody.rounds
    assert.deepEqual(
      [round?.decision.kind, round?.outcome, round?.isError, custody.rounds.length],
      ['allow', 'answered', false, 1],
    )
    assert.match(round?.result ?? '', /^hmac-sha256:/)
    assert.deepEqual([custody.approvals, custody.following, custody.task], [[], [], undefined])
    // Each proof leads from its leaf to a root that the ledger's key has signed.
    const [{ key }, receipt] = await Promise.all([
      admin.getLedgerKey({}),
      admin.getReceipt({ call: call.slice(0, -6) }),
    ])
    const verdict = await verifyReceipt(receipt, [parseKey(key)!])
    assert.equal(verdict.isProved, true)
    assert.deepEqual(
      custody.ledger.proofs.map(({ leaf }) => fromBase64(leaf)?.length),
      [32, 32],
    )
    assert.deepEqual(
      custody.ledger.proofs.map(({ leaf }) => leaf),
      receipt.entries.map(({ leaf }) => leaf),
    )
    await assert.rejects(
      admin.getCustody({ call: 'call_' }).then(async () => {
        callIdOf(await house.call('cancel_booking', { mark: 'n' }))
        return admin.getCustody({ call: 'call_' })
      }),
      /Several calls begin with "call_"/,
    )
    await assert.rejects(admin.getCustody({ call: 'call_nope' }), /The ledger has no call/)
  })

  it('of an approved call has what was asked, who said what, and that it went out with it', async () => {
    // AU-108
    await using house = await openPolicyHouse({
      policies: {
        'all.cedar': `@id("everything") permit (principal, action, resource);
          @id("wipe-asks") @ask("sre") forbid (principal, action == Action::"call", resource == Tool::"cabinet/wipe");`,
      },
      groups: { sre: ['operator'] },
    })
    const { admin } = house.house
    const capabilities = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
    const params = { name: 'wipe', arguments: { path: '/all' } }
    const asked = modern('tools/call', { params, meta: envelope({}, capabilities) })
    const { taskId } = (await ask(house.at(), asked)).json.result
    const { id } = await until('somebody is asked', async () => (await admin.listApprovals({}))[0])
    await admin.decideApproval({ id, verdict: 'approve', reason: 'looks right' })
    await until('it is done', async () =>
      (await admin.getTask({ id: taskId })).state === 'completed' ? true : undefined,
    )
    const custody = await custodyOf(admin, { task: taskId.slice(0, -3) })
    const [approval] = custody.approvals
    assert.deepEqual(
      [approval?.id, approval?.usedBy, approval?.bound['arguments'], approval?.asks[0]?.['group']],
      [id, custody.call, custody.rounds.at(-1)?.arguments, 'sre'],
    )
    assert.deepEqual(
      approval?.answers.map(({ by, verdict, reason, means, groups }) => [
        by,
        verdict,
        reason,
        means,
        groups,
      ]),
      [['operator', 'approve', 'looks right', 'token', ['sre']]],
    )
    assert.deepEqual(
      custody.rounds.map(({ decision, outcome }) => [decision.kind, outcome]),
      [
        ['ask', 'asked'],
        ['allow', 'answered'],
      ],
    )
    assert.equal(custody.rounds.at(-1)?.decision.told?.['approval'], id)
    assert.equal(custody.task?.state, 'completed')
    assert.ok(custody.task.calls.some(({ what, state }) => what === 'attempt' && state === 'done'))
  })

  it('of a call on somebody’s behalf has the chain of actors, token, scopes and credential', async () => {
    // AU-108
    await using peer = await protect(await serveModern())
    await using issuer = await startIssuer()
    process.env['CLOUD_OF_CUSTODY'] = 's3cret'
    const auth = {
      grant: 'client_credentials',
      clientId: 'gateway',
      clientSecret: '${CLOUD_OF_CUSTODY}',
    }
    await using home = await openConnectHouse({
      issuer,
      servers: { cloud: { url: peer.url, auth } },
    })
    const claims = {
      aud: home.at('cloud').href,
      sub: 'ada',
      scope: 'cloud:admin',
      jti: 'token-9',
      act: { sub: 'robot' },
    }
    const headers = bearer(await issuer.mint({ claims }))
    const asked = modern('tools/call', {
      params: { name: 'add', arguments: { a: 1, b: 2 } },
      headers,
    })
    const { result } = (await ask(home.at('cloud'), asked)).json
    delete process.env['CLOUD_OF_CUSTODY']
    const custody = await custodyOf(home.house.admin, { call: callIdOf(result) })
    assert.equal(custody.principal, `${issuer.issuer}#ada`)
    assert.deepEqual(
      [custody.authority?.['token'], custody.authority?.['scopes'], custody.authority?.['actors']],
      ['token-9', ['cloud:admin'], [{ subject: 'robot' }]],
    )
    assert.equal(custody.authority?.['proof'], 'bearer')
    assert.match(custody.rounds[0]?.credential ?? '', /gateway/)
    assert.doesNotMatch(JSON.stringify(custody), /s3cret/)
  })

  it('of a task that was taken back has the call that did, and the task', async () => {
    // AU-108, AU-109
    using folder = makeFolder()
    await using house = await openKept({ folder: folder.path })
    const { admin } = house
    const task = await house.begin('book', { mark: 'trip' })
    const isOver = (id: string): Promise<unknown> =>
      until(`${id} is over`, async () =>
        (await admin.getTask({ id })).state === 'completed' ? true : undefined,
      )
    await isOver(task)
    const undoing = await admin.undoTask({ id: task })
    await isOver(undoing.id)
    const custody = await custodyOf(admin, { task })
    const [following] = custody.following
    assert.deepEqual(
      [following?.why, following?.tool, following?.outcome, custody.following.length],
      ['undo', 'cancel_booking', 'answered', 1],
    )
    assert.equal(custody.task?.undoneBy?.id, undoing.id)
    // The task that took it back leads to the same call, and its call has a custody of its own.
    assert.equal((await custodyOf(admin, { task: undoing.id })).call, custody.call)
    assert.equal((await custodyOf(admin, { call: following?.call ?? '' })).name, 'cancel_booking')
  })

  it('of a run has all its calls, the first one first, and no others', async () => {
    // AU-109
    using folder = makeFolder()
    const calls: string[] = []
    {
      await using house = await openKept({ folder: folder.path })
      const inRun = { 'dev.countersign/run': 'spring-cleaning' }
      for (const mark of ['one', 'two', 'three']) {
        // oxlint-disable-next-line eslint/no-await-in-loop -- In this order.
        calls.push(callIdOf(await house.call('cancel_booking', { mark }, inRun)))
        // oxlint-disable-next-line eslint/no-await-in-loop
        await house.call('cancel_booking', { mark: `not ${mark}` })
      }
      const run = await house.admin.getRunCustody({ run: 'spring-cleaning', limit: 2 })
      assert.deepEqual([run.calls.map(({ call }) => call), run.leftOut], [calls.slice(0, 2), 1])
      const theirs = house.admin.getRunCustody({ run: 'spring-cleaning', owner: 'somebody' })
      await assert.rejects(theirs, /has no run "spring-cleaning" of somebody/)
    }
    writeFileSync(join(folder.path, 'countersign.yaml'), 'data: data\n')
    const told = await countersign(folder.path, 'why', '--run', 'spring-cleaning')
    assert.deepEqual(
      [...told.out.matchAll(/^(call_\S+): tools\/call/gm)].map(([, call]) => call),
      calls,
    )
    const shown = await countersign(folder.path, 'why', calls[0] ?? '', '--payload', '--json')
    const document = JSON.parse(shown.out)
    assert.equal(document.payloads[0].text, '{"mark":"one"}')
    assert.equal(Buffer.from(document.salt, 'base64url').length, 32)
    const log = await countersign(folder.path, 'log', '--json')
    assert.match(log.out, /payload\.read/)
  })
})
