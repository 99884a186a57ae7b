// A yes in advance: who may give it, for what, how often, and what ends it.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Bound, Wanted } from '#approvals'
import type { ApprovalSettings } from '#policy'
import { until } from '../stories/house.ts'
import { BOUND, by, DAY_MS, HOUR_MS, openDesk, sre, SRE, YES, type Desk } from './approval-peers.ts'

const GRANTS: Partial<ApprovalSettings> = { grants: { usesMax: 1_000, daysMax: 30 } }
const PLAIN: Bound = { ...BOUND, actors: ['https://idp.example#agent-1'] }
const GIVEN = { path: '/tmp/a', amount: 5, state: 'open' }

const wanted = (desk: Desk, more: Partial<Wanted> = {}): Wanted => ({
  principal: PLAIN.principal,
  what: { server: 'tickets', tool: 'delete' },
  bounds: { where: [] },
  uses: 3,
  until: desk.clock.now + DAY_MS,
  asks: SRE,
  ...more,
})

const kinds = (desk: Desk): readonly string[] => desk.notes.map(({ kind }) => kind)

/** Every way in which a call is not the one that was said yes to in advance. */
const MUTATIONS: readonly fc.Arbitrary<Partial<Bound>>[] = [
  fc.string().map((principal) => ({ principal })),
  fc.string().map((client) => ({ client })),
  fc.array(fc.string(), { maxLength: 3 }).map((actors) => ({ actors })),
  fc.string().map((server) => ({ server })),
  fc.string().map((tool) => ({ tool })),
  fc.constantFrom('read', 'idempotent', 'write').map((effect) => ({ effect })),
  fc.string().map((definition) => ({ definition })),
  fc.string().map((digest) => ({ arguments: digest })),
  fc.integer().map((number) => ({ policy: { ...PLAIN.policy, number } })),
  fc.string().map((digest) => ({ policy: { ...PLAIN.policy, digest } })),
]

describe('a standing grant', () => {
  // PO-040
  it('admits what it was made for, and nothing that differs in anything it is bound to', async () => {
    using desk = openDesk(GRANTS)
    const grants = desk.grants()
    const exact = { where: [], exactly: PLAIN.arguments }
    const { client, actors } = PLAIN
    await grants.make(sre(1), wanted(desk, { bounds: exact, client, actors }))
    assert.ok(await grants.find(PLAIN, SRE, GIVEN))
    for (const mutation of MUTATIONS) {
      await fc.assert(
        fc.asyncProperty(mutation, async (change) => {
          const other = { ...PLAIN, ...change }
          fc.pre(JSON.stringify(other) !== JSON.stringify(PLAIN))
          assert.equal(await grants.find(other, SRE, GIVEN), undefined, JSON.stringify(change))
        }),
        { numRuns: 20 },
      )
    }
    assert.equal(await grants.find(PLAIN, [{ ...SRE[0]!, quorum: 2 }], GIVEN), undefined)
    const others = [...SRE, { group: 'finance', quorum: 1, policies: ['money'] }]
    assert.equal(await grants.find(PLAIN, others, GIVEN), undefined)
  })

  it('for one client is for nobody who only calls itself so', async () => {
    using desk = openDesk(GRANTS)
    const grants = desk.grants()
    await grants.make(sre(1), wanted(desk, { client: PLAIN.client }))
    assert.ok(await grants.find(PLAIN, SRE, GIVEN))
    assert.equal(await grants.find({ ...PLAIN, actors: [] }, SRE, GIVEN), undefined)
    await grants.make(sre(1), wanted(desk, { principal: 'local', client: PLAIN.client }))
    assert.ok(await grants.find({ ...PLAIN, principal: 'local', actors: [] }, SRE, GIVEN))
  })

  it('holds arguments within its bounds', async () => {
    using desk = openDesk(GRANTS)
    const grants = desk.grants()
    const where = [
      { path: 'path', test: 'prefix', value: '/tmp/' },
      { path: 'amount', test: 'max', value: 10 },
      { path: 'amount', test: 'min', value: 1 },
      { path: 'state', test: 'oneOf', value: ['open', 'new'] },
    ] as const
    await grants.make(sre(1), wanted(desk, { bounds: { where } }))
    const good = { path: '/tmp/x', amount: 10, state: 'new', more: 'anything' }
    assert.ok(await grants.find(PLAIN, SRE, good))
    for (const change of [
      { path: '/etc/passwd' },
      { path: '/tmp/../etc/passwd' },
      { path: '/tmp/%2e%2e/etc' },
      { path: '/tmp/..\\etc' },
      { path: ['/tmp/x'] },
      { amount: 11 },
      { amount: 0 },
      { amount: '5' },
      { amount: null },
      { state: 'closed' },
      { state: undefined },
    ]) {
      const given = JSON.parse(JSON.stringify({ ...good, ...change }))
      assert.equal(await grants.find(PLAIN, SRE, given), undefined, JSON.stringify(change))
    }
    assert.equal(await grants.find(PLAIN, SRE, undefined), undefined)
  })

  // PO-041
  it('is spent by 32 at once exactly as often as it says', async () => {
    using desk = openDesk(GRANTS)
    const grants = desk.grants()
    const { id } = await grants.make(sre(1), wanted(desk, { uses: 5 }))
    const lifts = await Promise.all(
      Array.from({ length: 32 }, () => grants.find(PLAIN, SRE, GIVEN)),
    )
    const spent = await Promise.allSettled(lifts.map(async (lift) => lift?.spend()))
    assert.equal(spent.filter(({ status }) => status === 'fulfilled').length, 5)
    const [late] = spent.filter((one) => one.status === 'rejected')
    assert.match(String(late?.reason), /Nothing was executed.*used up/)
    const grant = await grants.get(id)
    assert.deepEqual([grant.state, grant.left], ['used', 0])
    assert.equal(await grants.find(PLAIN, SRE, GIVEN), undefined)
    assert.deepEqual(kinds(desk), ['grant.made', 'grant.ended'])
  })

  it('loses a use to a crash, and never has one more', async () => {
    using desk = openDesk(GRANTS)
    await desk.grants().make(sre(1), wanted(desk, { uses: 1 }))
    const dead = desk.grants(() => new Promise(() => undefined))
    const lift = await dead.find(PLAIN, SRE, GIVEN)
    // It ends while the end of the grant is written down: before anything was sent.
    void lift?.spend()
    const next = desk.grants()
    await until('it is used up', async () => (await next.list())[0]?.state === 'used' || undefined)
    assert.equal(await next.find(PLAIN, SRE, GIVEN), undefined)
    await next.review()
    await next.review()
    assert.deepEqual(kinds(desk), ['grant.made', 'grant.ended'])
  })

  it('is good within its time and hours alone', async () => {
    using desk = openDesk(GRANTS)
    const grants = desk.grants()
    const from = desk.clock.now + HOUR_MS
    const hours = 'mon-fri 08:00-18:00'
    await grants.make(sre(1), wanted(desk, { from, until: from + 7 * DAY_MS, hours }))
    const at = async (iso: string): Promise<boolean> => {
      desk.clock.now = Date.parse(iso)
      return (await grants.find(PLAIN, SRE, GIVEN)) !== undefined
    }
    // 2026-11-22 is a Sunday.
    assert.equal(await at('2026-11-22T12:30:00Z'), false)
    assert.equal(await at('2026-11-22T14:00:00Z'), false)
    assert.equal(await at('2026-11-23T07:59:00Z'), false)
    assert.equal(await at('2026-11-23T08:00:00Z'), true)
    assert.equal(await at('2026-11-27T17:59:00Z'), true)
    assert.equal(await at('2026-11-27T18:00:00Z'), false)
    assert.equal(await at('2026-12-01T12:00:00Z'), false)
    await grants.review()
    assert.equal(kinds(desk).at(-1), 'grant.ended')
  })

  it('ends with its tool and the policies, unless it was made to go on', async () => {
    using desk = openDesk(GRANTS)
    const grants = desk.grants()
    await grants.make(sre(1), wanted(desk, { isAnyVersion: true }))
    const other = { ...PLAIN, definition: 'sha256:other', policy: { number: 9, digest: 'x' } }
    assert.ok(await grants.find(other, SRE, GIVEN))
    assert.equal(desk.notes[0]?.body['isAnyVersion'], true)
  })

  it('ends at once when it is revoked, and with whoever made it', async () => {
    using desk = openDesk(GRANTS)
    const grants = desk.grants()
    const { id } = await grants.make(sre(1), wanted(desk))
    const lift = await grants.find(PLAIN, SRE, GIVEN)
    desk.groups['sre'] = desk.groups['sre']!.filter((one) => one !== sre(1).principal)
    assert.equal(await grants.find(PLAIN, SRE, GIVEN), undefined)
    desk.groups['sre'].push(sre(1).principal)
    await grants.revoke(id, sre(2).principal, 'no more')
    await assert.rejects(lift!.spend(), { code: 'policy/denied' })
    await assert.rejects(grants.revoke(id, 'x'), { code: 'approval/over' })
    assert.deepEqual(kinds(desk), ['grant.made', 'grant.revoked'])
  })
})

describe('who may make one', () => {
  // PO-042
  it('is who could say yes to the call itself, and nobody who takes part in it', async () => {
    using desk = openDesk({ grants: { usesMax: 10, daysMax: 7, makers: 'finance' } })
    const grants = desk.grants()
    desk.groups['sre']?.push(PLAIN.principal, 'https://idp.example#helper')
    const actors = ['https://idp.example#helper']
    const cases = [
      [by(PLAIN.principal), {}, /takes part in these calls/],
      [by('https://idp.example#helper'), { actors }, /takes part in these calls/],
      [by('https://idp.example#eve'), {}, /in none of the groups that would be asked: "sre"/],
      [sre(1), {}, /Standing grants are made by "finance"/],
      [sre(0), { uses: 11 }, /1 to 10 calls/],
      [sre(0), { uses: 0 }, /1 to 10 calls/],
      [sre(0), { until: desk.clock.now + 8 * DAY_MS }, /7 days at most/],
      [sre(0), { until: desk.clock.now }, /end before it begins/],
      [sre(0), { hours: 'sometimes' }, /no such hours/],
      [sre(0), { asks: [{ group: 'self', quorum: 1, policies: [] }] }, /confirmed each time/],
    ] as const
    for (const [who, more, message] of cases) {
      await assert.rejects(grants.make(who, wanted(desk, more)), { message })
    }
    assert.deepEqual(desk.notes, [])
    assert.equal((await grants.make(sre(0), wanted(desk))).state, 'active')
    const old = { ...sre(0), means: 'password', provedAt: desk.clock.now - 6 * 60_000 } as const
    await assert.rejects(grants.make(old, wanted(desk)), { message: /Sign in again/ })
    const off = openDesk()
    await assert.rejects(off.grants().make(sre(0), wanted(off)), { message: /not configured/ })
    off[Symbol.dispose]()
  })

  it('are as many as would be asked', async () => {
    using desk = openDesk(GRANTS)
    const grants = desk.grants()
    const asks = [{ group: 'sre', quorum: 2, policies: ['two'] }]
    const { id, state } = await grants.make(sre(1), wanted(desk, { asks }))
    assert.equal(state, 'pending')
    assert.equal(await grants.find(PLAIN, asks, GIVEN), undefined)
    await assert.rejects(grants.agree(id, sre(1)), { code: 'approval/over' })
    assert.equal((await grants.agree(id, sre(2))).state, 'active')
    assert.ok(await grants.find(PLAIN, asks, GIVEN))
    assert.deepEqual(kinds(desk), ['grant.made', 'grant.agreed'])
  })

  it('agree beside a yes to no more than they say', async () => {
    using desk = openDesk(GRANTS)
    const grants = desk.grants()
    const approvals = desk.reopen()
    const asks = [{ group: 'sre', quorum: 2, policies: ['two'] }]
    const approval = await desk.ask(approvals, { asks })
    const ends = desk.clock.now + DAY_MS
    const more = { uses: 5, until: ends, isAnyArguments: true }
    const { id } = await grants.makeWith(approval, sre(1), more)
    for (const less of [
      { uses: 4 },
      { until: ends - 1 },
      { until: Number.NaN },
      { isAnyArguments: false },
    ]) {
      await assert.rejects(grants.makeWith(approval, sre(2), { ...more, ...less }), {
        code: 'approval/over',
        message: /sre-1 has proposed.*allows more than that/,
      })
    }
    assert.equal((await grants.get(id)).state, 'pending')
    assert.equal((await grants.makeWith(approval, sre(2), { ...more, uses: 6 })).state, 'active')
  })

  // PO-040
  it('is for nothing when something changed after the call was judged, before it left', async () => {
    for (const change of [
      { policy: { number: 4, digest: 'sha256:new' } },
      { tools: { 'tickets/delete': { definition: 'sha256:new', effect: PLAIN.effect } } },
      { tools: {} },
    ]) {
      using desk = openDesk(GRANTS)
      const grants = desk.grants()
      const { id } = await grants.make(sre(1), wanted(desk))
      const lift = await grants.find(PLAIN, SRE, GIVEN)
      Object.assign(desk.now, change)
      await assert.rejects(lift!.spend(), { code: 'policy/denied' })
      assert.equal((await grants.get(id)).left, 3)
    }
  })

  it('make it beside a yes, for the same call and no other', async () => {
    using desk = openDesk(GRANTS)
    const grants = desk.grants()
    const approvals = desk.reopen()
    const { id } = await desk.ask(approvals)
    const approval = await approvals.decide(id, sre(1), YES)
    const more = { uses: 2, until: desk.clock.now + DAY_MS, isAnyArguments: false }
    const made = await grants.makeWith(approval, sre(1), more)
    assert.deepEqual([made.approval, made.state], [id, 'active'])
    assert.ok(await grants.find(BOUND, SRE, GIVEN))
    assert.equal(await grants.find({ ...BOUND, arguments: 'sha256:x' }, SRE, GIVEN), undefined)
    assert.equal(await grants.find(PLAIN, SRE, GIVEN), undefined)
  })
})

it('what a grant entry says is who, what and how often, and no value of an argument', async () => {
  using desk = openDesk(GRANTS)
  const where = [{ path: 'path', test: 'prefix', value: '/home/ada/' }] as const
  await desk.grants().make(sre(1), wanted(desk, { bounds: { where }, reason: 'nightly' }))
  const [made] = desk.notes
  assert.equal(made?.body['owner'], sre(1).principal)
  assert.doesNotMatch(JSON.stringify(desk.notes), /home/)
})
