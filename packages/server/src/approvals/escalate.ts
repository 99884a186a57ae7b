import type { ApprovalSettings, Ask } from '#policy'
import type { Approval } from './approval.ts'

/** What is asked, with whom it goes on to where the policy does not say so itself. */
export const withEscalation = (
  asks: readonly Ask[],
  { escalate }: Pick<ApprovalSettings, 'escalate'>,
): readonly Ask[] =>
  asks.map((ask) => {
    const later =
      ask.escalate ?? (Object.hasOwn(escalate, ask.group) ? escalate[ask.group] : undefined)
    return later ? { ...ask, escalate: later } : ask
  })

/** The groups that nobody of has answered in time, of which that is not written down yet. */
const due = ({ asks, createdAt, escalated = [] }: Approval, now: number): readonly string[] =>
  asks
    .filter(({ escalate }) => escalate && now >= createdAt + escalate.afterMs)
    .map(({ group }) => group)
    .filter((group) => !escalated.includes(group))

/** The approval as it stands at this moment: what is due has gone on to others. */
export function escalatedBy(approval: Approval, now: number): Approval {
  if (approval.state !== 'open' || now >= approval.expiresAt) return approval
  const groups = due(approval, now)
  if (groups.length === 0) return approval
  return { ...approval, escalated: [...(approval.escalated ?? []), ...groups] }
}

/** What went on to others between the two. */
export const escalatedBetween = (before: Approval, after: Approval): readonly Ask[] => {
  const known = before.escalated ?? []
  return after.asks.filter(
    ({ group }) => after.escalated?.includes(group) === true && !known.includes(group),
  )
}
