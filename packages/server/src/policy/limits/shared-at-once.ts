import { isObject, own, type JsonObject } from '@countersign/contract'
import type { QuotaLine } from '@countersign/contract/admin-quota'
import { newId } from '#base'
import type { Log } from '#telemetry'
import { atOnceInWords } from './at-once.ts'
import type { BudgetRooms } from './budget.ts'
import { cellId, cellsOf, changeCell } from './cell.ts'
import { Counters, type Limit, type Took } from './limit.ts'
import { readKey } from './read-key.ts'
import type { Key, QuotaSpec } from './quota-spec.ts'

const KIND = 'QuotaAtOnce'
/** What a node that is gone had under way counts for so long; a living one says so more often. */
const ALIVE_MS = 60_000
const SAY_MS = 20_000

interface Inside {
  count: number
  /** Changes of one counter by this node are made one after the other. */
  last: Promise<unknown>
}

export interface SharedRooms extends BudgetRooms {
  readonly log: Log
}

/** How many calls are under way on all nodes: each writes down how many it has. */
export function makeSharedAtOnce(rooms: SharedRooms, { name }: QuotaSpec, max: number): Limit {
  const { world, records } = rooms
  const counters = new Counters<Inside>(
    () => ({ count: 0, last: Promise.resolve() }),
    ({ count }) => count === 0,
    rooms.countersMax,
  )
  const teller = tellerOf(rooms, name)
  const stopped = new AbortController()
  const sayAgain = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      // oxlint-disable-next-line eslint/no-await-in-loop -- A clock.
      await world.wait(SAY_MS, stopped.signal).catch(() => undefined)
      if (stopped.signal.aborted) return
      for (const { key, value } of counters.all()) if (value.count > 0) teller.sayLeft(key, value)
    }
  }
  void sayAgain()
  return {
    words: atOnceInWords(max),
    take: (key) => {
      const counted = counters.at(key)
      return takeFrom(teller, counted.key, counted.value, max)
    },
    list: async () =>
      (await cellsOf(records, KIND, name)).map(({ value }): QuotaLine => {
        const left = max - sumOf(othersIn(value, '', world.now()))
        return { quota: name, limit: 'atOnce', key: readKey(value), max, left: Math.max(0, left) }
      }),
    reset: async () => undefined,
    close: async () => {
      stopped.abort()
      await Promise.allSettled([...counters.all()].map(({ value }) => value.last))
    },
  }
}

interface Teller {
  /** Writes down what is under way here, if `isWanted` of what is under way elsewhere. */
  readonly say: (
    key: Key,
    inside: Inside,
    isWanted: (others: number) => boolean,
  ) => Promise<boolean>
  readonly sayLeft: (key: Key, inside: Inside) => void
}

function tellerOf({ world, records, log }: SharedRooms, name: string): Teller {
  const node = newId(world, 'node')
  const write = async (
    key: Key,
    inside: Inside,
    isWanted: (others: number) => boolean,
  ): Promise<boolean> => {
    let isSaid = false
    await changeCell(records, KIND, cellId(name, '', key), (saved) => {
      const now = world.now()
      const until = now + ALIVE_MS
      const others = othersIn(saved, node, now)
      isSaid = isWanted(sumOf(others))
      if (!isSaid) return undefined
      const mine = inside.count === 0 ? {} : { [node]: { count: inside.count, until } }
      return { value: { key: { ...key }, nodes: { ...others, ...mine } }, until }
    })
    return isSaid
  }
  const say: Teller['say'] = (key, inside, isWanted) => {
    const said = inside.last.then(() => write(key, inside, isWanted))
    inside.last = said.catch(() => undefined)
    return said
  }
  return {
    say,
    sayLeft: (key, inside) => {
      say(key, inside, () => true).catch((cause: unknown) => {
        const why = 'a call that is over could not be counted off'
        log.warn({ quota: name, cause: String(cause) }, why)
      })
    },
  }
}

async function takeFrom(
  { say, sayLeft }: Teller,
  key: Key,
  inside: Inside,
  max: number,
): Promise<Took> {
  if (inside.count >= max) return { kind: 'full', againMs: undefined }
  inside.count++
  let isIn = false
  try {
    isIn = await say(key, inside, (others) => others + inside.count <= max)
  } finally {
    if (!isIn) inside.count--
  }
  if (!isIn) return { kind: 'full', againMs: undefined }
  return {
    kind: 'taken',
    leave: () => {
      inside.count--
      sayLeft(key, inside)
    },
  }
}

type Nodes = Readonly<Record<string, JsonObject>>

/** What nodes have under way that are alive. */
function othersIn(saved: JsonObject | undefined, node: string, now: number): Nodes {
  const nodes = saved && own(saved, 'nodes')
  if (!isObject(nodes)) return {}
  return Object.fromEntries(
    Object.keys(nodes).flatMap((id) => {
      const one = own(nodes, id)
      if (id === node || !isObject(one)) return []
      const until = own(one, 'until')
      return typeof until === 'number' && until > now ? [[id, one] as const] : []
    }),
  )
}

const sumOf = (nodes: Nodes): number =>
  Object.values(nodes).reduce((sum, one) => {
    const count = own(one, 'count')
    return sum + (typeof count === 'number' ? count : 0)
  }, 0)
