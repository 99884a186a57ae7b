import { Fault } from '@countersign/contract'
import type { World } from '#base'
import type { Records } from '#store'
import type { Log } from '#telemetry'
import type { GroupsOf } from '../asker.ts'
import type { Entered, Metered, OpenQuotas } from '../quotas.ts'
import { noQuotas } from '../quotas.ts'
import { makeAtOnce } from './at-once.ts'
import { makeBudget } from './budget.ts'
import type { Limit, Took } from './limit.ts'
import { isUnder, keyOf, type Key, type QuotaSpec } from './quota-spec.ts'
import { exhausted } from './quota-words.ts'
import { makeRate } from './rate.ts'
import { makeSharedAtOnce } from './shared-at-once.ts'
import { makeSharedRate } from './shared-rate.ts'

export interface QuotaRooms {
  readonly world: World
  readonly log: Log
  readonly records: Records
  /** Whether other processes count with these records too. */
  readonly isShared: boolean
  readonly groupsOf: GroupsOf
}

interface Quota {
  readonly spec: QuotaSpec
  readonly limits: readonly Limit[]
}

/** The limits of the configuration; without any, calls pass at no cost. */
export function openQuotas(rooms: QuotaRooms, specs: readonly QuotaSpec[]): OpenQuotas {
  if (specs.length === 0) return noQuotas
  const quotas = specs.map((spec): Quota => ({ spec, limits: limitsOf(rooms, spec) }))
  const all = quotas.flatMap(({ limits }) => limits)
  const list = async () => (await Promise.all(all.map((limit) => limit.list()))).flat()
  return {
    enter: (metered) => enter(rooms, quotas, metered),
    list,
    has: (name) => specs.some((spec) => spec.name === name),
    reset: async ({ quota: name, key }) => {
      const isMeant = (one: Key): boolean =>
        key === undefined || Object.entries(key).every(([part, value]) => own(one, part) === value)
      const before = await list()
      const meant = quotas.filter(({ spec }) => spec.name === name)
      const limits = meant.flatMap((quota) => quota.limits)
      await Promise.all(limits.map((limit) => limit.reset(isMeant)))
      return before.filter((line) => line.quota === name && isMeant(line.key))
    },
    close: async () => {
      await Promise.all(all.map((limit) => limit.close()))
    },
  }
}

const own = (key: Key, part: string): string | undefined =>
  Object.entries(key).find(([name]) => name === part)?.[1]

/** What costs least to take is taken first. */
function limitsOf(rooms: QuotaRooms, spec: QuotaSpec): readonly Limit[] {
  const { atOnce, rate, budget } = spec
  const { world, isShared } = rooms
  const made: Limit[] = []
  if (atOnce !== undefined) {
    made.push(isShared ? makeSharedAtOnce(rooms, spec, atOnce) : makeAtOnce(spec, atOnce))
  }
  if (rate) made.push(isShared ? makeSharedRate(rooms, spec, rate) : makeRate(world, spec, rate))
  if (budget) made.push(makeBudget(rooms, spec, budget))
  return made
}

/** Takes what one call costs from every limit it falls under; at the first that is full, gives all back. */
async function enter(
  { world, groupsOf }: QuotaRooms,
  quotas: readonly Quota[],
  metered: Metered,
): Promise<Entered> {
  const taken: Extract<Took, { kind: 'taken' }>[] = []
  const leave = (hasLeft: boolean): void => {
    // Each once, whoever says it how often.
    for (const one of taken.splice(0)) one.leave(hasLeft)
  }
  try {
    for (const { spec, limits } of quotas) {
      if (!isUnder(spec, metered, groupsOf)) continue
      const key = keyOf(spec, metered)
      for (const limit of limits) {
        const given = limit.take(key)
        // oxlint-disable-next-line eslint/no-await-in-loop -- What is not there is not taken from the next.
        const took = given instanceof Promise ? await given : given
        if (took.kind === 'taken') taken.push(took)
        else {
          leave(false)
          const { name } = spec
          const { words } = limit
          const fault = exhausted({ name, words, againMs: took.againMs, now: world.now() })
          return { kind: 'full', fault }
        }
      }
    }
  } catch (thrown) {
    leave(false)
    throw thrown instanceof Fault
      ? thrown
      : new Error('a limit cannot be counted', { cause: thrown })
  }
  return { kind: 'in', leave }
}
