import { Fault, type Admin } from '@countersign/contract'
import type { Parsed } from '../command.ts'
import type { Detail } from './words.ts'

const LISTED = 500
const NAMED_MAX = 5

/** The approval that stands on the command line: by its id, its task, or the beginning of one. */
export async function approvalIn(parsed: Parsed, usage: string, admin: Admin): Promise<Detail> {
  const [given] = parsed.positionals
  if (given === undefined) {
    throw new Fault(
      'rpc/bad-params',
      `name an approval: countersign ${usage}. "countersign approvals" lists them.`,
    )
  }
  const lines = await admin.listApprovals({ limit: LISTED })
  const exact = lines.find(({ id }) => id === given)
  if (exact) return admin.getApproval({ id: exact.id })
  const meant = lines.filter(
    ({ id, task }) =>
      id.startsWith(given) || id.startsWith(`ap_${given}`) || task.startsWith(given),
  )
  // A task that asked twice: the question that stands is the one that is meant.
  const open = meant.filter(({ state }) => state === 'open')
  const [one, ...others] = open.length > 0 ? open : meant
  if (one && others.length === 0) return admin.getApproval({ id: one.id })
  if (!one) return admin.getApproval({ id: given })
  const named = [one, ...others].slice(0, NAMED_MAX).map(({ id }) => id)
  throw new Fault(
    'rpc/bad-params',
    `"${given}" is the beginning of ${named.join(', ')}${others.length >= NAMED_MAX ? ' and others' : ''}: give more of it.`,
  )
}
