import type { Json } from '@countersign/contract'
import { SELF, type Ask } from '#policy'
import type { Bound } from './bound.ts'
import { isWithin } from './grant-bounds.ts'
import { hoursIn, isInHours } from './grant-hours.ts'
import type { Grant, GrantedWhat, Maker } from './grant.ts'
import type { GrantRooms } from './grants.ts'
import { takesPart } from './who.ts'

export type FitRooms = Pick<GrantRooms, 'world' | 'groupsOf' | 'settings' | 'momentAt' | 'labelsOf'>

/** A call that asks, as a grant is compared with it. */
export interface Asking {
  readonly bound: Bound
  readonly asks: readonly Ask[]
  readonly given: Json | undefined
}

/** Whether a grant is good for this call, at this moment. */
export function fits(rooms: FitRooms, grant: Grant, { bound, asks, given }: Asking): boolean {
  return (
    grant.state === 'active' &&
    grant.left > 0 &&
    isInTime(rooms, grant) &&
    isFor(grant, bound) &&
    isAbout(grant.what, bound, rooms.labelsOf) &&
    isPinned(grant, bound) &&
    asks.every((ask) => makersFor(rooms, grant, bound, ask) >= ask.quorum) &&
    isWithin(grant.bounds, given, bound.arguments)
  )
}

function isInTime({ world, momentAt }: FitRooms, { from, until, hours }: Grant): boolean {
  const now = world.now()
  if (now < from || now >= until) return false
  const week = hours === undefined ? undefined : hoursIn(hours)
  return week === undefined ? hours === undefined : isInHours(week, momentAt(now))
}

/** Whose call it is, and through which programs. */
function isFor({ principal, client, actors }: Grant, bound: Bound): boolean {
  if (bound.principal !== principal) return false
  if (client !== undefined && bound.client !== client) return false
  if (actors) return actors.join(' ') === bound.actors.join(' ')
  // Where tokens say who calls, what a program without one calls itself makes it nobody's client.
  if (client !== undefined && principal.includes('#') && bound.actors.length === 0) return false
  // Whoever let an agent do something has not let those do it that the agent hands it on to.
  const [issuer = ''] = principal.split('#', 1)
  return bound.actors.every((one) => one === `${issuer}#${encodeURIComponent(bound.client)}`)
}

/** Whether a tool is among those that this names. */
export const isAbout = (
  what: GrantedWhat,
  { server, tool }: Pick<Bound, 'server' | 'tool'>,
  labelsOf: FitRooms['labelsOf'],
): boolean =>
  'label' in what
    ? labelsOf(server, tool).includes(what.label)
    : what.server === server && (what.tool === undefined || what.tool === tool)

/** Another definition, effect class or set of policies is not what was said yes to. */
function isPinned({ pins }: Grant, { server, tool, definition, effect, policy }: Bound): boolean {
  if (!pins) return true
  const name = `${server}/${tool}`
  const pinned = Object.hasOwn(pins.tools, name) ? pins.tools[name] : undefined
  return (
    pinned?.definition === definition &&
    pinned.effect === effect &&
    pins.policy.number === policy.number &&
    pins.policy.digest === policy.digest
  )
}

/** Whether what a call was compared with is still so: it may have waited for its server since. */
export function isStill(
  { policyNow, toolsOf }: Pick<GrantRooms, 'policyNow' | 'toolsOf'>,
  { pins }: Grant,
  { server, tool, definition, effect, policy }: Bound,
): boolean {
  if (!pins) return true
  const found = toolsOf({ server, tool })[`${server}/${tool}`]
  const now = policyNow()
  return (
    now.number === policy.number &&
    now.digest === policy.digest &&
    found?.definition === definition &&
    found.effect === effect
  )
}

/** How many of those who made it could say yes to this very call, now (GV2). */
function makersFor(
  { groupsOf, settings }: FitRooms,
  { makers }: Grant,
  bound: Bound,
  { group }: Ask,
): number {
  // Whoever confirms their own call has not confirmed the next one.
  if (group === SELF) return 0
  const wantsPasskey = settings.passkeyFor.includes(bound.effect)
  const counts = ({ by, groups, means }: Maker): boolean =>
    groups.includes(group) &&
    !takesPart(bound, by) &&
    (!wantsPasskey || means === 'passkey') &&
    mayMake(settings.grants?.makers, groupsOf(by)) &&
    groupsOf(by).includes(group)
  return new Set(makers.filter(counts).map(({ by }) => by)).size
}

/** Whoever makes one is in the group for it, too, where there is one. */
export const mayMake = (makers: string | undefined, groups: readonly string[]): boolean =>
  makers === undefined || groups.includes(makers)

/** Whether all who would have been asked have said yes in advance. */
export const isAgreed = ({ asks, makers }: Pick<Grant, 'asks' | 'makers'>): boolean =>
  asks.every(
    ({ group, quorum }) =>
      new Set(makers.filter(({ groups }) => groups.includes(group)).map(({ by }) => by)).size >=
      quorum,
  )
