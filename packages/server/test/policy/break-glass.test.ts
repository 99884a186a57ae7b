// One person instead of all who are asked, and whom a question goes on to when nobody answers.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ApprovalSettings } from '#policy'
import { until } from '../stories/house.ts'
import { BOUND, by, DAY_MS, HOUR_MS, NO, openDesk, sre, YES } from './approval-peers.ts'

const GLASS: Partial<ApprovalSettings> = { breakGlass: { group: 'oncall', reviewDays: 7 } }
const EVE = 'https://idp.example#eve'
const BREAK = { verdict: 'approve', reason: 'production is down', isBreakGlass: true } as const
const USING = { task: 'task_one', key: 'task_one/3' }
const TWO = [{ group: 'sre', quorum: 2, policies: ['two'] }]

describe('breaking the glass', () => {
  // PO-043
  it('sends one call without those who were asked, and others look at it afterwards', async () => {
    using desk = openDesk(GLASS)
    desk.groups['oncall'] = [EVE]
    const approvals = desk.reopen()
    const { id } = await desk.ask(approvals, { asks: TWO })
    const broken = await approvals.decide(id, by(EVE), BREAK)
    assert.equal(broken.state, 'approved')
    await approvals.use({ ...USING, id }, BOUND)
    const kinds = desk.notes.map(({ kind }) => kind)
    assert.deepEqual(kinds, [
      'approval.asked',
      'approval.answered',
      'break-glass.used',
      'approval.ended',
    ])
    assert.equal(desk.notes[2]?.body['reason'], BREAK.reason)

    const reviews = desk.reviews()
    assert.deepEqual(
      (await reviews.list(false)).map((one) => one.id),
      [id],
    )
    for (const one of [EVE, BOUND.principal, ...BOUND.actors]) {
      const own = reviews.judge(id, one, { verdict: 'justified' })
      await assert.rejects(own, { code: 'approval/not-yours' }, one)
    }
    await reviews.judge(id, sre(1).principal, { verdict: 'unjustified', comment: 'it was not' })
    await assert.rejects(reviews.judge(id, sre(2).principal, { verdict: 'justified' }), {
      code: 'approval/over',
    })
    assert.deepEqual(await reviews.list(false), [])
    assert.equal(desk.notes.at(-1)?.kind, 'break-glass.reviewed')
  })

  // PO-017
  it('is for those who may, with a reason, and never for who takes part in the call', async () => {
    using desk = openDesk(GLASS)
    desk.groups['oncall'] = [EVE, BOUND.principal, ...BOUND.actors]
    const approvals = desk.reopen()
    const { id } = await desk.ask(approvals, { asks: TWO })
    for (const one of [BOUND.principal, ...BOUND.actors]) {
      await assert.rejects(approvals.decide(id, by(one), BREAK), { message: /takes part/ }, one)
    }
    await assert.rejects(approvals.decide(id, sre(1), BREAK), { message: /someone of "oncall"/ })
    const silent = { verdict: 'approve', isBreakGlass: true, reason: ' ' } as const
    await assert.rejects(approvals.decide(id, by(EVE), silent), { message: /give a reason/ })
    await assert.rejects(approvals.decide(id, by(EVE), { ...NO, isBreakGlass: true }), {
      message: /needs none of it/,
    })
    assert.deepEqual((await approvals.find(id))?.answers, [])
    using off = openDesk()
    const there = off.reopen()
    const asked = await off.ask(there)
    await assert.rejects(there.decide(asked.id, sre(1), BREAK), { message: /names no group/ })
  })

  it('opens nothing that was refused, and nothing for who may no longer do so', async () => {
    using desk = openDesk(GLASS)
    desk.groups['oncall'] = [EVE]
    const approvals = desk.reopen()
    const denied = await desk.ask(approvals, { task: 'task_no' })
    await approvals.decide(denied.id, sre(1), NO)
    await assert.rejects(approvals.decide(denied.id, by(EVE), BREAK), { code: 'approval/over' })
    const { id } = await desk.ask(approvals)
    await approvals.decide(id, by(EVE), BREAK)
    desk.groups['oncall'] = []
    await assert.rejects(approvals.use({ ...USING, id }, BOUND), { message: /no longer in the/ })
  })

  it('is in the review queue though we ended right after it', async () => {
    using desk = openDesk(GLASS)
    desk.groups['oncall'] = [EVE]
    const { id } = await desk.ask(desk.reopen())
    void desk.reopen(() => new Promise(() => undefined)).decide(id, by(EVE), BREAK)
    const next = desk.reopen()
    await until('it is decided', async () => (await next.find(id))?.state === 'approved')
    await next.review()
    assert.equal((await desk.reviews().list(false)).length, 1)
    assert.ok(desk.notes.some(({ kind }) => kind === 'break-glass.used'))
  })

  it('is told of again, each day, while nobody has looked at it', async () => {
    using desk = openDesk(GLASS)
    desk.groups['oncall'] = [EVE]
    const approvals = desk.reopen()
    const { id } = await desk.ask(approvals)
    await approvals.decide(id, by(EVE), BREAK)
    const reminders = (): number =>
      desk.notes.filter(({ kind }) => kind === 'break-glass.unreviewed').length
    const reviews = desk.reviews()
    desk.clock.now += 6 * DAY_MS
    await reviews.remind()
    assert.equal(reminders(), 0)
    desk.clock.now += DAY_MS
    await Promise.all([reviews.remind(), desk.reviews().remind(), reviews.remind()])
    assert.equal(reminders(), 1)
    desk.clock.now += DAY_MS
    await reviews.remind()
    assert.equal(reminders(), 2)
    await reviews.judge(id, sre(1).principal, { verdict: 'justified' })
    desk.clock.now += DAY_MS
    await reviews.remind()
    assert.equal(reminders(), 2)
  })
})

describe('what nobody answers', () => {
  const asks = [
    {
      group: 'sre',
      quorum: 2,
      policies: ['two'],
      escalate: { to: 'managers', afterMs: 2 * HOUR_MS },
    },
  ]
  const MAX = 'https://idp.example#max'

  // PO-044
  it('goes on to others, who may answer too from then on, and it is told once', async () => {
    using desk = openDesk()
    desk.groups['managers'] = [MAX, BOUND.principal]
    const approvals = desk.reopen()
    const { id } = await desk.ask(approvals, { asks })
    await assert.rejects(approvals.decide(id, by(MAX), YES), { message: /in none of these/ })
    desk.clock.now += 2 * HOUR_MS
    await Promise.all([approvals.goOn(), desk.reopen().goOn(), approvals.goOn()])
    const told = desk.notes.filter(({ kind }) => kind === 'approval.escalated')
    assert.deepEqual(
      told.map(({ body }) => [body['group'], body['to'], body['afterMs']]),
      [['sre', 'managers', 2 * HOUR_MS]],
    )
    await assert.rejects(approvals.decide(id, by(BOUND.principal), YES), { message: /takes part/ })
    assert.equal((await approvals.decide(id, by(MAX), YES)).state, 'open')
    assert.equal((await approvals.decide(id, sre(1), YES)).state, 'approved')
    await approvals.use({ ...USING, id }, BOUND)
  })

  it('is noted before the first of them answers, also where no clock has ticked', async () => {
    using desk = openDesk({ escalate: { sre: { to: 'managers', afterMs: HOUR_MS } } })
    desk.groups['managers'] = [MAX]
    const approvals = desk.reopen()
    const { id } = await desk.ask(approvals)
    desk.clock.now += HOUR_MS
    assert.equal((await approvals.decide(id, by(MAX), YES)).state, 'approved')
    const kinds = desk.notes.map(({ kind }) => kind)
    assert.deepEqual(kinds.slice(1), ['approval.escalated', 'approval.answered', 'approval.ended'])
  })
})

describe('a passkey', () => {
  it('is what it takes where that is configured, also to break the glass', async () => {
    using desk = openDesk({ ...GLASS, passkeyFor: ['destructive'] })
    desk.groups['oncall'] = [EVE]
    const approvals = desk.reopen()
    const { id } = await desk.ask(approvals)
    const now = desk.clock.now
    for (const means of ['token', 'password', 'provider', 'local', 'webhook'] as const) {
      const who = { ...sre(1), means, provedAt: now }
      await assert.rejects(approvals.decide(id, who, YES), { message: /with a passkey/ }, means)
      const glass = { principal: EVE, means, provedAt: now }
      await assert.rejects(approvals.decide(id, glass, BREAK), { message: /with a passkey/ }, means)
    }
    await approvals.decide(id, { ...sre(1), means: 'passkey', provedAt: now }, YES)
  })
})

describe('what asks whoever asks', () => {
  const asks = [{ group: 'self', quorum: 1, policies: ['sure'] }]

  // PO-045 GV2
  it('is answered by them alone, where that counts, and says so', async () => {
    using desk = openDesk({ isSelfConfirmed: true })
    const approvals = desk.reopen()
    const { id } = await desk.ask(approvals, { asks })
    for (const one of [...BOUND.actors, sre(1).principal, 'operator']) {
      const answer = approvals.decide(id, by(one), YES)
      await assert.rejects(answer, { code: 'approval/not-yours' }, one)
    }
    const said = await approvals.decide(id, by(BOUND.principal), YES)
    assert.deepEqual([said.state, said.answers[0]?.means], ['approved', 'self'])
    assert.equal(desk.notes.find(({ kind }) => kind === 'approval.answered')?.body['means'], 'self')
    await approvals.use({ ...USING, id }, BOUND)
  })

  it('counts for nothing where it does not, nor for what others are asked', async () => {
    using off = openDesk()
    const there = off.reopen()
    const one = await off.ask(there, { asks })
    const own = there.decide(one.id, by(BOUND.principal), YES)
    await assert.rejects(own, { message: /selfConfirm is not set/ })
    using desk = openDesk({ isSelfConfirmed: true })
    desk.groups['sre']?.push(BOUND.principal)
    const approvals = desk.reopen()
    const both = [...asks, { group: 'sre', quorum: 1, policies: ['delete-asks'] }]
    const { id } = await desk.ask(approvals, { asks: both })
    const half = await approvals.decide(id, by(BOUND.principal), YES)
    assert.deepEqual([half.state, half.answers[0]?.groups], ['open', ['self']])
    assert.equal((await approvals.decide(id, sre(1), YES)).state, 'approved')
  })
})
