import { ADMIN, Fault, type Admin } from '@countersign/contract'
import { asksJson, decideWith, OPERATOR, type Approval } from '#approvals'
import type { AdminRooms } from './make-admin.ts'

type Detail = Awaited<ReturnType<Admin['getApproval']>>
type Line = Awaited<ReturnType<Admin['listApprovals']>>[number]
type Input<Name extends keyof Admin> = Parameters<Admin[Name]>[0]
type Rooms = Pick<AdminRooms, 'approvals' | 'grants' | 'world'>

/** The newest first. */
export async function listApprovals(
  { approvals, world }: Rooms,
  given: Input<'listApprovals'>,
): Promise<Line[]> {
  const { states, limit } = ADMIN.listApprovals.input.parse(given)
  const wanted = states?.split(',')
  const now = world.now()
  return (await approvals.list())
    .map((one) => lineOf(one, now))
    .filter(({ state }) => wanted === undefined || wanted.includes(state))
    .slice(0, limit)
}

export async function getApproval(
  { approvals, world }: Rooms,
  { id }: Input<'getApproval'>,
): Promise<Detail> {
  const found = await approvals.find(id)
  if (found) return detailOf(found, world.now())
  throw new Fault(
    'approval/unknown',
    `There is no approval "${id}"; it may be over for long. "countersign approvals --all" lists those there are.`,
  )
}

export async function decideApproval(
  rooms: Rooms,
  { id, verdict, reason, breakGlass: isBreakGlass, grant }: Input<'decideApproval'>,
): Promise<Detail> {
  const { world } = rooms
  if (grant && (verdict === 'deny' || isBreakGlass === true)) {
    throw new Fault('rpc/bad-params', 'Nothing was decided: only a plain yes allows more of it.')
  }
  const by = { principal: OPERATOR, means: 'token', provedAt: world.now() } as const
  const said = { verdict, reason, isBreakGlass }
  const more = grant && { ...grant, isAnyArguments: grant.isAnyArguments === true }
  return detailOf(await decideWith(rooms, id, by, said, more), world.now())
}

function detailOf(approval: Approval, now: number): Detail {
  const { name, title, description, arguments: given } = approval.shown
  return {
    ...lineOf(approval, now),
    name,
    arguments: JSON.parse(JSON.stringify(given)),
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
  }
}

function lineOf(approval: Approval, now: number): Line {
  const { id, task, call, state, asks, message, bound, answers } = approval
  const { createdAt, expiresAt, endedAt, why, glass } = approval
  return {
    id,
    task,
    call,
    // Its task says so only when it is looked at next.
    state: state === 'open' && now >= expiresAt ? 'expired' : state,
    asks: asksJson(asks),
    ...(message === undefined ? {} : { message }),
    bound: { ...bound, actors: [...bound.actors], policy: { ...bound.policy } },
    answers: answers.map(({ isBreakGlass: _glass, isNoted: _noted, ...one }) => ({
      ...one,
      groups: [...one.groups],
    })),
    ...(glass ? { breakGlass: { by: glass.by, reason: glass.reason, at: glass.at } } : {}),
    createdAt,
    expiresAt,
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(why === undefined ? {} : { why }),
  }
}
