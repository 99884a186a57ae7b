import { TRANSITIONS } from '../machine.ts'
import type { ClaimOp, FinishOp, Op, RecordOp, SuspendOp, Verdict } from '../ops.ts'
import { toEntry, toSignal, toTask } from '../row.ts'
import { makeCreate } from './create.ts'
import { makeEndings } from './endings.ts'
import { makeInbox } from './inbox.ts'
import { makeLeases } from './leases.ts'
import { makeLines } from './lines.ts'
import { makeLists } from './lists.ts'
import { makeForget, makeSweep } from './sweep.ts'
import { ACCEPTED, FENCED, type Load, type Prepare } from './verdicts.ts'

/** Makes the function that applies one op inside a transaction that somebody else opened. */
export function makeApply(prepare: Prepare): (op: Op) => Verdict {
  const find = prepare('SELECT * FROM tasks WHERE id = ?')
  const load: Load = (id) => {
    const row = find.get(id)
    return row === undefined ? undefined : toTask(row)
  }
  const held = prepare(
    `SELECT 1 FROM tasks WHERE id = ? AND epoch = ? AND state = '${TRANSITIONS.claim.to}'`,
  )
  const isHeld = (task: string, epoch: number): boolean => held.get(task, epoch) !== undefined
  const lines = makeLines(prepare)
  const inbox = makeInbox(prepare)
  const lists = makeLists(prepare)
  const create = makeCreate(prepare, load, lists)
  const leases = makeLeases(prepare)
  const endings = makeEndings({ prepare, load, addLines: lines.add, tellParent: inbox.tellParent })
  const show = prepare(
    `UPDATE tasks SET progress = coalesce(?, progress), status = coalesce(?, status),
       waits = coalesce(?, waits), updated_at = max(updated_at, ?) WHERE id = ?`,
  )
  const record = (op: RecordOp): Verdict => {
    if (!isHeld(op.task, op.epoch)) return FENCED
    lines.add(op.task, op.epoch, op.entries)
    for (const id of op.delivered) inbox.deliver(op.task, id)
    const { progress, status, waits } = op
    if (progress !== null || status !== null || waits !== null) {
      show.run(progress, status, waits, op.at, op.task)
    }
    return ACCEPTED
  }
  /** The last op of a run brings what was not written yet. */
  const carry = (op: SuspendOp | FinishOp, verdict: Verdict): Verdict => {
    if (!verdict.accepted) return verdict
    lines.add(op.task, op.epoch, op.entries)
    for (const id of op.delivered) inbox.deliver(op.task, id)
    return verdict
  }
  const claim = (op: ClaimOp): Verdict => {
    const row = leases.claim(op)
    if (row === undefined) return FENCED
    const journal = lines.of(op.task).map(toEntry)
    const signals = inbox.waiting(op.task).map(toSignal)
    return { accepted: true, task: toTask(row), journal, signals }
  }
  const appliers: { readonly [Name in Op['op']]: (op: Extract<Op, { op: Name }>) => Verdict } = {
    create: (op) => (op.by && !isHeld(op.by.task, op.by.epoch) ? FENCED : create(op)),
    claim,
    renew: leases.renew,
    record,
    suspend: (op) => carry(op, leases.suspend(op)),
    finish: (op) => carry(op, endings.finish(op)),
    cancel: endings.cancel,
    settle: endings.settle,
    signal: (op) => inbox.signal(op, load(op.task)),
    late: (op) => lines.late(op, load(op.task)),
    takeover: leases.takeover,
    sweep: makeSweep({ prepare, addLines: lines.add, tellParent: inbox.tellParent, lists }),
    forget: makeForget(prepare, lists),
  }
  // Each name leads to the applier of its own shape; the compiler cannot follow the pairing.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return (op) => (appliers[op.op] as (op: Op) => Verdict)(op)
}
