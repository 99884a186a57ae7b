import { Fault, isObject, own, type JsonObject } from '@countersign/contract'
import type { Ledger } from '#audit'
import type { Principal } from '#auth'
import type { World } from '#base'
import type { Records, Saved } from '#store'
import type { Run, RunAsked, Runs, Touching } from '../runs.ts'

export interface RunSettings {
  /** How long what was called counts for its principal, and for a run that nobody named. */
  readonly windowMs: number
  /** How long it counts for a run that was named. */
  readonly namedMs: number
}

export interface RunRooms {
  readonly world: World
  readonly records: Records
  readonly ledger: Pick<Ledger, 'note'>
}

const RUN = 'Run'
const RECENT = 'RecentLabels'

/** Runs of one principal that are kept apart, whoever named them; all further ones are one (PO-068). */
const RUNS_MAX = 1_000
const FURTHER = 'all further runs'
/** Counted for this much longer than promised, so that not each call has to write it down anew. */
const SPARE = 0.1
/** Somebody else changed it meanwhile: each try is one who did. */
const TRIES_MAX = 200

/** Labels by name, each with the time until which it counts (PO-066). */
type Labels = Readonly<Record<string, number>>

/** What is kept of a run, or of a principal. */
interface Kept {
  readonly labels: Labels
  /** Of a principal: how many runs have been named since when. */
  readonly runs: number
  readonly since: number
  /** Of a principal: until when what the further runs have touched may count. */
  readonly further: number
}

/** The runs of all principals, in the store that all nodes share (PO-063). */
export function openRuns(rooms: RunRooms, settings: RunSettings): Runs {
  const { world, records } = rooms
  const write = oneAfterAnother()
  return {
    of: async (who, asked) => {
      const id = runIdOf(who, asked)
      const [run, recent] = await Promise.all([
        records.get(RUN, keyOf(who, id)),
        records.get(RECENT, who.id),
      ])
      const now = world.now()
      const { labels, runs, further } = keptIn(recent, now, settings)
      const isFurther = run === undefined && (runs >= RUNS_MAX || further > now)
      const found = isFurther ? await records.get(RUN, keyOf(who, FURTHER)) : run
      return {
        id,
        labels: alive(keptIn(found, now, settings).labels, now),
        recent: alive(labels, now),
      }
    },
    // Two calls of one principal at once: the one that comes second sees what the first has left.
    touch: (who, run, touching) =>
      write(who.id, () => touch(rooms, settings, { who, run, touching })),
  }
}

/** Which run: the one that is named, else all of a client. */
export const runIdOf = (who: Principal, { handle, client }: RunAsked): string =>
  handle ?? `client:${(who.proof === 'local' ? undefined : who.client) ?? client}`

/** PO-065: the id of a principal has no blank. */
const keyOf = (who: Principal, id: string): string => `${who.id} ${id}`

interface Touched {
  readonly who: Principal
  readonly run: Run
  readonly touching: Touching
}

async function touch(rooms: RunRooms, settings: RunSettings, touched: Touched): Promise<Run> {
  const { who, run, touching } = touched
  const { windowMs, namedMs } = settings
  const isNamed = !run.id.startsWith('client:')
  const known = await rooms.records.get(RUN, keyOf(who, run.id))
  // PO-064: what is called counts for the principal first: of a crash in between nothing is forgotten.
  const countsRun = known === undefined
  const { labels: left } = touching
  const counted = { settings, labels: left, forMs: windowMs, countsRun }
  const before = await keep(rooms, RECENT, who.id, counted)
  const isFurther = countsRun && before.runs >= RUNS_MAX
  const id = isFurther ? FURTHER : run.id
  const now = rooms.world.now()
  // It may have been one of too many: what they have touched goes with it to a place of its own.
  const isBack = countsRun && !isFurther && before.further > now
  const together = isBack ? await rooms.records.get(RUN, keyOf(who, FURTHER)) : undefined
  const earlier = await keep(rooms, RUN, keyOf(who, id), {
    settings,
    labels: left,
    forMs: isNamed ? namedMs : windowMs,
    countsRun: false,
    ...(together ? { first: keptIn(together, now, settings).labels } : {}),
  })
  const labels = alive(earlier.labels, now)
  const grown = touching.labels.filter((label) => !labels.includes(label))
  if (grown.length > 0) {
    const said = { principal: who.id, run: run.id, call: touching.call }
    await rooms.ledger.note('run.labelled', { ...said, labels: [...grown] })
  }
  return { id: run.id, labels, recent: alive(before.labels, now) }
}

interface Keeping {
  readonly labels: readonly string[]
  readonly forMs: number
  readonly countsRun: boolean
  readonly settings: RunSettings
  /** What counts already where nothing is written down. */
  readonly first?: Labels
}

/** Writes labels down if they do not count long enough yet. Resolves with what was there before. */
async function keep(
  { world, records }: RunRooms,
  kind: string,
  id: string,
  keeping: Keeping,
): Promise<Kept> {
  const { labels, forMs, countsRun, settings, first } = keeping
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const now = world.now()
    const saved = await records.get(kind, id)
    const known = keptIn(saved, now, settings)
    const kept = saved || !first ? known : { ...known, labels: first }
    const isFresh = labels.every((label) => (kept.labels[label] ?? 0) >= now + forMs)
    if (isFresh && !countsRun && (saved || !first)) return kept
    const value = grownBy(kept, keeping, now)
    // Its labels have times of their own; how many runs there were is counted for longer.
    const until = now + Math.max(forMs * (1 + SPARE), countedMs(settings))
    const isWritten = saved
      ? await records.swap(kind, id, saved.revision, { value, until })
      : await records.add(kind, id, value, { until })
    if (isWritten) return kept
  }
  throw new Fault(
    'store/unavailable',
    'Nothing was executed: too many calls of this principal left at the same time. Try again.',
  )
}

/** What was kept, and what is left now. */
function grownBy(
  { labels, runs, since, further }: Kept,
  { labels: left, forMs, countsRun, settings }: Keeping,
  now: number,
): JsonObject {
  const fresh = Object.fromEntries(left.map((label) => [label, now + forMs * (1 + SPARE)]))
  const isOver = countsRun && runs >= RUNS_MAX
  return {
    labels: { ...onlyAlive(labels, now), ...fresh },
    runs: runs + (countsRun ? 1 : 0),
    since,
    further: isOver ? now + settings.namedMs : further,
  }
}

/** How long runs are counted together: as long as one that was named may count. */
const countedMs = ({ namedMs }: RunSettings): number => Math.max(namedMs, 24 * 3_600_000)

function keptIn(saved: Saved | undefined, now: number, settings: RunSettings): Kept {
  const labels = saved && own(saved.value, 'labels')
  const since = saved && own(saved.value, 'since')
  const runs = saved && own(saved.value, 'runs')
  const further = saved && own(saved.value, 'further')
  const isCounted =
    typeof since === 'number' && typeof runs === 'number' && now - since < countedMs(settings)
  return {
    labels: isObject(labels) ? timesIn(labels) : {},
    further: typeof further === 'number' ? further : 0,
    ...(isCounted ? { runs, since } : { runs: 0, since: now }),
  }
}

const timesIn = (labels: JsonObject): Labels =>
  Object.fromEntries(
    Object.entries(labels).flatMap(([label, until]) =>
      typeof until === 'number' ? [[label, until] as const] : [],
    ),
  )

const onlyAlive = (labels: Labels, now: number): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([, until]) => until > now))

const alive = (labels: Labels, now: number): readonly string[] =>
  Object.keys(onlyAlive(labels, now)).toSorted()

/** Has what is written under one name wait for what was before it: two of us would only undo each other. */
function oneAfterAnother() {
  const last = new Map<string, Promise<unknown>>()
  return async <Value>(name: string, work: () => Promise<Value>): Promise<Value> => {
    const before = last.get(name)
    const mine = before ? before.then(work, work) : work()
    last.set(name, mine)
    try {
      return await mine
    } finally {
      if (last.get(name) === mine) last.delete(name)
    }
  }
}
