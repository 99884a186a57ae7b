// What is kept of a call for whoever decides it, however long it is.

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { BOUND, openDesk, SHOWN, sre, YES } from './approval-peers.ts'

it('shows arguments of any length to whoever decides, and a list of many is without them', async () => {
  using desk = openDesk()
  const approvals = desk.reopen()
  const given = { id: 7, text: 'x'.repeat(100_000) }
  const { id } = await desk.ask(approvals, { shown: { ...SHOWN, arguments: given } })
  assert.deepEqual((await approvals.find(id))?.shown.arguments, given)
  assert.ok(JSON.stringify(await approvals.list()).length < 10_000)
  assert.deepEqual((await approvals.decide(id, sre(1), YES)).shown.arguments, given)
  await approvals.review()
  assert.deepEqual((await desk.reopen().find(id))?.shown.arguments, given)
  assert.equal(await approvals.forget(BOUND.principal, desk.clock.now), 1)
  const { shown, state } = (await approvals.find(id)) ?? {}
  assert.deepEqual([shown?.arguments, state], [{}, 'approved'])
})
