// What becomes of a question while it is open: rules change, tools change, time passes, many ask.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Admin } from '@countersign/contract'
import { systemWorld } from '#base'
import { uncaught, until } from '../stories/house.ts'
import { ask, envelope, modern, type Wire } from '../stories/raw.ts'
import { openPolicyHouse, type PolicyHouse } from './policy-house.ts'

const ASKS = `
@id("everything") permit(principal, action, resource);
@id("delete-asks") @ask("sre") @message("Deleting needs a second pair of eyes")
forbid(principal, action == Action::"call", resource == Tool::"cabinet/delete_note");
@id("wipe-asks-at-night") @ask("night")
forbid(principal, action == Action::"call", resource == Tool::"cabinet/wipe")
when { context.time.hour >= 20 };
@id("wipe-asks") @ask("sre")
forbid(principal, action == Action::"call", resource == Tool::"cabinet/wipe")
when { context.time.hour < 20 };
`
const NOON = Date.parse('2026-11-23T12:00:00Z')
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
type Line = Awaited<ReturnType<Admin['listApprovals']>>[number]

let house: PolicyHouse
let shiftMs: number
before(async () => {
  shiftMs = NOON - systemWorld.now()
  const world = { ...systemWorld, now: () => systemWorld.now() + shiftMs }
  const groups = { sre: ['operator'], night: ['operator'] }
  house = await openPolicyHouse({ policies: { 'a.cedar': ASKS }, groups, world })
})
after(async () => {
  await house[Symbol.asyncDispose]()
  assert.deepEqual(uncaught, [])
})

const admin = (): Admin => house.house.admin
const times = (tool: string): number => house.effects().filter((one) => one === tool).length

const call = async (name: string, args: Wire = {}, capabilities: Wire = {}): Promise<Wire> => {
  const params = { name, arguments: args }
  const meta = envelope({}, capabilities)
  return (await ask(house.at(), modern('tools/call', { params, meta }))).json.result
}
const textIn = (result: Wire): string => String(result.content[0].text)
const taskIn = (result: Wire): string => /^Request: (task_\S+)/m.exec(textIn(result))?.[1] ?? ''
const approvalOf = async (task: string): Promise<Line> => {
  const found = (await admin().listApprovals({})).filter((one) => one.task === task)
  assert.ok(found[0], `no approval of ${task}`)
  return found[0]
}
const result = (id: string): Promise<Wire> => call('countersign_result', { id, wait_seconds: 20 })

describe('an open question', () => {
  it('ends when other policies come into force, and its agent is told what to do', async () => {
    const task = taskIn(await call('delete_note', { path: '/policies' }))
    house.write('b.cedar', '@id("no-peer") forbid(principal, action, resource in Server::"peer");')
    const said = await result(task)
    assert.equal(said.isError, true)
    assert.match(textIn(said), /^Nothing was executed\..*the policies changed\..*asks anew\./)
    const { state, why } = await approvalOf(task)
    assert.deepEqual([state, why], ['void', 'the policies changed'])
    // What it says is so: the same call asks anew, under the policies of now.
    const again = taskIn(await call('delete_note', { path: '/policies' }))
    assert.notEqual(again, task)
    const { id, bound } = await approvalOf(again)
    assert.equal(bound.policy.number, 2)
    await admin().decideApproval({ id, verdict: 'approve' })
    assert.equal(textIn(await result(again)), 'delete_note done')
  })

  it('ends when the definition of its tool changes', async () => {
    const task = taskIn(await call('delete_note', { path: '/definition' }))
    const already = times('delete_note')
    house.describe('Deletes everything, whatever it is told')
    await call('read_note')
    const said = await result(task)
    assert.match(textIn(said), /^Nothing was executed\..*the definition of the tool changed\./)
    assert.equal((await approvalOf(task)).state, 'void')
    assert.equal(times('delete_note'), already)
  })

  it('ends when nobody answers in time', async () => {
    const task = taskIn(await call('delete_note', { path: '/late' }))
    const { id } = await approvalOf(task)
    shiftMs += DAY_MS - HOUR_MS
    const { state, expiresAt } = await admin().getApproval({ id })
    assert.equal(state, 'open')
    // Its task is kept for a day too: a yes in the last moment would come too late.
    shiftMs = expiresAt - systemWorld.now()
    const late = admin().decideApproval({ id, verdict: 'approve' })
    await assert.rejects(late, { code: 'approval/over', message: /expired already/ })
    house.house.gateway.onChange('cabinet', [])
    const said = await result(task)
    assert.equal(said.isError, true)
    assert.match(textIn(said), /within 24 hours there was no answer, so the request has expired/)
  })

  // PO-018
  it('that was approved is asked about anew where others are to be asked by then', async () => {
    const task = taskIn(await call('wipe', { path: '/night' }))
    const { id, asks } = await approvalOf(task)
    assert.deepEqual(
      asks.map(({ group }) => group),
      ['sre'],
    )
    // The yes is given in the evening, and judged then: `night` has to be asked.
    shiftMs += 9 * HOUR_MS
    await admin().decideApproval({ id, verdict: 'approve' })
    const next = await until('night is asked', async () => {
      const open = await admin().listApprovals({ states: 'open' })
      return open.find((one) => one.task === task)
    })
    assert.deepEqual(
      next.asks.map(({ group }) => group),
      ['night'],
    )
    assert.equal(times('wipe'), 0)
    assert.equal((await admin().getApproval({ id })).state, 'void')
    await admin().decideApproval({ id: next.id, verdict: 'approve' })
    assert.equal(textIn(await result(task)), 'wipe done')
    assert.equal(times('wipe'), 1)
    shiftMs -= 9 * HOUR_MS
  })
})

describe('many at once', () => {
  const MANY = 32
  const all = <Value>(make: (at: number) => Promise<Value>): Promise<Value[]> =>
    Promise.all(Array.from({ length: MANY }, (_, at) => make(at)))

  // PO-020
  it('make one call of it, however often it is called and approved', async () => {
    const already = times('delete_note')
    await call('delete_note', { path: '/many' })
    const ids = new Set((await all(() => call('delete_note', { path: '/many' }))).map(taskIn))
    assert.equal(ids.size, 1)
    const [task = ''] = ids
    const { id } = await approvalOf(task)
    const url = new URL('/admin/approval/decide', house.at())
    const headers = {
      authorization: `Bearer ${house.house.adminToken.reveal()}`,
      'content-type': 'application/json',
    }
    const body = JSON.stringify({ id, verdict: 'approve' })
    const said = await all(() => ask(url, { headers, body }))
    const answers = said.map(({ status }) => status).toSorted((a, b) => a - b)
    assert.deepEqual(answers, [200, ...Array.from({ length: MANY - 1 }, () => 409)])
    const ends = await all(() => result(task))
    assert.ok(ends.some((one) => textIn(one) === 'delete_note done'))
    assert.equal(times('delete_note'), already + 1)
  })

  it('that are tasks of their own each need a yes of their own', async () => {
    const already = times('delete_note')
    const made = await all(() => call('delete_note', { path: '/each' }, TASKS))
    const ids = new Set(made.map(({ taskId }) => String(taskId)))
    assert.equal(ids.size, MANY)
    const [first = '', ...others] = ids
    const { id } = await approvalOf(first)
    await admin().decideApproval({ id, verdict: 'approve' })
    await until('it happened', () => times('delete_note') === already + 1 || undefined)
    for (const one of others) assert.equal((await approvalOf(one)).state, 'open')
    const half = others.filter((_, at) => at % 2 === 0)
    await Promise.all(
      others.map(async (task, at) => {
        const verdict = at % 2 === 0 ? 'approve' : 'deny'
        const approval = (await approvalOf(task)).id
        await admin().decideApproval({ id: approval, verdict, reason: 'one of two' })
      }),
    )
    await until('half of them happened', () =>
      times('delete_note') === already + 1 + half.length ? true : undefined,
    )
    for (const task of others) {
      await until(`${task} is over`, async () => {
        const { state } = await admin().getTask({ id: task })
        return state === 'completed' || undefined
      })
    }
    assert.equal(times('delete_note'), already + 1 + half.length)
  })
})

describe('the admin API', () => {
  it('takes an answer from whoever holds the token of the data folder, and nobody else', async () => {
    const task = taskIn(await call('delete_note', { path: '/token' }))
    const { id } = await approvalOf(task)
    const url = new URL('/admin/approval/decide', house.at())
    const body = JSON.stringify({ id, verdict: 'approve' })
    const headers = { 'content-type': 'application/json' }
    for (const authorization of [undefined, 'Bearer x', `Bearer ${id}`, `Bearer ${task}`]) {
      const given = authorization === undefined ? headers : { ...headers, authorization }
      assert.equal((await ask(url, { headers: given, body })).status, 401)
    }
    assert.equal((await approvalOf(task)).state, 'open')
  })

  // PO-017
  it('an answer of the client of the call counts for nothing, wherever it comes in', async () => {
    const made = await call('delete_note', { path: '/own-answer' }, TASKS)
    const taskId = String(made.taskId)
    const { id } = await approvalOf(taskId)
    const meta = envelope({}, TASKS)
    for (const key of ['approval-1', id, taskId]) {
      const inputResponses = {
        [key]: { action: 'accept', content: { yes: true, verdict: 'approve' } },
      }
      await ask(house.at(), modern('tasks/update', { params: { taskId, inputResponses }, meta }))
    }
    await call('countersign_result', { id: taskId, wait_seconds: 0, verdict: 'approve' })
    assert.equal((await approvalOf(taskId)).state, 'open')
    assert.deepEqual((await admin().getApproval({ id })).answers, [])
    assert.equal((await admin().getTask({ id: taskId })).state, 'waiting')
  })
})

it('a yes under a brake sends nothing, and its agent is told of the brake', async () => {
  const task = taskIn(await call('delete_note', { path: '/braked' }))
  const { id } = await approvalOf(task)
  const stopped = { what: 'server', server: 'cabinet' } as const
  const { brake } = await admin().pullBrake({ stopped, reason: 'fire' })
  await admin().decideApproval({ id, verdict: 'approve' })
  const sent = times('delete_note')
  const said = textIn(await result(task))
  assert.match(said, /^Nothing was executed\. Server cabinet was stopped by .*: fire\./)
  assert.equal(times('delete_note'), sent)
  assert.equal((await approvalOf(task)).state, 'void')
  const opened = (await house.entries('call.opened')).at(-1)
  const decision = { approval: id, kind: 'deny', policies: [`brake:${brake.id}`] }
  assert.deepEqual(opened?.body['decision'], decision)
  await admin().releaseBrake({ id: brake.id, reason: 'out' })
})
