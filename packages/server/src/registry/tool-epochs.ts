import { EFFECTS, type Definition, type Effect } from '@countersign/contract'
import { classesOf, type Since } from '#auth'
import type { Store } from '#store'
import { effectUnder, type ToolRules } from './rules.ts'

/**
 * The catalogue has an epoch that rises with each change of what scopes open. A tool that a server
 * shows when it is first listed is of the epoch at which that server was first heard of: whoever gave
 * a scope about it before meant these.
 */
export const EPOCH_STEP = `CREATE TABLE epochs (
   server TEXT PRIMARY KEY,
   first INTEGER NOT NULL,
   is_listed INTEGER NOT NULL
 ) STRICT, WITHOUT ROWID;
 CREATE TABLE tool_epochs (
   server TEXT NOT NULL,
   name TEXT NOT NULL,
   digest TEXT NOT NULL,
   effect TEXT NOT NULL,
   since TEXT NOT NULL,
   is_gone INTEGER NOT NULL,
   PRIMARY KEY (server, name)
 ) STRICT, WITHOUT ROWID;`

/** What a scope opens when it opens this tool, and since when. */
export interface Standing {
  readonly digest: string
  readonly effect: Effect
  readonly since: Since
  /** Then `since.gone` has no end yet. */
  readonly isGone: boolean
}

/**
 * AS38: a class scope goes on covering a tool that stays as it is or becomes less risky; what is new,
 * or is defined anew and no less risky, it covers from `epoch` on.
 */
function standingOf(
  before: Standing | undefined,
  { digest, effect }: Pick<Standing, 'digest' | 'effect'>,
  epoch: number,
): Standing {
  if (!before)
    return { digest, effect, since: { classes: coveredSince({}, effect, epoch) }, isGone: false }
  const isSame = before.digest === digest && before.effect === effect
  if (isSame && !before.isGone) return before
  const isSafer = EFFECTS.indexOf(effect) < EFFECTS.indexOf(before.effect)
  const { classes, gone } = before.since
  const kept = coveredSince(isSame || isSafer ? classes : {}, effect, epoch)
  const gap = gone && { gone: { from: gone.from, until: before.isGone ? epoch : gone.until } }
  return { digest, effect, since: { classes: kept, ...gap }, isGone: false }
}

/** The classes that cover this effect: each since it did, or from this epoch on. */
const coveredSince = (known: Since['classes'], effect: Effect, epoch: number): Since['classes'] =>
  Object.fromEntries(classesOf(effect).map((one) => [one, known[one] ?? epoch]))

/** Several absences are told as one, from the first to the last: it may ask for too much, never too little. */
const goneFrom = (before: Standing, epoch: number): Standing => {
  const { classes, gone } = before.since
  const from = gone?.from ?? epoch
  return { ...before, since: { classes, gone: { from, until: epoch } }, isGone: true }
}

/** Tools that are gone are remembered, so that coming back is no news; not endlessly. */
const GONE_MAX = 2_000
/** The row that counts for the whole catalogue; no server has this name. */
export const ALL = ''

export interface ToolEpochs {
  /** The epoch of what is stored now. */
  readonly now: () => number
  /** Called within a commit: stores how the tools of a server stand, and says since when. */
  readonly stand: (server: string, tools: readonly Definition[]) => ReadonlyMap<string, Since>
  /** Another server under this name: nothing that was given before is about its tools. */
  readonly replace: (server: string) => void
}

/** What is stored of the epochs of one server, and of the catalogue. */
export interface EpochState {
  readonly now: number
  readonly first: number
  readonly isListed: boolean
  readonly known: ReadonlyMap<string, Standing>
}

/** What has to be stored, and since when each tool is covered. */
export interface Stood {
  readonly since: ReadonlyMap<string, Since>
  readonly saves: readonly (readonly [name: string, standing: Standing])[]
  readonly drops: readonly string[]
  /** Rises by one with this. */
  readonly isNews: boolean
}

/** How the tools of a server stand once it lists these. */
export function standTools(
  { now, first, isListed, known }: EpochState,
  tools: readonly Definition[],
  rules: ToolRules,
): Stood {
  const epoch = isListed ? now + 1 : first
  const since = new Map<string, Since>()
  const saves: (readonly [string, Standing])[] = []
  for (const tool of tools) {
    const before = known.get(tool.name)
    const facts = { digest: tool.digest, effect: effectUnder(rules, tool) }
    const after = standingOf(before, facts, epoch)
    since.set(tool.name, after.since)
    if (after !== before) saves.push([tool.name, after])
  }
  const gone = [...known].filter(([name]) => !since.has(name))
  for (const [name, before] of gone.filter(([, one]) => !one.isGone)) {
    saves.push([name, goneFrom(before, epoch)])
  }
  const drops = gone.slice(GONE_MAX).map(([name]) => name)
  return { since, saves, drops, isNews: isListed && saves.length > 0 }
}

export function toolEpochs(store: Store, rules: ToolRules): ToolEpochs {
  const find = store.prepare('SELECT first, is_listed FROM epochs WHERE server = ?')
  const write = store.prepare(
    `INSERT INTO epochs (server, first, is_listed) VALUES (?, ?, ?)
     ON CONFLICT (server) DO UPDATE SET first = excluded.first, is_listed = excluded.is_listed`,
  )
  const read = store.prepare('SELECT * FROM tool_epochs WHERE server = ?')
  const put = store.prepare(
    `INSERT OR REPLACE INTO tool_epochs (server, name, digest, effect, since, is_gone)
     VALUES (?, ?, ?, ?, ?, ?)`,
  )
  const drop = store.prepare('DELETE FROM tool_epochs WHERE server = ? AND name = ?')
  const clear = store.prepare('DELETE FROM tool_epochs WHERE server = ?')
  const now = (): number => Number(find.get(ALL)?.['first'] ?? FIRST)
  const next = (): number => {
    write.run(ALL, now() + 1, 1)
    return now()
  }
  return {
    now,
    stand: (server, tools) => {
      const row = find.get(server)
      const first = Number(row?.['first'] ?? FIRST)
      const isListed = row?.['is_listed'] === 1
      const known = new Map(read.all(server).map(standingIn))
      const stood = standTools({ now: now(), first, isListed, known }, tools, rules)
      for (const [name, { digest, effect, since, isGone }] of stood.saves) {
        put.run(server, name, digest, effect, JSON.stringify(since), isGone ? 1 : 0)
      }
      for (const name of stood.drops) drop.run(server, name)
      if (!isListed) write.run(server, first, 1)
      if (stood.isNews) next()
      return stood.since
    },
    replace: (server) => {
      clear.run(server)
      write.run(server, next(), 0)
    },
  }
}

/** No epoch is 0: it would say nothing in a test for truth. */
export const FIRST = 1

export function standingIn(row: Record<string, unknown>): [string, Standing] {
  const effect = EFFECTS.find((one) => one === row['effect']) ?? 'destructive'
  const since: Since = JSON.parse(String(row['since']))
  const isGone = Number(row['is_gone']) === 1
  return [String(row['name']), { digest: String(row['digest']), effect, since, isGone }]
}
