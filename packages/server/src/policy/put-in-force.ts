import { Fault } from '@countersign/contract'
import type { Ledger } from '#audit'
import { digestOf, newId, type World } from '#base'
import type { Log } from '#telemetry'
import type { Cedar } from './cedar.ts'
import type { PolicyVersion } from './decide.ts'
import { makeEngine, type PolicyEngine } from './engine.ts'
import { sayMistake, type PolicyMistake } from './mistake.ts'
import { parseSet, type PolicyFile, type Written } from './parse-set.ts'
import { changeBetween, type PolicyVersionKept, type PolicyVersions } from './versions.ts'

export interface StandingRooms {
  readonly world: World
  readonly log: Log
  readonly ledger: Pick<Ledger, 'note'>
  readonly isShared: boolean
  readonly versions: PolicyVersions
  readonly cedar: Cedar
}

/** A set that was found right, and the version it is. */
export interface Standing {
  readonly engine: PolicyEngine
  readonly version: PolicyVersion
}

/** Whose change it is. */
export interface Change {
  readonly author: string
  readonly source: PolicyVersionKept['source']
  readonly reason?: string | undefined
  /** Who sent it, where that is not who wrote it. */
  readonly by?: string | undefined
  /** The version that must be the newest. */
  readonly expect?: number | undefined
  /** What a node starts with may be older than what others have; what is changed while it runs is not. */
  readonly isStart?: boolean
}

export interface Setter {
  /** Makes a set ready that is right, and writes down that it is in force. @throws WrongPolicies */
  readonly take: (files: readonly PolicyFile[], by: Change) => Promise<Standing>
  /** Makes a version ready that another node, or an earlier start, has put in force. */
  readonly adopt: (version: PolicyVersionKept) => Standing
  /** Only reads it. @throws WrongPolicies */
  readonly read: (files: readonly PolicyFile[]) => readonly Written[]
  /** Answers with a set that is not in force; let go of afterwards. */
  readonly tried: <Value>(
    policies: readonly Written[],
    use: (engine: PolicyEngine) => Value,
  ) => Value
}

/** The same files are the same version, whatever their order and time. */
export const setDigest = (files: readonly PolicyFile[]): string =>
  digestOf(JSON.stringify(files.map(({ name, text }) => [name, text])))

export class WrongPolicies extends Error {
  readonly mistakes: readonly PolicyMistake[]
  constructor(mistakes: readonly PolicyMistake[]) {
    super('wrong policies')
    this.mistakes = mistakes
  }
}

/** Mistakes told one by one. */
export const TOLD_MAX = 20

export function wrongInWords(where: string, mistakes: readonly PolicyMistake[]): string {
  const count = mistakes.length === 1 ? '1 mistake' : `${String(mistakes.length)} mistakes`
  const lines = mistakes.slice(0, TOLD_MAX).map(sayMistake)
  return [`${count} in the policies of ${where}:`, ...lines].join('\n')
}

/** Sets go through here, wherever they come from. */
export function makeSetter(rooms: StandingRooms): Setter {
  const { cedar, world, log } = rooms
  const name = newId(world, 'policies')
  const read = (files: readonly PolicyFile[]): readonly Written[] => {
    const { policies, mistakes, remarks } = parseSet(cedar, files)
    if (mistakes.length > 0) throw new WrongPolicies(mistakes)
    for (const remark of remarks) {
      log.warn({ ...remark }, 'a policy does less than it seems to')
    }
    return policies
  }
  return {
    read,
    take: async (files, by) => {
      const policies = read(files)
      const version = await stand(rooms, files, policies, by)
      return { engine: makeEngine(cedar, name, policies), version }
    },
    adopt: ({ files, number, digest }) => ({
      engine: makeEngine(cedar, name, read(files)),
      version: { number, digest },
    }),
    tried: (policies, use) => {
      const engine = makeEngine(cedar, `${name} tried`, policies)
      try {
        return use(engine)
      } finally {
        engine.release()
      }
    },
  }
}

/** Others that put another set in force at the same moment. */
const TRIES_MAX = 20
/** Versions that a node may come back with: one of several that are brought up to date in turn. */
const KNOWN_MAX = 20

async function stand(
  rooms: StandingRooms,
  files: readonly PolicyFile[],
  policies: readonly Written[],
  by: Change,
): Promise<PolicyVersion> {
  const { versions } = rooms
  const digest = setDigest(files)
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- Another node may have been first.
    const [before, ...earlier] = await versions.list(by.isStart ? KNOWN_MAX : 1)
    checkExpected(by, before)
    if (before?.digest === digest) {
      // oxlint-disable-next-line eslint/no-await-in-loop -- The last thing that is done.
      await tellAgain(rooms, before)
      return nameOf(before)
    }
    const known = comeBack(rooms, by, earlier, digest)
    if (known) return nameOf(known)
    const version = versionOf(rooms, before, { files, policies, digest, by })
    // oxlint-disable-next-line eslint/no-await-in-loop -- Whoever is told true was first.
    if (!(await versions.add(version))) continue
    // oxlint-disable-next-line eslint/no-await-in-loop -- The last thing that is done.
    await tell(rooms, version, { before, by: by.by })
    return nameOf(version)
  }
  throw conflict('Too many others change the policies at this moment.')
}

/** A node that starts with an older folder is behind the others: it undoes nothing. */
const comeBack = (
  { isShared }: StandingRooms,
  { source, isStart = false }: Change,
  earlier: readonly PolicyVersionKept[],
  digest: string,
): PolicyVersionKept | undefined =>
  isShared && isStart && source === 'folder'
    ? earlier.find((one) => one.digest === digest)
    : undefined

interface Next {
  readonly files: readonly PolicyFile[]
  readonly policies: readonly Written[]
  readonly digest: string
  readonly by: Change
}

function versionOf(
  { world, cedar }: StandingRooms,
  before: PolicyVersionKept | undefined,
  { files, policies, digest, by }: Next,
): PolicyVersionKept {
  const { author, source, reason } = by
  return {
    number: (before?.number ?? 0) + 1,
    at: world.now(),
    digest,
    author,
    source,
    ...(reason === undefined ? {} : { reason }),
    policies: policies.length,
    ...changeBetween(before ? parseSet(cedar, before.files).policies : [], policies),
    files: [...files],
  }
}

/** What every decision and every entry of a call carries: its text stays in the records. */
const nameOf = ({ number, digest }: PolicyVersionKept): PolicyVersion => ({ number, digest })

function checkExpected({ expect }: Change, before: PolicyVersionKept | undefined): void {
  const number = before?.number ?? 0
  if (expect === undefined || expect === number) return
  throw conflict(`Version ${String(number)} is in force, and not ${String(expect)}.`)
}

const conflict = (why: string): Fault =>
  new Fault(
    'policy/conflict',
    `${why} Nothing was changed: look at what it is now, and apply again.`,
  )

interface Telling {
  readonly before: PolicyVersionKept | undefined
  readonly by: string | undefined
}

async function tell(
  { ledger, versions }: StandingRooms,
  version: PolicyVersionKept,
  { before, by }: Telling,
): Promise<void> {
  const { number, digest, policies, added, removed, changed, author, source, reason } = version
  await ledger.note('policy.changed', {
    version: number,
    digest,
    ...(before === undefined ? {} : { before: { version: before.number, digest: before.digest } }),
    policies,
    added,
    removed,
    changed,
    author,
    source,
    ...(reason === undefined ? {} : { reason }),
    ...(by === undefined ? {} : { by }),
  })
  await versions.noted(number)
}

/** A crash came between: rather twice in the ledger than not at all. */
async function tellAgain(rooms: StandingRooms, version: PolicyVersionKept): Promise<void> {
  if (await rooms.versions.isNoted(version.number)) return
  const before = await rooms.versions.get(version.number - 1)
  await tell(rooms, version, { before, by: undefined })
}
