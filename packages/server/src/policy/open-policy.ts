import { Fault } from '@countersign/contract'
import type { Ledger } from '#audit'
import { digestOf, newId, readTexts, watchFolder, type TextsRead, type World } from '#base'
import type { Store } from '#store'
import type { Log } from '#telemetry'
import { groupsFrom, questionOf } from './asker.ts'
import { loadCedar, type Cedar } from './cedar.ts'
import type { Listing, Policy, PolicyVersion } from './decide.ts'
import { makeEngine, type PolicyEngine } from './engine.ts'
import type { Verdict } from './judge.ts'
import { sayMistake, type PolicyMistake } from './mistake.ts'
import { clockOf } from './moment.ts'
import { parseSet, type PolicyFile, type Written } from './parse-set.ts'
import { refusalOf } from './refusal.ts'
import { changeBetween, policyVersions, type PolicyVersions } from './versions.ts'

export interface PolicySettings {
  /** Where the `.cedar` files are. */
  readonly folder: string
  readonly timeZone: string
  /** Who belongs to which group, by the ids of principals. */
  readonly groups: Readonly<Record<string, readonly string[]>>
  readonly approvals: {
    /** How long people have to answer. */
    readonly ttlMs: number
  }
}

export interface PolicyRooms {
  readonly world: World
  readonly log: Log
  readonly store: Store
  readonly ledger: Pick<Ledger, 'note'>
  /** Other policies are in force: what was listed may no longer be, and the other way round. */
  readonly onChange?: () => void
}

/** The policies in force, kept up with their folder. */
export interface LivePolicy extends Policy, Listing {
  readonly inForce: () => PolicyVersion & { readonly policies: readonly Written[] }
  /** What is decided about a definition may be different from now on. */
  readonly forget: () => void
  readonly close: () => void
}

const LIMITS = { ending: '.cedar', filesMax: 500, bytesMax: 4_194_304 }

export const readPolicies = (folder: string): TextsRead => readTexts(folder, LIMITS)

/** A set that was found right, and the version it is. */
interface Standing {
  readonly engine: PolicyEngine
  readonly version: PolicyVersion
}

/**
 * Opens a folder of policies. One that is wrong is refused at the start; while we run, a wrong change
 * never replaces what works, and is told in the log and the ledger.
 */
export async function openPolicy(
  rooms: PolicyRooms,
  settings: PolicySettings,
): Promise<LivePolicy> {
  const take = taker(rooms, await loadCedar())
  const first = readPolicies(settings.folder)
  if (!first.ok) throw new Fault('config/invalid', `The folder of policies: ${first.problem}`)
  const inForce = {
    standing: await take(first.files).catch((thrown: unknown) => {
      if (!(thrown instanceof WrongPolicies)) throw thrown
      throw new Fault('config/invalid', wrongInWords(settings.folder, thrown.mistakes))
    }),
  }
  const stop = watchFolder(rooms.world, settings.folder, LIMITS, (read) =>
    renew(rooms, inForce, take, read),
  )
  return {
    ...answers(rooms, settings, inForce),
    inForce: () => {
      const { version, engine } = inForce.standing
      return { ...version, policies: engine.policies }
    },
    forget: () => {
      inForce.standing.engine.forget()
    },
    close: () => {
      stop()
      inForce.standing.engine.release()
    },
  }
}

type Take = (files: readonly PolicyFile[]) => Promise<Standing>
interface InForce {
  standing: Standing
}

/** Makes a set ready that is right, and writes down that it is in force; rejects for a wrong one. */
function taker(rooms: PolicyRooms, cedar: Cedar): Take {
  const name = newId(rooms.world, 'policies')
  const versions = policyVersions(rooms.store)
  return async (files) => {
    const { policies, mistakes, remarks } = parseSet(cedar, files)
    if (mistakes.length > 0) throw new WrongPolicies(mistakes)
    for (const remark of remarks) {
      rooms.log.warn({ ...remark }, 'a policy does less than it seems to')
    }
    const version = await stand(rooms, versions, files, policies)
    return { engine: makeEngine(cedar, name, policies), version }
  }
}

/** What the folder holds now is in force if it is right; else what was, stays. */
async function renew(
  rooms: PolicyRooms,
  inForce: InForce,
  take: Take,
  read: TextsRead,
): Promise<void> {
  const { standing } = inForce
  if (!read.ok) return refuse(rooms, standing.version, [read.problem])
  if (setDigest(read.files) === standing.version.digest) return
  try {
    inForce.standing = await take(read.files)
    standing.engine.release()
    rooms.log.info({ version: inForce.standing.version.number }, 'other policies are in force')
    rooms.onChange?.()
  } catch (thrown) {
    if (thrown instanceof WrongPolicies) {
      await refuse(rooms, standing.version, thrown.mistakes.map(sayMistake))
    } else rooms.log.error({ cause: String(thrown) }, 'changed policies could not be taken over')
  }
}

async function refuse(
  { log, ledger }: PolicyRooms,
  version: PolicyVersion,
  problems: readonly string[],
): Promise<void> {
  const told = problems.slice(0, TOLD_MAX)
  for (const problem of told) {
    log.error({ problem }, 'these policies are wrong: those before them stay in force')
  }
  const mistakes = problems.length
  await ledger.note('policy.rejected', { inForce: version.number, mistakes, told })
}

function answers(
  { world, log }: PolicyRooms,
  settings: PolicySettings,
  inForce: InForce,
): Policy & Listing {
  const momentAt = clockOf(settings.timeZone)
  const groupsOf = groupsFrom(settings.groups)
  return {
    decide: (who, judged, about) => {
      const { engine, version } = inForce.standing
      const moment = momentAt(world.now())
      const verdict = engine.judge(questionOf(who, judged, about, { groupsOf, moment }))
      const { policies } = verdict
      if (verdict.kind === 'allow') return { kind: 'allow', permitted: judged, policies, version }
      logTrouble(log, verdict)
      const because = refusalOf(verdict)
      if (verdict.kind === 'deny') return { kind: 'deny', because, policies, version }
      const { asks, message } = verdict
      const said = message === undefined ? {} : { message }
      return { kind: 'ask', because, policies, asks, version, ...said }
    },
    isListed: (who, judged, about) => {
      const moment = momentAt(world.now())
      return inForce.standing.engine.isListed(questionOf(who, judged, about, { groupsOf, moment }))
    },
  }
}

/** Mistakes told one by one. */
const TOLD_MAX = 20

class WrongPolicies extends Error {
  readonly mistakes: readonly PolicyMistake[]
  constructor(mistakes: readonly PolicyMistake[]) {
    super('wrong policies')
    this.mistakes = mistakes
  }
}

function wrongInWords(folder: string, mistakes: readonly PolicyMistake[]): string {
  const count = mistakes.length === 1 ? '1 mistake' : `${String(mistakes.length)} mistakes`
  const lines = mistakes.slice(0, TOLD_MAX).map(sayMistake)
  return [`${count} in the policies of ${folder}:`, ...lines].join('\n')
}

function logTrouble(log: Log, verdict: Verdict): void {
  if (verdict.kind !== 'deny' || verdict.trouble === undefined) return
  const { policies, trouble } = verdict
  log.error({ policies, trouble }, 'a policy could not be evaluated: what it was asked is denied')
}

/** The same files are the same version, whatever their order and time. */
const setDigest = (files: readonly PolicyFile[]): string =>
  digestOf(JSON.stringify(files.map(({ name, text }) => [name, text])))

async function stand(
  { world, ledger }: PolicyRooms,
  versions: PolicyVersions,
  files: readonly PolicyFile[],
  policies: readonly Written[],
): Promise<PolicyVersion> {
  const digest = setDigest(files)
  const before = versions.latest()
  if (before?.digest === digest) return { number: before.number, digest }
  const kept = {
    digest,
    at: world.now(),
    policies: policies.map(({ id, text }) => [id, text] as const),
  }
  const number = await versions.add(kept)
  const change = changeBetween(before?.policies ?? [], kept.policies)
  await ledger.note('policy.changed', {
    version: number,
    digest,
    ...(before === undefined ? {} : { before: { version: before.number, digest: before.digest } }),
    policies: policies.length,
    ...change,
    // A folder does not say who wrote into it.
    author: 'unknown',
    source: 'folder',
  })
  return { number, digest }
}
