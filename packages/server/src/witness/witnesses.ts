import type { WitnessLine } from '@countersign/contract/admin-ledger'
import { parseCheckpoint, parseNote } from '@countersign/contract/ledger/index'
import type { LedgerKeys, Tree } from '#audit'
import type { SafeFetch } from '#auth'
import type { World } from '#base'
import { ownLease, recordLease, type Lease } from '#feeds'
import type { Records } from '#store'
import type { Log } from '#telemetry'
import { NotKept, show, type Shown } from './show.ts'
import type { WitnessSpec } from './spec.ts'

export interface WitnessRooms {
  readonly world: World
  readonly log: Log
  readonly records: Records
  /** Whether other processes share these records: then one of them does it. */
  readonly isShared: boolean
  readonly tree: Tree
  readonly ledgerKeys: LedgerKeys
  readonly safeFetch: SafeFetch
}

/** AU-030, AU-031: those who keep our checkpoints: whoever holds our key cannot write another history unnoticed. */
export interface Witnesses {
  readonly list: () => Promise<readonly WitnessLine[]>
  /** From now on each new checkpoint is shown. */
  readonly start: () => void
  readonly close: () => Promise<void>
}

const KIND = 'Witness'
/** No more often than this: the newest stands for those before it. */
const EACH_MS = 1_000
/** How often others are looked for that signed, where several processes do. */
const LOOK_MS = 5_000
const AGAIN_MS = { first: 1_000, max: 300_000 }

/** What one witness has kept, as records have it. */
interface Seen {
  readonly size: number
  readonly at: number | undefined
  readonly failures: number
  readonly problem: string | undefined
  readonly checkpoint: string | undefined
}

const NOTHING: Seen = {
  size: 0,
  at: undefined,
  failures: 0,
  problem: undefined,
  checkpoint: undefined,
}

export function openWitnesses(rooms: WitnessRooms, specs: readonly WitnessSpec[]): Witnesses {
  const stop = new AbortController()
  const loops: Promise<void>[] = []
  return {
    list: async () => {
      const { entries } = await rooms.tree.standing()
      return Promise.all(specs.map(async (spec) => lineOf(spec, await read(rooms, spec), entries)))
    },
    start: () => {
      for (const spec of specs) {
        const lease = rooms.isShared ? recordLease(rooms, `witness ${spec.name}`) : ownLease
        loops.push(follow(rooms, spec, lease, stop.signal))
      }
    },
    close: async () => {
      stop.abort()
      await Promise.all(loops)
    },
  }
}

const lineOf = ({ name, kind }: WitnessSpec, seen: Seen, entries: number): WitnessLine => ({
  witness: name,
  kind,
  size: seen.size,
  behind: Math.max(0, entries - seen.size),
  failures: seen.failures,
  ...(seen.at === undefined ? {} : { at: seen.at }),
  ...(seen.problem === undefined ? {} : { problem: seen.problem }),
  ...(seen.checkpoint === undefined ? {} : { checkpoint: seen.checkpoint }),
})

/** One witness, for as long as the house is open. Never rejects. */
async function follow(
  rooms: WitnessRooms,
  spec: WitnessSpec,
  lease: Lease,
  signal: AbortSignal,
): Promise<void> {
  const { log, world } = rooms
  while (!signal.aborted) {
    try {
      await lease.during(signal, (during) => showAll(rooms, spec, during))
    } catch (cause) {
      log.error({ witness: spec.name, cause: String(cause) }, 'a witness cannot be followed')
      await world.wait(LOOK_MS, signal).catch(() => undefined)
    }
  }
}

async function showAll(rooms: WitnessRooms, spec: WitnessSpec, signal: AbortSignal): Promise<void> {
  const { tree, world } = rooms
  let seen = await read(rooms, spec)
  while (!signal.aborted) {
    const signed = tree.signed()
    const shown = await newest(rooms, seen.size)
    if (shown) {
      seen = await showOnce(rooms, spec, shown, seen)
      const waitMs = seen.failures === 0 ? EACH_MS : backOff(rooms, seen.failures)
      await world.wait(waitMs, signal).catch(() => undefined)
    } else await either(signed, rooms, signal)
  }
}

/** Until something is signed here; or, where others sign too, for a while. */
async function either(
  signed: Promise<void>,
  { world, isShared }: WitnessRooms,
  signal: AbortSignal,
): Promise<void> {
  const late = new AbortController()
  const both = AbortSignal.any([signal, late.signal])
  const aborted = new Promise<void>((resolve) => {
    both.addEventListener('abort', () => {
      resolve()
    })
  })
  if (isShared)
    void world.wait(LOOK_MS, both).then(
      () => late.abort(),
      () => undefined,
    )
  await Promise.race([signed, aborted])
  late.abort()
}

/** Grows with each failure, with a little chance, so that many houses do not come back together. */
function backOff({ world }: WitnessRooms, failures: number): number {
  const base = Math.min(AGAIN_MS.max, AGAIN_MS.first * 2 ** Math.min(failures, 20))
  return base * (1 + world.random(1).readUInt8() / 1_024)
}

/** The newest checkpoint, when it covers more than has been seen. */
async function newest(rooms: WitnessRooms, seen: number): Promise<Shown | undefined> {
  const { tree, ledgerKeys } = rooms
  const note = await tree.note()
  const size = note === undefined ? 0 : (parseCheckpoint(parseNote(note)?.text ?? '')?.size ?? 0)
  if (note === undefined || size <= seen) return undefined
  const { origin, key } = tree
  const since = (from: number): Promise<readonly Uint8Array[]> => tree.consistency(from, size)
  return { origin, key, size, note, since, handovers: ledgerKeys.handovers }
}

async function showOnce(
  rooms: WitnessRooms,
  spec: WitnessSpec,
  shown: Shown,
  seen: Seen,
): Promise<Seen> {
  const { log, world } = rooms
  try {
    const checkpoint = await show(rooms, spec, shown, seen.size)
    const now = { size: shown.size, at: world.now(), failures: 0, problem: undefined, checkpoint }
    // Where it was, after a restart: what is shown twice is the same.
    await keep(rooms, spec, now)
    return now
  } catch (thrown) {
    if (!(thrown instanceof NotKept)) throw thrown
    const { message } = thrown
    const failures = seen.failures + 1
    log.warn({ witness: spec.name, failures, problem: message }, 'a witness kept no checkpoint')
    const now = { ...seen, failures, problem: message }
    await keep(rooms, spec, now)
    return now
  }
}

async function keep({ records }: WitnessRooms, { name }: WitnessSpec, seen: Seen): Promise<void> {
  const { size, at, failures, problem, checkpoint } = seen
  await records.put(KIND, name, {
    size,
    failures,
    ...(at === undefined ? {} : { at }),
    ...(problem === undefined ? {} : { problem }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
  })
}

async function read({ records }: WitnessRooms, { name }: WitnessSpec): Promise<Seen> {
  const value = (await records.get(KIND, name))?.value
  if (!value) return NOTHING
  const number = (key: string): number | undefined => {
    const one = value[key]
    return typeof one === 'number' ? one : undefined
  }
  const text = (key: string): string | undefined => {
    const one = value[key]
    return typeof one === 'string' ? one : undefined
  }
  return {
    size: number('size') ?? 0,
    at: number('at'),
    failures: number('failures') ?? 0,
    problem: text('problem'),
    checkpoint: text('checkpoint'),
  }
}
