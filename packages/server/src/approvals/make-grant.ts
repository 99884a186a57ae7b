import { Fault } from '@countersign/contract'
import { SELF, type Ask, type GrantSettings } from '#policy'
import { isAgreed, mayMake } from './fitting.ts'
import { checkBounds, type Bounds } from './grant-bounds.ts'
import { hoursIn } from './grant-hours.ts'
import { isLive, type Grant, type GrantedWhat, type Maker, type PinnedTools } from './grant.ts'
import type { GrantRooms } from './grants.ts'
import { unfit, type Approver } from './who.ts'

/** A grant as somebody wants it. */
export interface Wanted {
  readonly principal: string
  readonly client?: string | undefined
  readonly actors?: readonly string[] | undefined
  readonly what: GrantedWhat
  readonly bounds: Bounds
  readonly uses: number
  readonly from?: number | undefined
  readonly until: number
  readonly hours?: string | undefined
  /** Whose asks it answers, and how many of them. */
  readonly asks: readonly Ask[]
  readonly owner?: string | undefined
  readonly isAnyVersion?: boolean | undefined
  readonly reason?: string | undefined
  /** The approval that it is made with, and the id that it gets from that. */
  readonly approval?: { readonly id: string; readonly of: string }
}

const DAY_MS = 86_400_000

/** A grant, made by the first of those who would be asked. @throws Fault for what may not be. */
export function makeGrant(rooms: GrantRooms, id: string, by: Approver, wanted: Wanted): Grant {
  const now = rooms.world.now()
  checkWanted(rooms, wanted, now)
  const { uses, asks, what, isAnyVersion = false, approval, from = now } = wanted
  const tools = rooms.toolsOf(what)
  if (Object.keys(tools).length === 0) throw bad('there is no such tool')
  const draft = {
    ...plainly(wanted),
    id,
    owner: wanted.owner ?? by.principal,
    left: uses,
    from,
    ...(isAnyVersion ? {} : { pins: { policy: rooms.policyNow(), tools } }),
    ...(approval ? { approval: approval.of } : {}),
    createdAt: now,
  }
  const makers = [makerOf(rooms, draft, tools, by)]
  return { ...draft, makers, state: isAgreed({ asks, makers }) ? 'active' : 'pending' }
}

/** What is kept as it was wanted. */
function plainly({ principal, what, bounds, uses, until, asks, ...wanted }: Wanted) {
  const { client, actors, hours, reason } = wanted
  return {
    principal,
    ...(client === undefined ? {} : { client }),
    ...(actors ? { actors } : {}),
    what,
    bounds,
    uses,
    until,
    ...(hours === undefined ? {} : { hours }),
    asks,
    ...(reason === undefined ? {} : { reason }),
  }
}

function checkWanted(rooms: GrantRooms, wanted: Wanted, now: number): void {
  const { uses, until, from = now, bounds, hours, asks } = wanted
  checkSpan(settingsIn(rooms), { now, from, until, uses })
  checkBounds(bounds)
  if (hours !== undefined && !hoursIn(hours)) throw bad('no such hours: "mon-fri 08:00-18:00"')
  if (asks.length === 0) throw bad('it names no group that would be asked')
  if (asks.every(({ group }) => group !== SELF)) return
  throw notYours('What whoever asks confirms is confirmed each time: no grant stands for it.')
}

/** The grant with one more of those who would be asked. @throws Fault for who may not. */
export function agreeing(rooms: GrantRooms, grant: Grant, by: Approver): Grant {
  if (!isLive(grant)) throw over(`${grant.id} is ${grant.state} already.`)
  if (rooms.world.now() >= grant.until) throw over(`${grant.id} has expired already.`)
  if (grant.makers.some((one) => one.by === by.principal)) {
    throw over(`${by.principal} has agreed to ${grant.id} already.`)
  }
  settingsIn(rooms)
  const maker = makerOf(rooms, grant, rooms.toolsOf(grant.what), by)
  const makers = [...grant.makers, maker]
  return { ...grant, makers, state: isAgreed({ ...grant, makers }) ? 'active' : 'pending' }
}

/** Only who could have said yes to the call itself says so in advance (GV2). */
function makerOf(
  { world, groupsOf, settings }: GrantRooms,
  { principal, actors = [], asks }: Pick<Grant, 'principal' | 'actors' | 'asks'>,
  tools: PinnedTools,
  by: Approver,
): Maker {
  const now = world.now()
  if (principal === by.principal || actors.includes(by.principal)) {
    throw notYours(`${by.principal} takes part in these calls: somebody else has to allow them.`)
  }
  for (const effect of new Set(Object.values(tools).map((one) => one.effect))) {
    const why = unfit(by, effect, { now, groupsOf, settings })
    if (why !== undefined) throw notYours(why)
  }
  const mine = groupsOf(by.principal)
  const asked = asks.map(({ group }) => group)
  const groups = asked.filter((group) => mine.includes(group) && (by.only ?? group) === group)
  if (groups.length === 0) {
    const names = asked.map((group) => `"${group}"`).join(', ')
    throw notYours(`${by.principal} is in none of the groups that would be asked: ${names}.`)
  }
  const makers = settings.grants?.makers
  if (!mayMake(makers, mine)) {
    throw notYours(`Standing grants are made by "${String(makers)}", and ${by.principal} is not.`)
  }
  return { by: by.principal, groups, means: by.means, at: now }
}

function settingsIn({ settings }: GrantRooms): GrantSettings {
  if (settings.grants) return settings.grants
  throw notYours('There are no standing grants here: policy.approvals.grants is not configured.')
}

interface Span {
  readonly now: number
  readonly from: number
  readonly until: number
  readonly uses: number
}

function checkSpan({ usesMax, daysMax }: GrantSettings, { now, from, until, uses }: Span): void {
  if (!Number.isSafeInteger(uses) || uses < 1 || uses > usesMax) {
    throw bad(`it is for 1 to ${String(usesMax)} calls (policy.approvals.grants.maxUses)`)
  }
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(until) || until <= Math.max(from, now)) {
    throw bad('it would end before it begins')
  }
  if (until - now > daysMax * DAY_MS) {
    throw bad(`it is good for ${String(daysMax)} days at most (policy.approvals.grants.maxDays)`)
  }
}

const bad = (problem: string): Fault =>
  new Fault('rpc/bad-params', `No standing grant was made: ${problem}.`)
const notYours = (message: string): Fault => new Fault('approval/not-yours', message)
const over = (message: string): Fault => new Fault('approval/over', message)
