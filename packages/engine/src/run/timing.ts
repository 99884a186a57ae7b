import { TaskFault, toFailure } from '../fault.ts'
import { toMs } from '../world.ts'
import type { Call } from './calls.ts'
import type { Run } from './run.ts'
import type { WaitOptions } from './types.ts'
import { toText } from './value.ts'

/** Waits until a time that was recorded when the sleep was first asked for. */
export async function sleep(run: Run, call: Call, ms: number): Promise<boolean> {
  const { pen, host } = run
  if (!call.opened) {
    const opened = textOr(run, call, () => JSON.stringify({ until: pen.now() + toMs('ms', ms) }))
    if (opened === undefined) return true
    if (!(await pen.write(call, 'opened', opened))) return false
  }
  const until = Number(call.opened?.['until'])
  while (until > host.world.now()) await run.park({ until })
  run.settle(call, 'done', 'null')
  return true
}

/** Waits for a signal, and records its payload together with the fact that it was delivered. */
export async function wait(run: Run, call: Call, options: WaitOptions): Promise<boolean> {
  const { pen, mailbox, host } = run
  const { name } = call
  if (!call.opened) {
    const opened = textOr(run, call, () => {
      const { timeoutMs, ask } = options
      const until = timeoutMs === undefined ? undefined : pen.now() + toMs('timeoutMs', timeoutMs)
      return toText({ until, ask }, host.limits.valueBytesMax, 'task/value-too-large')
    })
    if (opened === undefined) return true
    if (!(await pen.write(call, 'opened', opened))) return false
  }
  const said = call.opened?.['until']
  const until = said === undefined ? undefined : Number(said)
  for (;;) {
    const signal = mailbox.take(name)
    const waits = (): string => mailbox.waitsWithout(name)
    if (signal) {
      const payload = JSON.stringify(signal.payload)
      run.settle(call, 'done', payload, { delivered: signal.id, waits: waits() })
      return true
    }
    if (until !== undefined && until <= host.world.now()) {
      const fault = new TaskFault('wait/timeout', `No "${name}" came in time.`)
      const text = JSON.stringify(toFailure(fault))
      run.settle(call, 'threw', text, { waits: waits() })
      return true
    }
    const ask = call.opened?.['ask'] ?? null
    await run.park({ until, signal: name, ask })
  }
}

/** What a call opens with; what cannot be recorded is the outcome of the call instead. */
function textOr(run: Run, call: Call, make: () => string): string | undefined {
  try {
    return make()
  } catch (fault) {
    run.settle(call, 'threw', JSON.stringify(toFailure(fault)))
    return undefined
  }
}
