import type { Json } from '@countersign/contract'
import { TaskFault } from './fault.ts'
import type { Entry, NewEntry } from './journal.ts'
import type { Limits } from './limits.ts'
import type { SettleOp } from './ops.ts'
import { isHarmful, readJournal, type Call } from './run/calls.ts'
import { toText } from './run/value.ts'
import type { Task } from './task.ts'

/** What a person found out about an effect whose outcome is unknown. */
export type Settlement =
  | { readonly verdict: 'happened'; readonly result?: Json }
  | { readonly verdict: 'retry' }
  | { readonly verdict: 'abandon'; readonly reason?: string }

/** How a settlement is written. `attempt` names the one that is meant where several are open. */
export interface Settling {
  readonly task: Task
  readonly journal: readonly Entry[]
  readonly settlement: Settlement
  readonly attempt: string | undefined
  readonly at: number
}

/** The op that settles. @throws TaskFault `task/illegal` when no such attempt is open. */
export function toSettleOp(settling: Settling, limits: Limits): SettleOp {
  const { task, journal, settlement, at } = settling
  const { calls, lastAt } = readJournal(journal)
  const open = [...calls.values()].filter((call) => isHarmful(call.open))
  const call = pick(open, settling.attempt)
  const time = Math.max(at, lastAt)
  const shared = { op: 'settle', task: task.id, epoch: task.epoch, at: time } as const
  const expiresAt = at + limits.graceMs
  const line = { seq: 0, at: time, what: call.what, call: call.call, name: call.name } as const
  if (settlement.verdict === 'abandon') {
    const message = settlement.reason ?? `It stayed unknown whether "${call.name}" happened.`
    const error = JSON.stringify({ name: 'TaskFault', code: 'task/abandoned', message })
    const entries: NewEntry[] = [{ ...line, kind: 'abandoned', body: error }]
    return { ...shared, event: 'abandon', entries, error, expiresAt }
  }
  const entry: NewEntry =
    settlement.verdict === 'happened'
      ? {
          ...line,
          kind: 'done',
          body: toText(settlement.result, limits.valueBytesMax, 'task/value-too-large'),
        }
      : { ...line, kind: 'settled', body: JSON.stringify({ verdict: 'retry', by: 'person' }) }
  // The task is to go on: it gets its whole time again, since a person took their part of it.
  const until = at + (task.expiresAt - task.createdAt)
  return { ...shared, event: 'resume', entries: [entry], error: null, expiresAt: until }
}

function pick(open: readonly Call[], name: string | undefined): Call {
  const found = name === undefined ? open : open.filter((call) => call.name === name)
  const [call] = found
  if (call && (found.length === 1 || name !== undefined)) return call
  const names = open.map((each) => each.name)
  throw new TaskFault(
    'task/illegal',
    found.length > 1
      ? `More than one outcome is unknown; name one of: ${names.join(', ')}.`
      : 'No such attempt waits to be settled.',
    { data: { open: names } },
  )
}
