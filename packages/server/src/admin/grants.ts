import type { Admin } from '@countersign/contract'
import {
  digestOfGiven,
  isLive,
  OPERATOR,
  type Approver,
  type GlassReview,
  type Grant,
} from '#approvals'
import type { World } from '#base'
import type { AdminRooms } from './make-admin.ts'

type Line = Awaited<ReturnType<Admin['getGrant']>>
type Review = Awaited<ReturnType<Admin['reviewApproval']>>
type Rooms = Pick<AdminRooms, 'grants' | 'reviews' | 'world'>
type Operations = Pick<
  Admin,
  | 'listGrants'
  | 'getGrant'
  | 'makeGrant'
  | 'agreeGrant'
  | 'revokeGrant'
  | 'listReviews'
  | 'reviewApproval'
>

const operator = (world: World): Approver => ({
  principal: OPERATOR,
  means: 'token',
  provedAt: world.now(),
})

/** A yes in advance, and what was found of a yes by one person alone. */
export const grantOperations = ({ grants, reviews, world }: Rooms): Operations => ({
  listGrants: async ({ all }) =>
    (await grants.list()).filter((one) => isTrue(all) || isLive(one)).map(lineOf),
  getGrant: async ({ id }) => lineOf(await grants.get(id)),
  makeGrant: async ({ groups, where = [], exactly, ...wanted }) => {
    const digest = exactly && digestOfGiven(exactly)
    const bounds = { where, ...(digest === undefined ? {} : { exactly: digest }) }
    const asks = grants.asksOf(groups)
    return lineOf(await grants.make(operator(world), { ...wanted, bounds, asks }))
  },
  agreeGrant: async ({ id }) => lineOf(await grants.agree(id, operator(world))),
  revokeGrant: async ({ id, reason }) => lineOf(await grants.revoke(id, OPERATOR, reason)),
  listReviews: async ({ all }) => (await reviews.list(isTrue(all))).map(reviewOf),
  reviewApproval: async ({ id, verdict, comment }) =>
    reviewOf(await reviews.judge(id, OPERATOR, { verdict, comment })),
})

const isTrue = (flag: boolean | 'true' | 'false' | undefined): boolean =>
  flag === true || flag === 'true'

function lineOf(grant: Grant): Line {
  const { what, bounds, asks, makers, pins, actors, isNoted: _isNoted, ...rest } = grant
  return {
    ...rest,
    what: JSON.parse(JSON.stringify(what)),
    ...(actors ? { actors: [...actors] } : {}),
    isExact: bounds.exactly !== undefined,
    where: JSON.parse(JSON.stringify(bounds.where)),
    asks: asks.map(({ group, quorum }) => ({ group, quorum })),
    makers: makers.map((one) => ({ ...one, groups: [...one.groups] })),
    isAnyVersion: pins === undefined,
  }
}

function reviewOf({ bound, reviewed, ...rest }: GlassReview): Review {
  const { id, task, call, by, reason, brokenAt } = rest
  const { server, tool, effect, principal } = bound
  const line = { id, task, call, by, reason, server, tool, effect, principal, brokenAt }
  return { ...line, ...(reviewed ? { reviewed } : {}) }
}
