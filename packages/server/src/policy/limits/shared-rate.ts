import { own, type JsonObject } from '@countersign/contract'
import type { QuotaLine } from '@countersign/contract/admin-quota'
import type { World } from '#base'
import type { BudgetRooms } from './budget.ts'
import { cellId, cellsOf, changeCell } from './cell.ts'
import { Counters, type Limit, type Took } from './limit.ts'
import { fullCredit, rateInWords, refill, waitMs, type Bucket } from './rate.ts'
import { readKey } from './read-key.ts'
import type { Key, QuotaSpec, RateSpec } from './quota-spec.ts'

const KIND = 'QuotaRate'
/** What one node takes of a bucket at once, and how long it may keep what it does not use. */
const BLOCK_PART = 8
const BLOCK_MAX = 64
const KEPT_MS = 1_000

interface Block {
  held: number
  /** Milliseconds since the epoch. */
  keptUntil: number
  emptyUntil: number
  leasing: Promise<void> | undefined
}

/**
 * A token bucket that several nodes share. Each takes an eighth of the burst at once, and what it has
 * not used of that within a second is lost: so much for each further node can come at one moment.
 */
export function makeSharedRate(rooms: BudgetRooms, { name }: QuotaSpec, spec: RateSpec): Limit {
  const { world, records } = rooms
  const about = JSON.stringify(spec)
  const size = Math.min(BLOCK_MAX, Math.max(1, Math.floor(spec.burst / BLOCK_PART)))
  const isIdle = ({ keptUntil, leasing }: Block): boolean =>
    keptUntil <= world.now() && leasing === undefined
  const blocks = new Counters<Block>(fresh, isIdle, rooms.countersMax)
  const lease = async (key: Key, block: Block): Promise<void> => {
    const now = world.now()
    const got = { held: 0, emptyMs: 0 }
    await changeCell(records, KIND, cellId(name, about, key), (saved) => {
      const bucket = bucketIn(saved, spec, now)
      got.held = Math.min(size, Math.floor(bucket.credit / spec.perMs))
      got.emptyMs = waitMs(bucket, spec)
      if (got.held === 0) return undefined
      const credit = bucket.credit - got.held * spec.perMs
      const isFullAt = now + Math.ceil((fullCredit(spec) - credit) / spec.calls)
      return { value: { key: { ...key }, credit, at: bucket.at }, until: isFullAt + KEPT_MS }
    })
    block.held = got.held
    block.keptUntil = now + KEPT_MS
    block.emptyUntil = got.held > 0 ? 0 : now + got.emptyMs
  }
  return {
    words: rateInWords(spec),
    take: (asked) => {
      const { key, value } = blocks.at(asked)
      return takeFrom(world, value, (block) => lease(key, block))
    },
    list: async () =>
      (await cellsOf(records, KIND, name)).map(({ value }): QuotaLine => {
        const { credit } = bucketIn(value, spec, world.now())
        const left = Math.floor(credit / spec.perMs)
        return { quota: name, limit: 'rate', key: readKey(value), max: spec.burst, left }
      }),
    reset: async (isMeant) => {
      blocks.remove(isMeant)
      const cells = await cellsOf(records, KIND, name)
      const meant = cells.filter(({ value }) => isMeant(readKey(value)))
      await Promise.all(meant.map(({ id }) => records.remove(KIND, id)))
    },
    close: async () => undefined,
  }
}

async function takeFrom(
  world: World,
  block: Block,
  lease: (block: Block) => Promise<void>,
): Promise<Took> {
  for (;;) {
    const now = world.now()
    if (block.held > 0 && now < block.keptUntil) {
      block.held--
      return {
        kind: 'taken',
        leave: (hasLeft) => {
          if (!hasLeft) block.held++
        },
      }
    }
    if (now < block.emptyUntil) return { kind: 'full', againMs: block.emptyUntil - now }
    block.leasing ??= lease(block).finally(() => {
      block.leasing = undefined
    })
    // oxlint-disable-next-line eslint/no-await-in-loop -- Either there is a call to take then, or none.
    await block.leasing
  }
}

const fresh = (): Block => ({ held: 0, keptUntil: 0, emptyUntil: 0, leasing: undefined })

function bucketIn(saved: JsonObject | undefined, spec: RateSpec, now: number): Bucket {
  const credit = saved && own(saved, 'credit')
  const at = saved && own(saved, 'at')
  if (typeof credit !== 'number' || typeof at !== 'number') {
    return { credit: fullCredit(spec), at: Math.floor(now) }
  }
  const bucket = { credit, at }
  refill(bucket, spec, now)
  return bucket
}
