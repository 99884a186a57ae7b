import type { JsonObject } from '@countersign/contract'
import type { Ledger } from '#audit'
import type { Ask } from '#policy'
import { asksJson, type Answer, type Approval } from './approval.ts'
import { boundJson } from './bound.ts'

type Noting = Pick<Ledger, 'note'>

const named = ({ id, task, call }: Approval) => ({ approval: id, task, call })

/** What is asked of whom: with all digests, and never with arguments. */
export async function noteAsked({ note }: Noting, approval: Approval): Promise<void> {
  const { bound, asks, message, expiresAt } = approval
  await note('approval.asked', {
    ...named(approval),
    bound: boundJson(bound),
    asks: asksJson(asks),
    ...(message === undefined ? {} : { message }),
    expiresAt,
  })
}

/** One answer. */
export async function noteAnswer(
  { note }: Noting,
  approval: Approval,
  { by, groups, verdict, reason, means }: Answer,
): Promise<void> {
  const said = reason === undefined ? {} : { reason }
  const answer = { by, groups: [...groups], verdict, means, ...said }
  await note('approval.answered', { ...named(approval), ...answer })
}

/** Nobody answered in time: from now on others may, too. */
export async function noteEscalated(
  { note }: Noting,
  approval: Approval,
  asks: readonly Ask[],
): Promise<void> {
  for (const { group, escalate } of asks) {
    if (!escalate) continue
    // oxlint-disable-next-line eslint/no-await-in-loop -- One after the other, as they stand.
    await note('approval.escalated', { ...named(approval), group, ...escalate })
  }
}

/** One person instead of all who were asked. */
export async function noteBroken({ note }: Noting, approval: Approval): Promise<void> {
  const { glass, asks, bound, answers } = approval
  if (!glass) return
  const means = answers.findLast(({ isBreakGlass }) => isBreakGlass === true)?.means ?? ''
  const { by, group, reason } = glass
  await note('break-glass.used', {
    ...named(approval),
    by,
    group,
    means,
    reason,
    asks: asksJson(asks),
    bound: boundJson(bound),
  })
}

/** What it came to. That it was used is in the entry of the call that went out with it. */
export async function noteEnd({ note }: Noting, approval: Approval): Promise<void> {
  const { state, why, answers, bound } = approval
  await note('approval.ended', {
    ...named(approval),
    state,
    ...(why === undefined ? {} : { why }),
    answers: answers.map(({ by, verdict, means }) => ({ by, verdict, means })),
    bound: boundJson(bound),
  })
}

/** For the entry of the call that goes out with it: by whose yes (GV6). */
export const toldOf = ({ id, glass }: Pick<Approval, 'id' | 'glass'>): JsonObject => ({
  approval: id,
  ...(glass ? { breakGlass: { by: glass.by, reason: glass.reason } } : {}),
})
