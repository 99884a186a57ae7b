import type { JsonObject } from '@countersign/contract'
import type { Ledger } from '#audit'
import { asksJson, type Approval } from './approval.ts'
import { boundJson } from './bound.ts'

type Noting = Pick<Ledger, 'note'>

const named = ({ id, task, call }: Approval): JsonObject => ({ approval: id, task, call })

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

/** The last answer. */
export async function noteAnswer({ note }: Noting, approval: Approval): Promise<void> {
  const last = approval.answers.at(-1)
  if (!last) return
  const { at: _at, groups, ...answer } = last
  await note('approval.answered', { ...named(approval), ...answer, groups: [...groups] })
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
