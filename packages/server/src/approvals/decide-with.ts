import { Fault } from '@countersign/contract'
import type { Approval } from './approval.ts'
import type { Approvals } from './approvals.ts'
import type { Grants, More } from './grants.ts'
import type { Verdict } from './rules.ts'
import type { Approver } from './who.ts'

interface Rooms {
  readonly approvals: Pick<Approvals, 'decide'>
  readonly grants: Pick<Grants, 'makeWith'>
}

/**
 * Says yes or no, and with a yes allows as many calls like it, where that is wanted. The yes counts
 * also where no grant can be made: then a fault says so.
 */
export async function decideWith(
  { approvals, grants }: Rooms,
  id: string,
  by: Approver,
  said: Verdict,
  more: More | undefined,
): Promise<Approval> {
  const decided = await approvals.decide(id, by, said)
  if (!more) return decided
  try {
    await grants.makeWith(decided, by, more)
    return decided
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    throw new Fault(thrown.code, `Your yes to this call counts. ${thrown.message}`, {
      cause: thrown,
    })
  }
}
