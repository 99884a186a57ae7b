// Two houses on one database: the same digests, the same payloads, and one erasure for both.

import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import { canonical, TASKS_EXTENSION } from '@countersign/contract'
import { found, testServer } from '../postgres/database.ts'
import { makeNodes, type Node } from '../postgres/nodes.ts'
import { until } from '../stories/house.ts'
import { ask, envelope, modern, type Wire } from '../stories/raw.ts'
import { callIdOf, KEEPS } from './kept-house.ts'

const ASKS = `
@id("everything") permit(principal, action, resource);
@id("wipe-asks") @ask("sre")
forbid(principal, action == Action::"call", resource == Tool::"cabinet/wipe");
`

const call = async ({ at }: Node, name: string, args: Wire, meta: Wire): Promise<Wire> =>
  (await ask(at(), modern('tools/call', { params: { name, arguments: args }, meta }))).json.result

const digestOf = async ({ house }: Node, id: string): Promise<string> =>
  (await house.admin.getCustody({ call: id })).rounds[0]?.arguments ?? ''

if ('why' in found) {
  test('Postgres: payloads on two nodes were not tried', { skip: found.why }, () => undefined)
} else {
  const { database } = testServer(found.bin)

  describe('what calls carried, on two nodes', { timeout: 60_000 }, () => {
    it('is kept under one key, read on either, and erased on both', async () => {
      // AU-100, AU-101, AU-109, AU-110, AU-112
      await using nodes = makeNodes(await database(), { policies: ASKS, payloads: KEEPS })
      const [a, b] = [await nodes.open('a'), await nodes.open('b')]
      const args = { path: '/canary' }
      const inRun = envelope({ 'dev.countersign/run': 'r' })
      // Nobody has called yet: both make a key for the same principal at once.
      const ids = (
        await Promise.all([a, b].map((node) => call(node, 'write_note', args, inRun)))
      ).map(callIdOf)
      const [first = '', second = ''] = ids
      const before = await digestOf(b, first)
      assert.match(before, /^hmac-sha256:/)
      assert.equal(await digestOf(a, second), before)
      const { payloads } = await b.house.admin.readPayloads({ calls: [first.slice(0, -5)] })
      assert.equal(payloads[0]?.text, canonical(args))
      const run = await a.house.admin.getRunCustody({ run: 'r' })
      assert.deepEqual(run.calls.map((one) => one.call).toSorted(), ids.toSorted())

      const capabilities = { extensions: { [TASKS_EXTENSION]: {} } }
      const { taskId } = await call(a, 'wipe', args, envelope({}, capabilities))
      const [asked] = await b.house.admin.listApprovals({})
      await b.house.admin.decideApproval({ id: asked?.id ?? '', verdict: 'approve' })
      await until('it is done', async () =>
        (await b.house.admin.getTask({ id: taskId })).state === 'completed' ? true : undefined,
      )
      const erased = await b.house.admin.eraseSubject({ subject: 'local' })
      assert.deepEqual([erased.tasks, erased.approvals, erased.isScrubbed], [1, 1, false])
      assert.ok(erased.payloads >= 6)
      await assert.rejects(a.house.admin.getTask({ id: taskId }), /There is no task/)
      assert.deepEqual((await a.house.admin.readPayloads({ calls: ids })).payloads, [])
      // The other node hears of it within a second, and both go on with one new key.
      const later = await until('another key', async () => {
        const id = callIdOf(await call(a, 'write_note', args, envelope({})))
        return (await digestOf(a, id)) === before ? undefined : id
      })
      const beside = callIdOf(await call(b, 'write_note', args, envelope({})))
      assert.equal(await digestOf(a, later), await digestOf(b, beside))
    })
  })
}
