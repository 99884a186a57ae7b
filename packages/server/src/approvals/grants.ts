import { Fault } from '@countersign/contract'
import type { Ledger } from '#audit'
import { newId, type World } from '#base'
import type { ApprovalSettings, Ask, clockOf, GroupsOf } from '#policy'
import type { Records } from '#store'
import type { Log } from '#telemetry'
import { asksJson, type Approval } from './approval.ts'
import type { Bound } from './bound.ts'
import { everyRecord } from './every-record.ts'
import { fits, isAgreed, isStill } from './fitting.ts'
import { boundsTold } from './grant-bounds.ts'
import {
  grantIdOf,
  grantIn,
  grantRecord,
  isLive,
  type Grant,
  type GrantedWhat,
  type PinnedTools,
} from './grant.ts'
import { agreeing, makeGrant, type Wanted } from './make-grant.ts'
import type { Lift, Standing } from './standing.ts'
import type { Approver } from './who.ts'
import { lapsedInWords } from './words.ts'

export interface GrantRooms {
  readonly world: World
  readonly log: Log
  readonly records: Records
  readonly ledger: Pick<Ledger, 'note'>
  readonly groupsOf: GroupsOf
  readonly settings: ApprovalSettings
  /** In the time zone of the policies. */
  readonly momentAt: ReturnType<typeof clockOf>
  readonly labelsOf: (server: string, tool: string) => readonly string[]
  /** What there is of these tools now. */
  readonly toolsOf: (what: GrantedWhat) => PinnedTools
  /** Why a policy keeps somebody from deciding about one of these; undefined when none does. */
  readonly forbids?: (by: string, what: GrantedWhat) => string | undefined
  /** The policies in force. */
  readonly policyNow: () => Bound['policy']
  /** How many of a group the policies in force ask for, at most. */
  readonly quorumOf: (group: string) => number
}

/** Yeses in advance. All state is in the records, and changed in one step. */
export interface Grants extends Standing {
  /** @throws Fault for who could not say yes to such a call, and beyond what is configured. */
  readonly make: (by: Approver, wanted: Wanted) => Promise<Grant>
  /** One more of those who would be asked. @throws Fault as `make`. */
  readonly agree: (id: string, by: Approver) => Promise<Grant>
  /** Beside a yes, for as many calls like this one; agrees where somebody has proposed no more before. */
  readonly makeWith: (approval: Approval, by: Approver, more: More) => Promise<Grant>
  readonly revoke: (id: string, by: string, reason?: string) => Promise<Grant>
  /** What these groups would be asked for, at most. */
  readonly asksOf: (groups: readonly string[]) => readonly Ask[]
  /** @throws Fault where there is none. */
  readonly get: (id: string) => Promise<Grant>
  /** All that are kept, the newest first. */
  readonly list: () => Promise<readonly Grant[]>
  /** Writes down what has ended; to be called from time to time. */
  readonly review: () => Promise<void>
}

/** What is wanted beside a yes. */
export interface More {
  readonly uses: number
  readonly until: number
  /** The same tool with other arguments, too. */
  readonly isAnyArguments: boolean
}

export const GRANT_KIND = 'Grant'
const GRANTS_MAX = 1_000
const DAY_MS = 86_400_000
/** Kept for whoever wants to know; the ledger has it for good. */
const KEPT_MS = 90 * DAY_MS
const SPENT = 'the standing grant for it is used up, or has ended meanwhile'

export function openGrants(rooms: GrantRooms): Grants {
  const { world, records, ledger } = rooms
  const list = async (): Promise<Grant[]> =>
    (await everyRecord(records, GRANT_KIND)).map(({ value }) => grantIn(value))
  const make: Grants['make'] = async (by, wanted) => {
    checkKept(rooms, by, wanted.what)
    const live = (await list()).filter(isLive)
    if (live.length >= GRANTS_MAX) throw tooMany()
    const id = wanted.approval?.id ?? newId(world, 'gr')
    const grant = makeGrant(rooms, id, by, wanted)
    await noteMade(rooms, grant)
    if (await records.add(GRANT_KIND, id, grantRecord(grant), { until: grant.until + KEPT_MS })) {
      return grant
    }
    throw new Fault('approval/over', `There is a standing grant "${id}" already.`)
  }
  const agree: Grants['agree'] = async (id, by) => {
    const known = await get(rooms, id)
    if (known) checkKept(rooms, by, known.what)
    const grant = await change(rooms, id, (one) => agreeing(rooms, one, by))
    const last = grant.makers.at(-1)
    if (last) {
      const { groups, means } = last
      const state = isAgreed(grant) ? 'active' : 'pending'
      await ledger.note('grant.agreed', { grant: id, by: last.by, groups, means, state })
    }
    return grant
  }
  return {
    make,
    agree,
    makeWith: async (approval, by, more) => {
      const wanted = wantedWith(approval, more)
      const known = await get(rooms, wanted.approval.id)
      return known ? agree(noMoreThan(more, known), by) : make(by, wanted)
    },
    revoke: async (id, by, reason) => {
      const grant = await change(rooms, id, (one) => revoked(one, world.now()))
      const said = reason === undefined ? {} : { reason }
      await ledger.note('grant.revoked', { grant: id, by, ...said, left: grant.left })
      return grant
    },
    asksOf: (groups) =>
      groups.map((group) => ({ group, quorum: rooms.quorumOf(group), policies: [] })),
    get: async (id) => {
      const found = await get(rooms, id)
      if (found) return found
      throw unknown(id)
    },
    list: async () => (await list()).toSorted(newestFirst),
    find: async (bound, asks, given) => {
      if (!rooms.settings.grants) return undefined
      const asking = { bound, asks, given }
      const fitting = (await list()).filter((one) => fits(rooms, one, asking))
      // What ends first is spent first.
      const [first] = fitting.toSorted((a, b) => a.until - b.until)
      return first && lifting(rooms, first, asking)
    },
    review: () => review(rooms, list),
  }
}

const newestFirst = (a: Grant, b: Grant): number =>
  b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1)

/** @throws Fault for whom a policy keeps from deciding about what is granted. */
function checkKept({ forbids }: GrantRooms, { principal }: Approver, what: GrantedWhat): void {
  const kept = forbids?.(principal, what)
  if (kept !== undefined) throw new Fault('approval/not-yours', kept)
}

type Asking = Parameters<typeof fits>[2]

/** One use is taken for good before the call leaves: what a crash then cuts off is lost, never doubled. */
function lifting(rooms: GrantRooms, { id }: Grant, asking: Asking): Lift {
  const groups = asking.asks.map(({ group }) => group)
  const people = Math.max(...asking.asks.map(({ quorum }) => quorum))
  const now = rooms.world.now
  return {
    approved: { groups, people },
    told: { grant: id },
    spend: async () => {
      const after = await change(rooms, id, (grant) => {
        const isGood = fits(rooms, grant, asking) && isStill(rooms, grant, asking.bound)
        if (!isGood) throw new Fault('policy/denied', lapsedInWords(SPENT))
        const left = grant.left - 1
        if (left > 0) return { ...grant, left }
        return { ...grant, left, state: 'used', endedAt: now(), isNoted: false }
      })
      if (after.state === 'used') await noteEnded(rooms, after)
    },
  }
}

function wantedWith(
  { id, bound, asks }: Approval,
  { uses, until, isAnyArguments }: More,
): Wanted & { readonly approval: NonNullable<Wanted['approval']> } {
  const { principal, client, actors, server, tool } = bound
  return {
    principal,
    client,
    actors,
    what: { server, tool },
    bounds: { where: [], ...(isAnyArguments ? {} : { exactly: bound.arguments }) },
    uses,
    until,
    asks,
    approval: { id: grantIdOf(id), of: id },
  }
}

/** Whoever agrees to what another has proposed knows all of it, or has said as much. @throws Fault */
function noMoreThan(more: More, { id, owner, bounds, uses, until }: Grant): string {
  const isAsked = bounds.exactly !== undefined || more.isAnyArguments
  if (isAsked && uses <= more.uses && until <= more.until) return id
  throw new Fault(
    'approval/over',
    `${owner} has proposed a standing grant for it that allows more than that: look at ${id}, and agree to it there.`,
  )
}

async function get({ records }: GrantRooms, id: string): Promise<Grant | undefined> {
  const saved = await records.get(GRANT_KIND, id)
  return saved && grantIn(saved.value)
}

async function change(
  { records }: GrantRooms,
  id: string,
  next: (grant: Grant) => Grant,
): Promise<Grant> {
  for (;;) {
    // Each try looks at what the one before it lost to.
    // oxlint-disable-next-line eslint/no-await-in-loop
    const saved = await records.get(GRANT_KIND, id)
    if (!saved) throw unknown(id)
    const after = next(grantIn(saved.value))
    // oxlint-disable-next-line eslint/no-await-in-loop
    if (await records.swap(GRANT_KIND, id, saved.revision, { value: grantRecord(after) }))
      return after
  }
}

async function review(rooms: GrantRooms, list: () => Promise<readonly Grant[]>): Promise<void> {
  const now = rooms.world.now()
  for (const grant of await list()) {
    if (isLive(grant) && now >= grant.until) {
      // oxlint-disable-next-line eslint/no-await-in-loop -- Nothing here is in a hurry.
      const ended = await change(rooms, grant.id, (one) => expired(one, now))
      // oxlint-disable-next-line eslint/no-await-in-loop
      await noteEnded(rooms, ended)
    } else if (grant.isNoted === false) {
      // oxlint-disable-next-line eslint/no-await-in-loop
      await noteEnded(rooms, grant)
    }
  }
}

const expired = (grant: Grant, now: number): Grant =>
  isLive(grant) && now >= grant.until
    ? { ...grant, state: 'expired', endedAt: now, isNoted: false }
    : grant

function revoked(grant: Grant, now: number): Grant {
  if (isLive(grant)) return { ...grant, state: 'revoked', endedAt: now }
  throw new Fault('approval/over', `${grant.id} is ${grant.state} already.`)
}

/** Marked first, so that of several nodes one says it; a crash in between is made good by a review. */
async function noteEnded(rooms: GrantRooms, { id, state }: Grant): Promise<void> {
  if (state !== 'used' && state !== 'expired') return
  await rooms.ledger.note('grant.ended', { grant: id, why: state === 'used' ? 'used up' : state })
  await change(rooms, id, (one) => ({ ...one, isNoted: true }))
}

async function noteMade({ ledger }: GrantRooms, grant: Grant): Promise<void> {
  const { id, owner, principal, client, what, bounds, uses, from, until, hours } = grant
  const { asks, makers, state, pins, approval, reason } = grant
  await ledger.note('grant.made', {
    grant: id,
    owner,
    principal,
    ...(client === undefined ? {} : { client }),
    what: { ...what },
    bounds: boundsTold(bounds),
    uses,
    from,
    until,
    ...(hours === undefined ? {} : { hours }),
    asks: asksJson(asks),
    makers: makers.map(({ by, groups, means }) => ({ by, groups: [...groups], means })),
    state: state === 'active' ? state : 'pending',
    isAnyVersion: pins === undefined,
    ...(approval === undefined ? {} : { approval }),
    ...(reason === undefined ? {} : { reason }),
  })
}

const unknown = (id: string): Fault =>
  new Fault(
    'approval/unknown',
    `There is no standing grant "${id.slice(0, 100)}". "countersign grants --all" lists those there are.`,
  )

const tooMany = (): Fault =>
  new Fault(
    'approval/over',
    `There are ${String(GRANTS_MAX)} standing grants already: revoke some, or say it with a policy.`,
  )
