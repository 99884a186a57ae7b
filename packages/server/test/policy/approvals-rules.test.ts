// What a yes is worth: who may say it, for what, how often, and until when.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LAPSE, type Bound } from '#approvals'
import { until } from '../stories/house.ts'
import { BOUND, by, DAY_MS, HOUR_MS, NO, openDesk, sre, YES } from './approval-peers.ts'

const USING = { task: 'task_one', key: 'task_one/3' }

/** Every field that a yes is bound to, changed in some way. */
const MUTATIONS: Readonly<Record<keyof Bound, fc.Arbitrary<Partial<Bound>>>> = {
  principal: fc.string().map((principal) => ({ principal })),
  client: fc.string().map((client) => ({ client })),
  actors: fc.array(fc.string(), { maxLength: 4 }).map((actors) => ({ actors })),
  view: fc.string().map((view) => ({ view })),
  server: fc.string().map((server) => ({ server })),
  tool: fc.string().map((tool) => ({ tool })),
  effect: fc.constantFrom('read', 'idempotent', 'write').map((effect) => ({ effect })),
  definition: fc.string().map((definition) => ({ definition })),
  arguments: fc.string().map((digest) => ({ arguments: digest })),
  policy: fc
    .oneof(
      fc.integer().map((number) => ({ ...BOUND.policy, number })),
      fc.string().map((digest) => ({ ...BOUND.policy, digest })),
    )
    .map((policy) => ({ policy })),
}

describe('a yes for one call', () => {
  // GV1 PO-018
  it('admits that call, and none that differs in anything it is bound to', async () => {
    using desk = openDesk()
    const approvals = desk.reopen()
    const { id } = await desk.ask(approvals)
    await approvals.decide(id, sre(1), YES)
    for (const [field, mutation] of Object.entries(MUTATIONS)) {
      await fc.assert(
        fc.asyncProperty(mutation, async (change) => {
          const other = { ...BOUND, ...change }
          fc.pre(JSON.stringify(other) !== JSON.stringify(BOUND))
          await assert.rejects(
            approvals.use({ ...USING, id }, other),
            { code: 'policy/denied', message: /^Nothing was executed\./ },
            `${field} was ${JSON.stringify(change)}`,
          )
        }),
        { numRuns: 30 },
      )
    }
    assert.equal((await approvals.find(id))?.state, 'approved')
    await approvals.use({ ...USING, id }, BOUND)
    assert.equal((await approvals.find(id))?.state, 'used')
  })

  it('is for the task that asked, and for no other', async () => {
    using desk = openDesk()
    const approvals = desk.reopen()
    const { id } = await desk.ask(approvals)
    await approvals.decide(id, sre(1), YES)
    const other = approvals.use({ id, task: 'task_two', key: 'task_two/3' }, BOUND)
    await assert.rejects(other, { message: new RegExp(LAPSE.other) })
  })

  // PO-020
  it('is used once: by the attempt that came first, which may come again after a crash', async () => {
    using desk = openDesk()
    const approvals = desk.reopen()
    const { id } = await desk.ask(approvals)
    await approvals.decide(id, sre(1), YES)
    await approvals.use({ ...USING, id }, BOUND)
    const after = desk.reopen()
    await after.use({ ...USING, id }, BOUND)
    const next = after.use({ ...USING, id, key: 'task_one/7' }, BOUND)
    await assert.rejects(next, { message: new RegExp(LAPSE.used) })
    // What was used is not taken back by what comes later.
    await after.lapse(id, 'late')
    assert.equal((await after.find(id))?.state, 'used')
  })

  // PO-017
  it('is for nothing any more when something changed after the call was judged, before it left', async () => {
    using desk = openDesk()
    const approvals = desk.reopen()
    const { id } = await desk.ask(approvals)
    await approvals.decide(id, sre(1), YES)
    desk.lapsed.why = LAPSE.policies
    await assert.rejects(approvals.use({ ...USING, id }, BOUND), {
      code: 'policy/denied',
      message: new RegExp(LAPSE.policies),
    })
    desk.lapsed.why = undefined
    const { state, why } = (await approvals.find(id)) ?? {}
    assert.deepEqual([state, why], ['void', LAPSE.policies])
  })

  it('is good until it expires, and while whoever said it is still in the group', async () => {
    using desk = openDesk()
    const approvals = desk.reopen()
    const { id, expiresAt } = await desk.ask(approvals)
    await approvals.decide(id, sre(1), YES)
    const members = [...(desk.groups['sre'] ?? [])]
    desk.groups['sre'] = members.filter((one) => one !== sre(1).principal)
    await assert.rejects(approvals.use({ ...USING, id }, BOUND), {
      message: new RegExp(LAPSE.members),
    })
    desk.groups['sre'] = members
    desk.clock.now = expiresAt
    await assert.rejects(approvals.use({ ...USING, id }, BOUND), {
      message: new RegExp(LAPSE.late),
    })
    desk.clock.now = expiresAt - 1
    await approvals.use({ ...USING, id }, BOUND)
  })

  it('never outlives its task', async () => {
    using desk = openDesk()
    const approvals = desk.reopen()
    const taskExpiresAt = desk.clock.now + HOUR_MS
    // Nor its last minutes, which are for the call itself and for whoever fetches what came of it.
    const spareMs = HOUR_MS / 10
    assert.equal((await desk.ask(approvals, { taskExpiresAt })).expiresAt, taskExpiresAt - spareMs)
    const other = await desk.ask(approvals, { task: 'task_two' })
    assert.equal(other.expiresAt, desk.clock.now + DAY_MS)
  })

  it('is asked for once, however often the question is put', async () => {
    using desk = openDesk()
    const first = await desk.ask(desk.reopen())
    await desk.reopen().decide(first.id, sre(1), YES)
    const again = await desk.ask(desk.reopen())
    assert.deepEqual([again.id, again.state], [first.id, 'approved'])
    const next = await desk.ask(desk.reopen(), { round: 2 })
    assert.deepEqual([next.id, next.state], [`${first.id}.2`, 'open'])
  })
})

describe('who may say it', () => {
  // GV2 PO-017
  it('is nobody who takes part in the call, through whichever client and in whatever group', async () => {
    using desk = openDesk()
    const approvals = desk.reopen()
    const { id } = await desk.ask(approvals)
    const chain = [BOUND.principal, ...BOUND.actors]
    desk.groups['sre']?.push(...chain)
    for (const one of chain) {
      for (const verdict of [YES, NO]) {
        await assert.rejects(
          approvals.decide(id, by(one), verdict),
          { code: 'approval/not-yours', message: /takes part in this call/ },
          one,
        )
      }
    }
    assert.deepEqual((await approvals.find(id))?.answers, [])
  })

  it('is somebody of the group that is asked', async () => {
    using desk = openDesk()
    const approvals = desk.reopen()
    const { id } = await desk.ask(approvals)
    for (const one of ['https://idp.example#eve', 'operator', 'sre', '']) {
      await assert.rejects(approvals.decide(id, by(one), YES), {
        code: 'approval/not-yours',
        message: /someone of "sre".*is in none of these groups/,
      })
    }
  })

  it('is somebody who proved just now who they are, unless they hold the token', async () => {
    using desk = openDesk()
    const approvals = desk.reopen()
    const { id } = await desk.ask(approvals)
    const { principal } = sre(1)
    const early = {
      principal,
      means: 'passkey',
      provedAt: desk.clock.now - 5 * 60_000 - 1,
    } as const
    await assert.rejects(approvals.decide(id, early, YES), { message: /Sign in again/ })
    await approvals.decide(id, { ...early, provedAt: desk.clock.now - 60_000 }, YES)
  })

  it('is asked once: a second answer, and one after the end, change nothing', async () => {
    using desk = openDesk()
    const approvals = desk.reopen()
    const asks = [{ group: 'sre', quorum: 2, policies: ['two'] }]
    const { id } = await desk.ask(approvals, { asks })
    assert.equal((await approvals.decide(id, sre(1), YES)).state, 'open')
    const again = approvals.decide(id, sre(1), YES)
    await assert.rejects(again, { code: 'approval/over', message: /has answered/ })
    await assert.rejects(approvals.decide(id, sre(1), NO), { message: /has answered/ })
    assert.equal((await approvals.decide(id, sre(2), YES)).state, 'approved')
    const late = approvals.decide(id, sre(3), NO)
    await assert.rejects(late, { code: 'approval/over', message: /is approved already/ })
    await assert.rejects(approvals.decide('ap_none', sre(1), YES), { code: 'approval/unknown' })
  })

  it('is heard within the time they have', async () => {
    using desk = openDesk()
    const approvals = desk.reopen()
    const { id, expiresAt } = await desk.ask(approvals)
    desk.clock.now = expiresAt
    const late = approvals.decide(id, sre(1), YES)
    await assert.rejects(late, { code: 'approval/over', message: /is expired already/ })
  })
})

describe('several', () => {
  const asks = [
    { group: 'sre', quorum: 2, policies: ['two'] },
    { group: 'finance', quorum: 1, policies: ['money'] },
  ]

  // PO-021
  it('have to say yes where each group has its quorum, and one no is enough', async () => {
    using desk = openDesk()
    const approvals = desk.reopen()
    const { id } = await desk.ask(approvals, { asks })
    await approvals.decide(id, sre(1), YES)
    await approvals.decide(id, sre(2), YES)
    assert.equal((await approvals.find(id))?.state, 'open')
    assert.equal((await approvals.decide(id, by('https://idp.example#eve'), YES)).state, 'approved')

    const other = await desk.ask(approvals, { asks, task: 'task_two' })
    await approvals.decide(other.id, sre(1), YES)
    assert.equal((await approvals.decide(other.id, sre(2), NO)).state, 'denied')
    const use = approvals.use({ id: other.id, task: 'task_two', key: 'k' }, BOUND)
    await assert.rejects(use, { code: 'policy/denied' })
  })

  it('race, and the number of those who count is the quorum', async () => {
    using desk = openDesk()
    const approvals = desk.reopen()
    const many = [{ group: 'sre', quorum: 5, policies: ['five'] }]
    const { id } = await desk.ask(approvals, { asks: many })
    const people = Array.from({ length: 32 }, (_, at) => approvals.decide(id, sre(at), YES))
    const said = await Promise.allSettled(people)
    assert.equal(said.filter(({ status }) => status === 'fulfilled').length, 5)
    const found = await approvals.find(id)
    assert.deepEqual([found?.state, found?.answers.length], ['approved', 5])
    assert.equal(desk.notes.filter(({ kind }) => kind === 'approval.answered').length, 5)
    assert.equal(desk.notes.filter(({ kind }) => kind === 'approval.ended').length, 1)

    const uses = Array.from({ length: 32 }, (_, at) =>
      approvals.use({ ...USING, id, key: `task_one/${String(at)}` }, BOUND),
    )
    const used = await Promise.allSettled(uses)
    assert.equal(used.filter(({ status }) => status === 'fulfilled').length, 1)
  })
})

describe('what changed meanwhile', () => {
  it('makes an open question void before anybody can say yes to it', async () => {
    using desk = openDesk()
    const approvals = desk.reopen()
    const { id } = await desk.ask(approvals)
    desk.lapsed.why = LAPSE.policies
    await assert.rejects(approvals.decide(id, sre(1), YES), {
      code: 'approval/over',
      message: /is void already/,
    })
    assert.equal((await approvals.find(id))?.why, LAPSE.policies)
  })

  it('is in the ledger though we ended right after it was decided', async () => {
    using desk = openDesk()
    const { id } = await desk.ask(desk.reopen())
    const dead = desk.reopen(() => new Promise(() => undefined))
    void dead.decide(id, sre(1), YES)
    const next = desk.reopen()
    await until('it is decided', async () => (await next.find(id))?.state === 'approved')
    const told: unknown[] = []
    next.onEnd(() => told.push(desk.notes.at(-1)?.kind))
    await next.review()
    await next.review()
    assert.deepEqual(told, ['approval.ended', 'approval.ended'])
    const ends = desk.notes.filter(({ kind }) => kind === 'approval.ended')
    assert.equal(ends.length, 1)
    assert.deepEqual(ends[0]?.body['answers'], [
      { by: sre(1).principal, verdict: 'approve', means: 'token' },
    ])
  })

  // PO-019
  it('is in the ledger though we ended right after one of two had answered', async () => {
    using desk = openDesk()
    const asks = [{ group: 'sre', quorum: 2, policies: ['two'] }]
    const { id } = await desk.ask(desk.reopen(), { asks })
    void desk.reopen(() => new Promise(() => undefined)).decide(id, sre(1), YES)
    const next = desk.reopen()
    await until('it is kept', async () => (await next.find(id))?.answers.length === 1 || undefined)
    await next.review()
    await next.review()
    const told = desk.notes.filter(({ kind }) => kind === 'approval.answered')
    assert.deepEqual(
      told.map(({ body }) => body['by']),
      [sre(1).principal],
    )
  })

  it('is found by a review, which tells of everything that is over, heard of or not', async () => {
    using desk = openDesk()
    const first = desk.reopen()
    const [open, denied, late] = await Promise.all(
      ['task_a', 'task_b', 'task_c'].map((task) => desk.ask(first, { task })),
    )
    assert.ok(open && denied && late)
    await first.decide(denied.id, sre(1), NO)
    desk.lapsed.why = LAPSE.definition
    const told: string[] = []
    const next = desk.reopen()
    next.onEnd(({ task, state }) => void told.push(`${task} ${state}`))
    await Promise.all([next.review(), next.review()])
    assert.deepEqual([...new Set(told)].toSorted(), ['task_a void', 'task_b denied', 'task_c void'])
  })
})

const DOES = [
  'yes',
  'no',
  'use',
  'withdraw',
  'end',
  'lapse',
  'hours',
  'crash',
  'leave',
  'ask',
] as const

interface Step {
  readonly do: (typeof DOES)[number]
  readonly who: number
  readonly key: number
}

const step: fc.Arbitrary<Step> = fc.record({
  // A yes, and a use of it, more often than the rest.
  do: fc.constantFrom(...DOES, 'yes', 'yes', 'yes', 'use', 'use'),
  who: fc.nat({ max: 3 }),
  key: fc.nat({ max: 2 }),
})

// PO-020 PO-021
it('no interleaving of answers, ends, crashes and attempts lets a call out twice, or without a yes', async () => {
  const asks = [{ group: 'sre', quorum: 2, policies: ['two'] }]
  let used = 0
  const rounds = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(rounds, async (given) => {
      using desk = openDesk()
      let approvals = desk.reopen()
      const { id, expiresAt } = await desk.ask(approvals, { asks })
      const out = new Set<number>()
      let late = 0
      const use = async (key: number): Promise<void> => {
        const isLate = desk.clock.now >= expiresAt
        await approvals.use({ ...USING, id, key: `key ${String(key)}` }, BOUND)
        if (isLate) late++
        out.add(key)
      }
      const does: Readonly<Record<Step['do'], (one: Step) => unknown>> = {
        yes: ({ who }) => approvals.decide(id, sre(who), YES),
        no: ({ who }) => approvals.decide(id, sre(who), NO),
        use: ({ key }) => use(key),
        withdraw: () => approvals.withdraw(USING.task, 'it was cancelled'),
        end: () => approvals.end(id),
        lapse: () => approvals.lapse(id, 'it changed'),
        hours: () => (desk.clock.now += 8 * HOUR_MS),
        crash: () => (approvals = desk.reopen()),
        leave: () => desk.groups['sre']?.splice(0, 1),
        ask: () => desk.ask(approvals, { asks }),
      }
      const run = async (one: Step): Promise<unknown> => does[one.do](one)
      for (const together of given) await Promise.allSettled(together.map(run))
      const found = await approvals.find(id)
      assert.ok(found)
      const yes = new Set(
        found.answers.filter(({ verdict }) => verdict === 'approve').map((one) => one.by),
      )
      assert.equal(late, 0, 'a call went out after the end of its approval')
      assert.ok(out.size <= 1, 'two attempts went out with one yes')
      if (out.size === 1) {
        used++
        assert.equal(found.state, 'used')
        assert.ok(yes.size >= 2, 'a call went out without its quorum')
        assert.ok(found.answers.every(({ verdict }) => verdict === 'approve'))
      }
      // One answer for each person, and none after the end.
      assert.equal(new Set(found.answers.map((one) => one.by)).size, found.answers.length)
      assert.ok(found.answers.every(({ at }) => at <= (found.endedAt ?? Infinity)))
    }),
    { numRuns: 300 },
  )
  assert.ok(used > 0, 'no interleaving let a call out at all: this proves nothing')
})
