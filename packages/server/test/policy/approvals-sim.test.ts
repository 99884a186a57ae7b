// People, clocks, crashes and lost replies in an order that a seed chooses; the seed reproduces it.

import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { ApprovalSettings } from '#policy'
import { BOUND, by, HOUR_MS, NO, openDesk, sre, YES, type Desk } from './approval-peers.ts'

/** One number for each seed, and the same ones for the same seed (mulberry32). */
function chanceOf(seed: number) {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    below: (count: number): number => Math.floor(next() * count),
    isSo: (often: number): boolean => next() < often,
  }
}

const EVE = 'https://idp.example#eve'
const MAX = 'https://idp.example#max'
const SETTINGS: Partial<ApprovalSettings> = {
  breakGlass: { group: 'oncall', reviewDays: 1 },
  grants: { usesMax: 5, daysMax: 7 },
}
const ASKS = [
  { group: 'sre', quorum: 2, policies: ['two'], escalate: { to: 'managers', afterMs: HOUR_MS } },
]
const BREAK = { verdict: 'approve', reason: 'it burns', isBreakGlass: true } as const

/** What happened in one world: calls that went out, and with what. */
interface Trace {
  readonly log: string[]
  /** Attempts that went out with the approval. */
  readonly approved: Set<string>
  /** Uses of grants whose call went out. */
  granted: number
}

interface Sim extends Trace {
  readonly desk: Desk
  readonly chance: ReturnType<typeof chanceOf>
  id: string
  uses: number
}

/** Between the yes and the effect a process may die: then nothing leaves, whatever was used up. */
async function send(sim: Sim, use: () => Promise<unknown>, out: () => void): Promise<void> {
  const isCut = sim.chance.isSo(0.3)
  await use()
  if (!isCut) out()
}

const STEPS: Readonly<Record<string, (sim: Sim) => Promise<unknown> | void>> = {
  yes: ({ desk, id, chance }) => desk.reopen().decide(id, sre(chance.below(4)), YES),
  manager: ({ desk, id }) => desk.reopen().decide(id, by(MAX), YES),
  no: ({ desk, id, chance }) =>
    chance.isSo(0.2) ? desk.reopen().decide(id, sre(chance.below(4)), NO) : undefined,
  glass: ({ desk, id, chance }) =>
    chance.isSo(0.3) ? desk.reopen().decide(id, by(EVE), BREAK) : undefined,
  // The requester and its programs try whatever there is.
  requester: ({ desk, id, chance }) => {
    const who = by(chance.isSo(0.5) ? BOUND.principal : (BOUND.actors[0] ?? ''))
    return desk.reopen().decide(id, who, chance.isSo(0.5) ? BREAK : YES)
  },
  call: async (sim) => {
    const { desk, id, chance } = sim
    const key = `try ${String(chance.below(3))}`
    const using = { id, task: 'task_one', key }
    // A reply that is lost is asked for again, by the same attempt.
    for (let times = chance.isSo(0.2) ? 2 : 1; times > 0; times--) {
      await send(
        sim,
        () => desk.reopen().use(using, BOUND),
        () => sim.approved.add(key),
      )
    }
  },
  otherCall: ({ desk, id, chance }) => {
    const changes = [{ arguments: 'x' }, { definition: 'x' }, { tool: 'x' }, { actors: [] }]
    const other = { ...BOUND, ...changes[chance.below(changes.length)] }
    return desk
      .reopen()
      .use({ id, task: 'task_one', key: 'other' }, other)
      .then(
        () => {
          throw new Error('a call that differs went out')
        },
        () => undefined,
      )
  },
  grant: async (sim) => {
    const { desk, chance } = sim
    const uses = 1 + chance.below(3)
    const asks = ASKS.map((one) => ({ ...one, quorum: 1 }))
    const { principal, actors } = BOUND
    const what = { server: 'tickets', tool: 'delete' }
    const until = desk.clock.now + 4 * HOUR_MS
    const bounds = { where: [] }
    await desk.grants().make(sre(1), { principal, actors, what, bounds, uses, until, asks })
    sim.uses += uses
  },
  spend: async (sim) => {
    const asks = ASKS.map((one) => ({ ...one, quorum: 1 }))
    const lift = await sim.desk.grants().find(BOUND, asks, {})
    if (lift) await send(sim, lift.spend, () => sim.granted++)
  },
  revoke: async ({ desk, chance }) => {
    const [first] = (await desk.grants().list()).filter(({ state }) => state === 'active')
    if (first && chance.isSo(0.3)) await desk.grants().revoke(first.id, sre(2).principal)
  },
  hours: ({ desk, chance }) => void (desk.clock.now += chance.below(3) * HOUR_MS),
  tick: async ({ desk }) => {
    await desk.reopen().goOn()
    await desk.grants().review()
    await desk.reviews().remind()
  },
  review: ({ desk }) => desk.reopen().review(),
  cancel: ({ desk, chance }) =>
    chance.isSo(0.1) ? desk.reopen().withdraw('task_one', 'cancelled') : undefined,
  policy: ({ desk, chance }) => {
    if (chance.isSo(0.1)) desk.lapsed.why = 'the policies changed'
  },
  leave: ({ desk, chance }) => {
    if (chance.isSo(0.2)) desk.groups['sre'] = (desk.groups['sre'] ?? []).slice(1)
  },
}
const NAMES = Object.keys(STEPS)

async function simulate(seed: number): Promise<Sim> {
  const desk = openDesk(SETTINGS)
  desk.groups['oncall'] = [EVE, BOUND.principal]
  desk.groups['managers'] = [MAX]
  const chance = chanceOf(seed)
  const { id } = await desk.ask(desk.reopen(), { asks: ASKS })
  const sim: Sim = { desk, chance, id, uses: 0, log: [], approved: new Set(), granted: 0 }
  for (let round = 0; round < 12; round++) {
    const names = Array.from(
      { length: 1 + chance.below(4) },
      () => NAMES[chance.below(NAMES.length)] ?? '',
    )
    sim.log.push(names.join('+'))
    const ended = await Promise.allSettled(names.map(async (name) => STEPS[name]?.(sim)))
    for (const one of ended) {
      if (one.status === 'rejected' && !('code' in one.reason)) throw one.reason
    }
  }
  return sim
}

/** What has to be so, whatever happened. */
async function check({ desk, id, approved, granted, uses }: Sim): Promise<void> {
  const found = await desk.reopen().find(id)
  assert.ok(found)
  assert.ok(approved.size <= 1, 'two attempts went out with one yes')
  const people = new Set(
    found.answers.filter((one) => one.verdict === 'approve').map((one) => one.by),
  )
  if (approved.size === 1) {
    assert.equal(found.state, 'used')
    assert.ok(found.glass !== undefined || people.size >= 2, 'a call went out without its quorum')
  }
  for (const one of [BOUND.principal, ...BOUND.actors]) assert.ok(!people.has(one), 'GV2')
  assert.ok(granted <= uses, 'a grant was spent more often than it says')
  const grants = await desk.grants().list()
  const spent = grants.reduce((sum, one) => sum + one.uses - one.left, 0)
  assert.ok(granted <= spent, 'a call went out that no grant was spent for')
  // Once it is quiet, all that has ended stands in the ledger, and every broken glass in the queue.
  await desk.reopen().review()
  await desk.grants().review()
  const kinds = (kind: string): number => desk.notes.filter((one) => one.kind === kind).length
  if (found.glass) assert.ok((await desk.reviews().list(true)).some((one) => one.id === id))
  assert.equal(kinds('approval.escalated'), found.escalated?.length ?? 0)
  assert.equal(
    kinds('grant.ended'),
    (await desk.grants().list()).filter(({ state }) => state === 'used' || state === 'expired')
      .length,
  )
}

// PO-020 PO-041 PO-048
it('no order of people, clocks, crashes and lost replies has two effects for one yes, or one without', async () => {
  const wanted = process.env['COUNTERSIGN_SEED']
  const seeds =
    wanted === undefined ? Array.from({ length: 120 }, (_, at) => 1_000 + at) : [Number(wanted)]
  const seen = { approved: 0, granted: 0, glass: 0, escalated: 0 }
  for (const seed of seeds) {
    const sim = await simulate(seed)
    try {
      await check(sim)
    } catch (cause) {
      throw new Error(`COUNTERSIGN_SEED=${String(seed)}\n${sim.log.join('\n')}`, { cause })
    }
    const found = await sim.desk.reopen().find(sim.id)
    seen.approved += sim.approved.size
    seen.granted += sim.granted
    seen.glass += found?.glass ? 1 : 0
    seen.escalated += found?.escalated ? 1 : 0
    sim.desk[Symbol.dispose]()
  }
  if (wanted !== undefined) return
  for (const [what, times] of Object.entries(seen)) {
    assert.ok(times > 0, `no seed came to ${what}: this proves nothing`)
  }
})

it('one seed is one history', async () => {
  const [one, other] = [await simulate(1_007), await simulate(1_007)]
  assert.deepEqual(one.log, other.log)
  const kinds = ({ desk }: Sim) => desk.notes.map(({ kind }) => kind).toSorted()
  assert.deepEqual(kinds(one), kinds(other))
  for (const { desk } of [one, other]) desk[Symbol.dispose]()
})
