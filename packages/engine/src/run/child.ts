import { isObject, own, type Json } from '@countersign/contract'
import { toFailure, type TaskFault } from '../fault.ts'
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
  const { pen, mailbox, host } = run
  if (!call.opened) {
    const started = await host.startChild(run, call.call, order)
    if (started === undefined) return false
    if ('result' in started) return await pen.write(call, 'done', JSON.stringify(started.result))
    if ('fault' in started) {
      return await pen.write(call, 'threw', JSON.stringify(toFailure(started.fault)))
    }
    if (!(await pen.write(call, 'opened', JSON.stringify(started)))) return false
  }
  const name = `child:${String(call.opened?.['child'])}`
  for (;;) {
    const signal = mailbox.take(name)
    if (signal) {
      const said = isObject(signal.payload) ? signal.payload : {}
      const isDone = own(said, 'state') === 'completed'
      const body = JSON.stringify(isDone ? (own(said, 'result') ?? null) : failureOf(said))
      const along = { delivered: signal.id, waits: null }
      return await pen.write(call, isDone ? 'done' : 'threw', body, along)
    }
    await run.park({ signal: name })
  }
}

const failureOf = (said: { readonly [key: string]: Json | undefined }): Json =>
  own(said, 'error') ?? { name: 'Error', message: `The child is ${String(own(said, 'state'))}.` }
