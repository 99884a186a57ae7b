import type { Effect, Json } from '@countersign/contract'
import { NotDone, toFailure } from '../fault.ts'
import { isHarmful, type Call } from './calls.ts'
import { pauseAfter, type RetryPolicy } from './retry.ts'
import type { Run } from './run.ts'
import { COME_BACK, Tried } from './tried.ts'
import type { AttemptContext, Reconciled, StepContext } from './types.ts'
import { toOutcome, toText, toThrown, type Outcome } from './value.ts'

/** How a step, an attempt or an undo is carried out. A step has no effect class. */
export interface Plan {
  readonly effect: Effect | undefined
  /** Default: made from the task and the ordinal of the call, so the same in every repetition. */
  readonly key: string | undefined
  readonly reports: boolean
  readonly retry: RetryPolicy | undefined
  readonly timeoutMs: number | undefined
  readonly body: (context: AttemptContext) => unknown
  readonly resume: ((handle: Json, context: AttemptContext) => unknown) | undefined
  readonly reconcile: ((context: StepContext) => unknown) | undefined
}

/** Does what a call wants until its outcome is recorded; false when the task is lost. */
export async function perform(run: Run, call: Call, plan: Plan): Promise<boolean> {
  while (!call.outcome) {
    if (call.retryAt !== undefined && call.retryAt > run.host.world.now()) {
      await run.park({ until: call.retryAt })
      continue
    }
    if (run.freezes()) return new Promise<never>(() => undefined)
    const body =
      plan.effect === undefined ? await enterStep(run, plan) : await enter(run, call, plan)
    if (body === 'lost') return false
    if (body === 'look again') continue
    const free = run.busy(call)
    let end: Came
    try {
      end = await tryOnce(run, call, plan, body)
    } finally {
      free()
    }
    if (end === 'lost') return false
    if (end === 'unsure' && (await reconcile(run, call, plan)) === 'lost') return false
  }
  return true
}

const keyOf = (run: Run, { call }: Call, { key }: Plan): string =>
  key ?? `${run.task.id}/${String(call)}`

type Body = (context: AttemptContext) => unknown

/** What came before is on disk before anything new is done. */
async function enterStep(run: Run, { body }: Plan): Promise<Body | 'lost'> {
  return (await run.pen.settled()) ? body : 'lost'
}

/** Decides what may be run now, after the crash rule of the effect class. */
async function enter(run: Run, call: Call, plan: Plan): Promise<Body | 'lost' | 'look again'> {
  const { handle, open } = call
  if (open !== undefined && !(await run.pen.settled())) return 'lost'
  if (open === undefined) {
    const { effect, reports } = plan
    const began = { effect, key: keyOf(run, call, plan), reported: reports, number: call.tries + 1 }
    const isWritten = await run.pen.write(call, 'began', JSON.stringify(began))
    // A process that was halted since may have lost its lease: then somebody else decides.
    return isWritten && (await run.holds()) ? plan.body : 'lost'
  }
  const { resume } = plan
  if (handle && resume) return (context) => resume(handle.value, context)
  // Repeating does no harm, or it certainly never left.
  if (!isHarmful(open) || call.left === false) return plan.body
  return await reconcile(run, call, plan)
}

async function reconcile(run: Run, call: Call, plan: Plan): Promise<'lost' | 'look again'> {
  const found = plan.reconcile ? await ask(run, call, plan) : undefined
  if (!found) {
    await run.park({ unknown: call })
    return 'look again'
  }
  if (found.happened) {
    run.settle(call, 'done', toText(found.result, valueMax(run), 'task/value-too-large'))
    return 'look again'
  }
  const said = JSON.stringify({ verdict: 'retry', by: 'reconcile' })
  return (await run.pen.write(call, 'settled', said)) ? 'look again' : 'lost'
}

const valueMax = (run: Run): number => run.host.limits.valueBytesMax

async function ask(run: Run, call: Call, plan: Plan): Promise<Reconciled<unknown>> {
  const tried = new Tried(run, call, keyOf(run, call, plan), plan.timeoutMs)
  try {
    const answer = await tried.race(() => plan.reconcile?.(tried))
    // What a reconcile function gives is what its type says.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return answer as Reconciled<unknown>
  } catch {
    return undefined
  }
}

/** What is known after a try: it is recorded, the task is lost, or it may or may not have happened. */
type Came = 'recorded' | 'lost' | 'unsure'

/** One try: runs the body and records what came of it. */
async function tryOnce(run: Run, call: Call, plan: Plan, body: Body): Promise<Came> {
  const tried = new Tried(run, call, keyOf(run, call, plan), plan.timeoutMs)
  // Only an attempt comes back later: a step without a time limit is raced by nothing.
  const isRaced = plan.effect !== undefined || plan.timeoutMs !== undefined
  let outcome: Outcome
  try {
    const value = await (isRaced ? tried.race(() => body(tried)) : body(tried))
    if (value === COME_BACK) return 'recorded'
    // It happened, even when what it gave cannot be recorded.
    outcome = toOutcome(value, valueMax(run))
  } catch (error) {
    if (!run.isEnded) return await failed(run, call, plan, error)
    outcome = toThrown(error)
  }
  if (run.isEnded) return await noteLate(run, call, outcome)
  run.settle(call, outcome.kind, outcome.text)
  return 'recorded'
}

async function noteLate(run: Run, call: Call, { kind, text }: Outcome): Promise<'lost'> {
  await run.pen.late(call, `{"kind":"${kind}","value":${text}}`)
  return 'lost'
}

/** Records a failed try: to be repeated, final, or not known to be a failure at all. */
async function failed(run: Run, call: Call, plan: Plan, error: unknown): Promise<Came> {
  const { world } = run.host
  const isNotDone = error instanceof NotDone
  const isHarmless = isNotDone || !isHarmful(call.open) || call.left === false
  // A remote task that could not be asked is still the same remote task: it is asked again.
  const isRemote = call.handle !== undefined && plan.resume !== undefined && !isNotDone
  const pauseMs = pauseAfter(plan.retry, call.tries + 1, error, world)
  if (pauseMs !== undefined && (isRemote || isHarmless)) {
    const until = world.now() + pauseMs
    const body = { number: call.tries + 1, until, error: toFailure(error), isOver: !isRemote }
    return (await run.pen.write(call, 'retry', JSON.stringify(body))) ? 'recorded' : 'lost'
  }
  if (!isHarmless) return 'unsure'
  run.settle(call, 'threw', toThrown(error).text)
  return 'recorded'
}
