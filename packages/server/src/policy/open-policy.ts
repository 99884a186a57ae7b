import { Fault, type Effect } from '@countersign/contract'
import type { Ledger } from '#audit'
import { readTexts, watchFolder, type TextsRead, type World } from '#base'
import { openCounted, type Records } from '#store'
import type { Log } from '#telemetry'
import type { ApprovalSettings } from './approval-settings.ts'
import { approverQuestion, groupsFrom, questionOf } from './asker.ts'
import { loadCedar } from './cedar.ts'
import type { Listing, Policy, PolicyVersion } from './decide.ts'
import type { Verdict } from './judge.ts'
import { sayMistake } from './mistake.ts'
import { clockOf } from './moment.ts'
import type { PolicyFile, Written } from './parse-set.ts'
import {
  makeSetter,
  setDigest,
  TOLD_MAX,
  WrongPolicies,
  wrongInWords,
  type Change,
  type Setter,
  type Standing,
} from './put-in-force.ts'
import { keptInWords, refusalOf } from './refusal.ts'
import { runCases, type CaseResult, type Cases } from './run-cases.ts'
import { policyVersions, type PolicyVersions } from './versions.ts'

export interface PolicySettings {
  /** Where the `.cedar` files are. */
  readonly folder: string
  /** `admin`: the set is in the store, and the folder only what it begins with. */
  readonly source: 'folder' | 'admin'
  readonly timeZone: string
  /** Who belongs to which group, by the ids of principals. */
  readonly groups: Readonly<Record<string, readonly string[]>>
  readonly approvals: ApprovalSettings
}

export interface PolicyRooms {
  readonly world: World
  readonly log: Log
  readonly records: Records
  /** Whether other processes use these records too. */
  readonly isShared: boolean
  readonly ledger: Pick<Ledger, 'note'>
  /** Other policies are in force: what was listed may no longer be, and the other way round. */
  readonly onChange?: () => void
}

/** The policies in force, kept up with their folder or with the store. */
export interface LivePolicy extends Policy, Listing {
  readonly inForce: () => PolicyVersion & { readonly policies: readonly Written[] }
  readonly versions: Pick<PolicyVersions, 'get' | 'list'>
  /** Why somebody may not decide about a call, in words; undefined when no policy keeps them. */
  readonly keepsFrom: (approver: string, call: Approvable) => string | undefined
  /** Puts another set in force on every node, if all of it is right. @throws Fault otherwise. */
  readonly apply: (proposed: Proposed) => Promise<PolicyVersion>
  /** What is decided about a definition may be different from now on. */
  readonly forget: () => void
  /** What other nodes put in force is in force here when it resolves. */
  readonly refresh: () => Promise<void>
  readonly close: () => void
}

/** A call of a tool that somebody decides about. */
interface Approvable {
  readonly server: string
  readonly tool: string
  readonly effect: Effect
  readonly definition: string
  readonly view: string
}

/** A set that somebody wants in force. */
export interface Proposed extends Omit<Change, 'source'> {
  readonly files: readonly PolicyFile[]
  /** Must come out as they say, unless it is forced. */
  readonly cases: readonly Cases[]
  readonly isForced: boolean
}

const LIMITS = { ending: '.cedar', filesMax: 500, bytesMax: 4_194_304 }

export const readPolicies = (folder: string): TextsRead => readTexts(folder, LIMITS)

interface InForce {
  standing: Standing
}

/** What opening a set of policies works with. */
interface Opening {
  readonly rooms: PolicyRooms
  readonly settings: PolicySettings
  readonly versions: PolicyVersions
  readonly setter: Setter
}

/** Where the set comes from, and how to change it. */
interface Source {
  readonly inForce: InForce
  readonly apply: LivePolicy['apply']
  readonly refresh: () => Promise<void>
  readonly close: () => void
}

/**
 * Opens a set of policies. One that is wrong is refused at the start; while we run, a wrong change
 * never replaces what works, and is told in the log and the ledger.
 */
export async function openPolicy(
  rooms: PolicyRooms,
  settings: PolicySettings,
): Promise<LivePolicy> {
  const versions = policyVersions(rooms.records)
  const setter = makeSetter({ ...rooms, versions, cedar: await loadCedar() })
  const opening = { rooms, settings, versions, setter }
  const { inForce, apply, refresh, close } = await (settings.source === 'admin'
    ? openStored(opening)
    : openFolder(opening))
  return {
    ...answers(rooms, settings, inForce),
    versions,
    apply,
    refresh,
    inForce: () => {
      const { version, engine } = inForce.standing
      return { number: version.number, digest: version.digest, policies: engine.policies }
    },
    forget: () => {
      inForce.standing.engine.forget()
    },
    close: () => {
      close()
      inForce.standing.engine.release()
    },
  }
}

const FROM_FOLDER: Change = {
  // A folder does not say who wrote into it.
  author: 'unknown',
  source: 'folder',
}

async function openFolder({ rooms, settings, setter }: Opening): Promise<Source> {
  const inForce = { standing: await firstOf(settings, setter, FROM_FOLDER) }
  const stop = watchFolder(rooms.world, settings.folder, LIMITS, (read) =>
    renew(rooms, inForce, setter, read),
  )
  const apply = async (): Promise<PolicyVersion> => {
    throw new Fault(
      'rpc/bad-params',
      `The policies of this house are the files of ${settings.folder}: change them there, or set policy.source: admin.`,
    )
  }
  // What is in the folder of another node is its own.
  return { inForce, apply, refresh: async () => undefined, close: stop }
}

/** The set of the folder, put in force. */
async function firstOf(
  { folder }: PolicySettings,
  { take }: Setter,
  change: Change,
): Promise<Standing> {
  const first = readPolicies(folder)
  if (!first.ok) throw new Fault('config/invalid', `The folder of policies: ${first.problem}`)
  return take(first.files, { ...change, isStart: true }).catch((thrown: unknown) => {
    if (!(thrown instanceof WrongPolicies)) throw thrown
    throw new Fault('config/invalid', wrongInWords(folder, thrown.mistakes))
  })
}

/** The newest set of the store, which every node looks for; at first the one of the folder. */
async function openStored({ rooms, settings, versions, setter }: Opening): Promise<Source> {
  const { world, log, records, isShared } = rooms
  const begins = async (): Promise<Standing> => {
    const latest = await versions.latest()
    return latest
      ? setter.adopt(latest)
      : firstOf(settings, setter, { ...FROM_FOLDER, source: 'admin' })
  }
  const inForce = { standing: await begins() }
  const onProblem = (cause: unknown): void => {
    log.error({ cause: String(cause) }, 'changed policies could not be taken over')
  }
  const load = async (): Promise<void> => {
    const latest = await versions.latest()
    // What we put in force ourselves is newer than what was read before.
    if (latest && latest.number > inForce.standing.version.number) {
      replace(rooms, inForce, setter.adopt(latest))
    }
  }
  const counted = await openCounted({ world, records, isShared, load, onProblem }, 'PolicyVersion')
  let last: Promise<unknown> = Promise.resolve()
  const apply = async (proposed: Proposed): Promise<PolicyVersion> => {
    await checkCases(rooms, settings, setter, { inForce, proposed })
    const { files, cases: _cases, isForced: _isForced, ...change } = proposed
    const before = inForce.standing.version.number
    const standing = await setter.take(files, { ...change, source: 'admin' })
    if (standing.version.number > before) {
      replace(rooms, inForce, standing)
      await counted.changed()
    } else standing.engine.forget()
    return standing.version
  }
  return {
    inForce,
    refresh: counted.refresh,
    close: counted.close,
    // One after the other: what each is compared with is what the one before it made.
    apply: (proposed) => {
      const applied = last.then(() => apply(proposed))
      last = applied.catch(() => undefined)
      return applied
    },
  }
}

/** At once: between the two nothing is asked. */
function replace({ log, onChange }: PolicyRooms, inForce: InForce, standing: Standing): void {
  const { engine } = inForce.standing
  inForce.standing = standing
  engine.release()
  log.info({ version: standing.version.number }, 'other policies are in force')
  onChange?.()
}

interface Trying {
  readonly inForce: InForce
  readonly proposed: Proposed
}

/** What is wrong, or does not do what its cases say, is told and changes nothing. */
async function checkCases(
  rooms: PolicyRooms,
  { timeZone }: PolicySettings,
  setter: Setter,
  { inForce, proposed }: Trying,
): Promise<void> {
  const { files, cases, isForced } = proposed
  const { version } = inForce.standing
  try {
    const policies = setter.read(files)
    const results = setter.tried(policies, (engine) => runCases(engine, cases, timeZone))
    const failed = results.filter(({ isAsExpected }) => !isAsExpected)
    if (failed.length === 0 || isForced) return
    await refuse(rooms, version, failed.map(failedInWords))
    const lines = failed.slice(0, TOLD_MAX).map(failedInWords)
    const count = `${String(failed.length)} of ${String(results.length)} cases do not come out`
    throw new Fault('rpc/bad-params', [`${count}; nothing was changed:`, ...lines].join('\n'))
  } catch (thrown) {
    if (!(thrown instanceof WrongPolicies)) throw thrown
    await refuse(rooms, version, thrown.mistakes.map(sayMistake))
    throw new Fault(
      'rpc/bad-params',
      wrongInWords('this set, which changed nothing', thrown.mistakes),
    )
  }
}

const failedInWords = ({ file, name, expected, got }: CaseResult): string =>
  `${file}  ${name}: expected ${expected}, got ${got}`

/** What the folder holds now is in force if it is right; else what was, stays. */
async function renew(
  rooms: PolicyRooms,
  inForce: InForce,
  { take }: Setter,
  read: TextsRead,
): Promise<void> {
  const { version } = inForce.standing
  if (!read.ok) return refuse(rooms, version, [read.problem])
  if (setDigest(read.files) === version.digest) return
  try {
    replace(rooms, inForce, await take(read.files, FROM_FOLDER))
  } catch (thrown) {
    if (thrown instanceof WrongPolicies) {
      await refuse(rooms, version, thrown.mistakes.map(sayMistake))
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
): Policy & Listing & Pick<LivePolicy, 'keepsFrom'> {
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
    keepsFrom: (approver, call) => {
      const moment = momentAt(world.now())
      const asked = approverQuestion(approver, call, { groupsOf, moment })
      const verdict = inForce.standing.engine.keepsFrom(asked)
      if (!verdict) return undefined
      logTrouble(log, verdict)
      return keptInWords(approver, verdict)
    },
    isListed: (who, judged, about) => {
      const moment = momentAt(world.now())
      return inForce.standing.engine.isListed(questionOf(who, judged, about, { groupsOf, moment }))
    },
  }
}

function logTrouble(log: Log, verdict: Verdict): void {
  if (verdict.kind !== 'deny' || verdict.trouble === undefined) return
  const { policies, trouble } = verdict
  log.error({ policies, trouble }, 'a policy could not be evaluated: what it was asked is denied')
}
