import { ADMIN, Fault, type Admin } from '@countersign/contract'
import type { Approval } from '#approvals'
import type { AdminRooms } from './make-admin.ts'

type Detail = Awaited<ReturnType<Admin['getApproval']>>
type Line = Awaited<ReturnType<Admin['listApprovals']>>[number]
type Input<Name extends keyof Admin> = Parameters<Admin[Name]>[0]
type Rooms = Pick<AdminRooms, 'approvals' | 'world'>

/** Whoever holds the token of the data folder, as a principal that can be put into groups. */
const OPERATOR = 'operator'

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
  { approvals, world }: Rooms,
  { id, verdict, reason }: Input<'decideApproval'>,
): Promise<Detail> {
  const by = { principal: OPERATOR, means: 'token', provedAt: world.now() } as const
  return detailOf(await approvals.decide(id, by, { verdict, reason }), world.now())
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
  const { createdAt, expiresAt, endedAt, why } = approval
  return {
    id,
    task,
    call,
    // Its task says so only when it is looked at next.
    state: state === 'open' && now >= expiresAt ? 'expired' : state,
    asks: asks.map((one) => ({ ...one, policies: [...one.policies] })),
    ...(message === undefined ? {} : { message }),
    bound: { ...bound, actors: [...bound.actors], policy: { ...bound.policy } },
    answers: answers.map((one) => ({ ...one, groups: [...one.groups] })),
    createdAt,
    expiresAt,
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(why === undefined ? {} : { why }),
  }
}
