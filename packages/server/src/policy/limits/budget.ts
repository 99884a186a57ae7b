import { own, type JsonObject } from '@countersign/contract'
import type { QuotaLine } from '@countersign/contract/admin-quota'
import type { World } from '#base'
import type { Records } from '#store'
import { cellId, cellsOf, changeCell } from './cell.ts'
import { Counters, type Limit, type Took } from './limit.ts'
import { readKey } from './read-key.ts'
import type { BudgetSpec, Key, QuotaSpec } from './quota-spec.ts'
import { spanEnds, spanInWords } from './span.ts'

const KIND = 'QuotaBudget'
/** What is set apart at once, of what is left: so much at most is lost in a crash, or idle elsewhere. */
const BLOCK_PART = 16
const BLOCK_MAX = 64
/** How long an empty budget is believed to be empty without looking. */
const EMPTY_MS = 500

/** Set apart for this node, and written down as used before any of it is. */
interface Block {
  held: number
  /** Milliseconds since the epoch. */
  ends: number
  emptyUntil: number
  leasing: Promise<void> | undefined
}

export interface BudgetRooms {
  readonly world: World
  readonly records: Records
  /** Counters that are kept in memory for one limit. */
  readonly countersMax?: number
}

/**
 * A budget over a span, in the records: what is taken is written down first, in blocks, so that no
 * crash and no other node makes it more. What a crash leaves of a block is lost until the span ends.
 */
export function makeBudget(rooms: BudgetRooms, { name }: QuotaSpec, spec: BudgetSpec): Limit {
  const { world, records } = rooms
  const { calls, per } = spec
  const endsAt = spanEnds(per)
  const about = JSON.stringify(per)
  const blocks = blocksOf(rooms)
  const lease = async (key: Key, block: Block): Promise<void> => {
    const next = { ends: 0, held: 0 }
    await changeCell(records, KIND, cellId(name, about, key), (saved) => {
      const { ends, used } = standing(saved, world.now(), endsAt)
      const held = blockOf(calls - used)
      Object.assign(next, { ends, held })
      if (held === 0) return undefined
      return { value: { key: { ...key }, ends, used: used + held }, until: ends }
    })
    const { ends, held } = next
    block.held = (block.ends === ends ? block.held : 0) + held
    block.ends = ends
    block.emptyUntil = held > 0 ? 0 : Math.min(ends, world.now() + EMPTY_MS)
  }
  const giveBack = (key: Key, { held, ends }: Block): Promise<void> =>
    changeCell(records, KIND, cellId(name, about, key), (saved) => {
      const used = numberAt(saved, 'used')
      if (numberAt(saved, 'ends') !== ends || used === undefined) return undefined
      return { value: { key: { ...key }, ends, used: Math.max(0, used - held) }, until: ends }
    })
  return {
    words: `${String(calls)} calls ${spanInWords(per)}`,
    take: (asked) => {
      const { key, value } = blocks.at(asked)
      return takeFrom(world, value, (block) => lease(key, block))
    },
    list: async () => {
      const now = world.now()
      const held = new Map(
        [...blocks.all()].map(({ key, value }) => [cellId(name, about, key), value] as const),
      )
      return (await cellsOf(records, KIND, name)).map(({ id, value }): QuotaLine => {
        const { ends, used } = standing(value, now, endsAt)
        const block = held.get(id)
        const spare = block?.ends === ends ? block.held : 0
        const left = Math.max(0, calls - used + spare)
        return { quota: name, limit: 'budget', key: readKey(value), max: calls, left, until: ends }
      })
    },
    reset: async (isMeant) => {
      blocks.remove(isMeant)
      const cells = await cellsOf(records, KIND, name)
      const meant = cells.filter(({ value }) => isMeant(readKey(value)))
      await Promise.all(meant.map(({ id }) => records.remove(KIND, id)))
    },
    close: async () => {
      const left = [...blocks.all()].filter(({ value }) => value.held > 0)
      await Promise.allSettled(left.map(({ key, value }) => giveBack(key, value)))
    },
  }
}

const blocksOf = ({ world, countersMax }: BudgetRooms): Counters<Block> =>
  new Counters<Block>(
    () => ({ held: 0, ends: 0, emptyUntil: 0, leasing: undefined }),
    // What is used is written down: with nothing set apart there is nothing to forget.
    ({ ends, held, leasing }) => (held === 0 || ends <= world.now()) && leasing === undefined,
    countersMax,
  )

async function takeFrom(
  { now }: World,
  block: Block,
  lease: (block: Block) => Promise<void>,
): Promise<Took> {
  for (;;) {
    if (block.held > 0 && now() < block.ends) {
      const { ends } = block
      block.held--
      return {
        kind: 'taken',
        leave: (hasLeft) => {
          if (!hasLeft && block.ends === ends) block.held++
        },
      }
    }
    if (now() < block.emptyUntil) return { kind: 'full', againMs: block.ends - now() }
    // Callers of one node share what is set apart; one of them asks for it.
    block.leasing ??= lease(block).finally(() => {
      block.leasing = undefined
    })
    // oxlint-disable-next-line eslint/no-await-in-loop -- Either there is a call to take then, or none.
    await block.leasing
  }
}

/** The fewer are left, the fewer are set apart: the last ones one by one. */
const blockOf = (left: number): number =>
  left <= 0 ? 0 : Math.min(BLOCK_MAX, Math.max(1, Math.floor(left / BLOCK_PART)))

/** What is used of the span that we are in. A clock that was put back does not begin another. */
function standing(
  saved: JsonObject | undefined,
  now: number,
  endsAt: (now: number) => number,
): { readonly ends: number; readonly used: number } {
  const ends = numberAt(saved, 'ends')
  const used = numberAt(saved, 'used')
  return ends === undefined || used === undefined || ends <= now
    ? { ends: endsAt(now), used: 0 }
    : { ends, used }
}

const numberAt = (value: JsonObject | undefined, name: string): number | undefined => {
  const found = value && own(value, name)
  return typeof found === 'number' ? found : undefined
}
