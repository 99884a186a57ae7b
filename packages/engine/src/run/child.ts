import { isObject, own, textAt, type Json } from '@countersign/contract'
import { toFailure, type TaskFault } from '../fault.ts'
import type { Signal } from '../journal.ts'
import type { Call } from './calls.ts'
import type { Run } from './run.ts'

/** A task to run on behalf of another; `undoes` takes back a task instead of doing something. */
export interface ChildOrder {
  readonly kind: string
  readonly input: unknown
  readonly undoes?: string
  readonly deadlineMs?: number
  readonly metadata?: Json
}

/** A child that runs, a result that was there already, or why there is none. */
export type StartedChild =
  | { readonly child: string }
  | { readonly result: Json }
  | { readonly fault: TaskFault }
  | undefined

/** Starts a child once, waits for its end, and records that as the outcome of the call. */
export async function runChild(run: Run, call: Call, order: ChildOrder): Promise<boolean> {
  if (!call.opened && !(await open(run, call, order))) return false
  while (!call.outcome) {
    const name = `child:${textAt(call.opened ?? {}, 'child')}`
    const signal = run.mailbox.take(name)
    if (signal) note(run, call, signal)
    else await run.park({ signal: name })
  }
  return true
}

async function open(run: Run, call: Call, order: ChildOrder): Promise<boolean> {
  const { pen, host } = run
  if (!(await pen.settled())) return false
  const started = await host.startChild(run, call.call, order)
  if (started === undefined) return false
  if ('child' in started) return await pen.write(call, 'opened', JSON.stringify(started))
  if ('result' in started) run.settle(call, 'done', JSON.stringify(started.result))
  else run.settle(call, 'threw', JSON.stringify(toFailure(started.fault)))
  return true
}

function note(run: Run, call: Call, { id, payload }: Signal): void {
  const said = isObject(payload) ? payload : {}
  const isDone = own(said, 'state') === 'completed'
  const body = JSON.stringify(isDone ? (own(said, 'result') ?? null) : failureOf(said))
  run.settle(call, isDone ? 'done' : 'threw', body, { delivered: id, waits: null })
}

const failureOf = (said: { readonly [key: string]: Json | undefined }): Json =>
  own(said, 'error') ?? { name: 'Error', message: `The child is ${textAt(said, 'state')}.` }
